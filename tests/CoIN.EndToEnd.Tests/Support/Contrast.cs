using PuppeteerSharp;
using PuppeteerSharp.Media;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// A page as the browser draws it, by the Web Content Accessibility Guidelines 2.1 at level AA: 4.5 : 1 for every text on what lies behind
/// it (1.4.3), 3 : 1 for borders of controls and lines of charts (1.4.11).
/// </summary>
internal static class Contrast
{
    // Heat map cells take every shade in turn. A ground is what the element and those around it lay over one another.
    private const string Script = """
        (() => {
          const colour = text => { const parts = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number); return [parts[0], parts[1], parts[2], parts.length > 3 ? parts[3] : 1]; };
          const over = (top, under) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * under[i]).concat(1);
          const ground = element => {
            const layers = [];
            for (let one = element; one; one = one.parentElement) {
              const layer = colour(getComputedStyle(one).backgroundColor);
              if (layer[3] > 0) layers.push(layer);
              if (layer[3] === 1) break;
            }
            return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
          };
          const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
            const part = c[i] / 255;
            return sum + weight * (part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4));
          }, 0);
          const contrast = (one, other) => {
            const [a, b] = [luminance(one), luminance(other)];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          };
          const faults = new Set();
          let texts = 0;
          const hold = (element, drawn, least, what) => {
            const behind = ground(element);
            const found = contrast(over(drawn, behind), behind);
            if (found < least) faults.add(`${what}: ${found.toFixed(2)} : 1 (rgb ${drawn} on ${behind.map(Math.round)})`);
          };
          const shown = element => element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
          const look = () => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
              const element = walker.currentNode.parentElement;
              if (!walker.currentNode.data.trim() || ['OPTION', 'SCRIPT', 'STYLE', 'NOSCRIPT', 'title'].includes(element.tagName) || !shown(element)) continue;
              const style = getComputedStyle(element);
              texts++;
              hold(element, colour(element instanceof SVGElement ? style.fill : style.color), 4.5, `<${element.tagName} class="${element.getAttribute('class') || ''}"> ${walker.currentNode.data.trim().slice(0, 40)}`);
            }
            for (const control of document.querySelectorAll('select, input, button')) {
              if (!shown(control) || control.type === 'checkbox' || control.type === 'radio') continue;
              const style = getComputedStyle(control);
              hold(control, colour(style.color), 4.5, `${control.tagName} text`);
              if (parseFloat(style.borderTopWidth) > 0) hold(control.parentElement, colour(style.borderTopColor), 3, `${control.tagName} border`);
            }
            for (const line of document.querySelectorAll('svg .line, svg .before, svg .after, svg .third, svg .series, svg .axis, svg .own-dot, svg .mark')) {
              if (shown(line)) hold(line, colour(getComputedStyle(line).stroke), 3, `chart line ${line.getAttribute('class')}`);
            }
          };
          const cells = [...document.querySelectorAll('.heat .cell, .heat .up, .heat .down')];
          for (let percent = 0; percent <= 100; percent += cells.length > 0 ? 10 : 101) {
            for (const cell of cells) cell.style.setProperty('--v', String(percent / 100));
            look();
          }
          return JSON.stringify({ texts, cells: cells.length, faults: [...faults] });
        })()
        """;

    /// <summary>Fails with everything that cannot be read well, in light and in dark.</summary>
    /// <param name="page">What is looked at; its heat maps are left at their last shade.</param>
    public static async Task HoldsAsync(IPage page)
    {
        foreach (var scheme in new[] { "light", "dark" })
        {
            await page.EmulateMediaFeaturesAsync([
                new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme },
            ]);
            var found = Newtonsoft.Json.Linq.JObject.Parse(await page.EvaluateExpressionAsync<string>(Script));
            Assert.True((int)found["texts"]! > 50 && (int)found["cells"]! > 0, $"{page.Url} has hardly any text: {found}");
            Assert.True(!found["faults"]!.Any(), $"{page.Url}, {scheme}:\n{string.Join('\n', found["faults"]!)}");
        }
    }
}
