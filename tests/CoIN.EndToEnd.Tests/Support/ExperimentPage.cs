using System.Globalization;
using Newtonsoft.Json.Linq;
using PuppeteerSharp;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// The page of an experiment while its runs come and go: what its events say, and where there is a browser, what it shows.
/// </summary>
internal sealed class ExperimentPage : IAsyncDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource end = new(Longest * 2);
    private readonly HttpClient client = new();
    private readonly Dictionary<string, string> said = new(StringComparer.Ordinal);
    private CoinProcess? watch;
    private StreamReader? events;
    private Chrome? browser;
    private IPage? page;
    private IReadOnlyList<string> runs = [];

    private ExperimentPage() { }

    public static async Task<ExperimentPage> OpenAsync(string experiment, Laboratory lab)
    {
        var opened = new ExperimentPage();
        var watch = opened.watch = CoinProcess.Start("watch", experiment, "--runs", lab.Runs, "--port", "0");
        Assert.True(await watch.UntilAsync(() => watch.Output.Contains("http://", StringComparison.Ordinal), Longest), watch.Output);
        var address = watch.Output.Split('\n')[0].Trim();
        opened.events = new StreamReader(await opened.client.GetStreamAsync(address + "events", opened.end.Token));
        if (Chrome.IsThere)
        {
            opened.browser = await Chrome.LaunchAsync();
            opened.page = await opened.browser.NewPageAsync();
            await opened.page.GoToAsync(address);
        }
        else
        {
            TestContext.Current.AddWarning(Chrome.Missing);
        }

        return opened;
    }

    /// <summary>Waits until the page was told this of every run.</summary>
    public async Task SaysOfEachAsync(string status)
    {
        while (runs.Count == 0 || runs.Any(run => said.GetValueOrDefault(run) != status))
        {
            var line = await events!.ReadLineAsync(end.Token)
                ?? throw new InvalidOperationException($"the events ended: {string.Join(", ", said)}\n{watch!.Output}");
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            if (JToken.Parse(line["data: ".Length..]) is JObject { } told)
            {
                said[(string)told["run"]!] = (string?)told.SelectToken("status.status") ?? said.GetValueOrDefault((string)told["run"]!, "");
            }
            else
            {
                runs = [.. JArray.Parse(line["data: ".Length..]).Select(name => (string)name!)];
            }
        }

        if (page is not null)
        {
            await Chrome.UntilAsync(
                page,
                $"[...document.querySelectorAll('.run .status')].filter(one => one.textContent === '{status}').length === {runs.Count}"
            );
        }
    }

    /// <summary>All runs stand in the table with their numbers, each has its matrix and its curves, and its log is its own.</summary>
    public async Task ShowsTheRunsAsync()
    {
        Assert.Equal(4, runs.Count);
        if (page is null)
        {
            return;
        }

        await Chrome.UntilAsync(page, "document.title === '4/4 runs completed · CoIN'");
        await Chrome.UntilAsync(
            page,
            "[...document.querySelectorAll('.run')].every(run => run.querySelectorAll('td.cell button').length === 3 && run.querySelectorAll('.charts figure').length === 2)"
        );
        await Chrome.UntilAsync(
            page,
            "[...document.querySelectorAll('#overview tbody td:nth-child(5)')].every(cell => /^[0-9]+\\.[0-9]{2}$/.test(cell.textContent))"
        );
        Assert.Equal(
            runs.Count.ToString(CultureInfo.InvariantCulture),
            await page.EvaluateExpressionAsync<string>("String(document.querySelectorAll('#overview tbody tr').length)")
        );

        // Of several runs, details are folded until somebody wants them.
        Assert.Equal(0, await page.EvaluateExpressionAsync<int>("document.querySelectorAll('.samples .example').length"));
        await page.EvaluateExpressionAsync("document.querySelector('.run td.cell button').click()");
        await Chrome.UntilAsync(
            page,
            "[...document.querySelectorAll('.run')].map(run => run.querySelectorAll('.samples .example').length).join() === '12,0,0,0'"
        );
        await page.SetViewportAsync(new ViewPortOptions { Width = 390, Height = 900 });
        Assert.True(
            await page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth") <= 390,
            "at 390 columns it must be scrolled sideways"
        );
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        events?.Dispose();
        client.Dispose();
        if (browser is not null)
        {
            await browser.DisposeAsync();
        }

        watch?.Dispose();
        end.Dispose();
    }
}
