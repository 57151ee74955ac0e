using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.Benchmark.Reports;

namespace CoIN.Benchmark.Tests.Reports;

/// <summary>
/// The pages' colours by the Web Content Accessibility Guidelines 2.1, success criterion 1.4.3 (level AA): 4.5 : 1 for text.
/// </summary>
public sealed partial class ContrastTests
{
    private static readonly string Style = Read();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Numbers_can_be_read_on_every_shade_of_the_heat_maps(int theme)
    {
        var colours = Theme(theme);
        foreach (var scale in (string[])["heat", "up", "down"])
        {
            var rule = Regex.Match(Style, $@"rgb\(var\(--{scale}\) / calc\(([.\d]+) \+ ([.\d]+) \* var\(--v\)\)\)");
            var (least, span) = (Number(rule.Groups[1].Value), Number(rule.Groups[2].Value));
            for (var percent = 0; percent <= 100; percent++)
            {
                var shade = Blend(colours[scale], colours["paper"], least + (span * percent / 100));
                Assert.True(
                    Contrast(colours["ink"], shade) >= 4.5,
                    $"theme {theme}, {scale} at {percent} %: {Contrast(colours["ink"], shade):0.00} : 1"
                );

                // A cell that cannot be compared is hatched in grey.
                var hatched = Blend([128, 128, 128], shade, 0.22);
                Assert.True(
                    Contrast(colours["ink"], hatched) >= 4.5,
                    $"theme {theme}, {scale} hatched at {percent} %: {Contrast(colours["ink"], hatched):0.00} : 1"
                );
            }
        }

        Assert.DoesNotContain("opacity", Regex.Match(Style, @"\.heat td small \{[^}]*\}").Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Texts_can_be_read_on_their_grounds(int theme)
    {
        var colours = Theme(theme);
        foreach (
            var (text, ground) in new[]
            {
                ("ink", "paper"),
                ("ink", "card"),
                ("ink", "warn"),
                ("soft", "paper"),
                ("soft", "card"),
                ("soft", "warn"),
                ("link", "paper"),
                ("link", "card"),
                ("link", "warn"),
                ("third", "card"),
                ("after", "card"),
            }
        )
        {
            Assert.True(
                Contrast(colours[text], colours[ground]) >= 4.5,
                $"theme {theme}: {text} on {ground} has {Contrast(colours[text], colours[ground]):0.00} : 1"
            );
        }
    }

    /// <summary>Light, dark, paper, as the style sheet has them one after the other.</summary>
    private static Dictionary<string, double[]> Theme(int place)
    {
        var blocks = Root().Matches(Style);
        Assert.Equal(3, blocks.Count);
        return Colour()
            .Matches(blocks[place].Value)
            .ToDictionary(match => match.Groups[1].Value, match => Parse(match.Groups[2].Value.Trim()));
    }

    private static double[] Parse(string colour) =>
        colour[0] == '#'
            ?
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(part =>
                        (double)int.Parse(colour.AsSpan(1 + (2 * part), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                    ),
            ]
            : [.. colour.Split(' ').Select(Number)];

    private static double[] Blend(double[] top, double[] ground, double alpha) =>
        [.. top.Zip(ground, (one, other) => (alpha * one) + ((1 - alpha) * other))];

    private static double Contrast(double[] one, double[] other)
    {
        var (light, dark) = (Math.Max(Luminance(one), Luminance(other)), Math.Min(Luminance(one), Luminance(other)));
        return (light + 0.05) / (dark + 0.05);
    }

    private static double Luminance(double[] colour)
    {
        var linear = colour
            .Select(part => part / 255)
            .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4))
            .ToList();
        return (0.2126 * linear[0]) + (0.7152 * linear[1]) + (0.0722 * linear[2]);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Read()
    {
        using var reader = new StreamReader(typeof(RunReport).Assembly.GetManifestResourceStream("CoIN.Benchmark.report.css")!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@":root \{[^}]*\}")]
    private static partial Regex Root();

    [GeneratedRegex(@"--([a-z-]+): ([^;]+);")]
    private static partial Regex Colour();
}
