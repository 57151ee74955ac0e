using PuppeteerSharp;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>Chromium or Chrome without a window.</summary>
internal sealed class Chrome(IBrowser browser) : IAsyncDisposable
{
    /// <summary>Why a test is skipped.</summary>
    public const string Missing = "There is no Chromium or Chrome on this computer to look at the page with.";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);
    private static readonly string[] Browsers =
    [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/opt/google/chrome/chrome",
    ];

    /// <summary>Whether this computer has one.</summary>
    public static bool IsThere => Browsers.Any(File.Exists);

    public static async Task<Chrome> LaunchAsync() =>
        new(
            await Puppeteer.LaunchAsync(
                new LaunchOptions
                {
                    ExecutablePath = Browsers.First(File.Exists),
                    Headless = true,
                    Args = ["--no-sandbox", "--disable-gpu"],
                }
            )
        );

    public Task<IPage> NewPageAsync() => browser.NewPageAsync();

    /// <summary>Waits until an expression is true in a page.</summary>
    /// <exception cref="TimeoutException">It never was; with the page's text.</exception>
    public static async Task UntilAsync(IPage page, string condition)
    {
        try
        {
            await page.WaitForExpressionAsync(
                $"Boolean({condition})",
                new WaitForFunctionOptions { Timeout = (int)Longest.TotalMilliseconds, PollingInterval = 200 }
            );
        }
        catch (Exception e)
        {
            throw new TimeoutException(
                $"never came true: {condition}\n{await page.EvaluateExpressionAsync<string>("document.body.innerText.slice(0, 3000)")}",
                e
            );
        }
    }

    public async ValueTask DisposeAsync() => await browser.DisposeAsync();
}
