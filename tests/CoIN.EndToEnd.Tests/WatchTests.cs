using System.Collections.Concurrent;
using System.Net;
using CoIN.Cli.Tests.Support;
using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;
using PuppeteerSharp;
using PuppeteerSharp.Media;

namespace CoIN.EndToEnd.Tests;

/// <summary>Looking on while another process drives a run: the page in a browser, status and logs.</summary>
public sealed class WatchTests : IAsyncLifetime
{
    private const string Id = "watched";
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task The_page_shows_a_run_that_goes_on_and_how_it_ends_and_asks_nobody_else()
    {
        Assert.SkipUnless(Chrome.IsThere, Chrome.Missing);
        await using var receiver = new OtlpReceiver();
        using var run = CoinProcess.Start(
            lab.Run(
                Id,
                "training.max-steps=40",
                "data.validation=8",
                "watch.tensorboard=true",
                "watch.prometheus-port=0",
                $"watch.otlp={receiver.Address}"
            )
        );
        Assert.True(await run.UntilAsync(() => File.Exists(lab.PathOf(Id, "live.json")), Longest), run.Output);
        using var watch = CoinProcess.Start("watch", Id, "--runs", lab.Runs, "--port", "0");
        Assert.True(await watch.UntilAsync(() => watch.Output.Contains("http://", StringComparison.Ordinal), Longest), watch.Output);
        var address = watch.Output.Split('\n')[0].Trim();

        await using var browser = await Chrome.LaunchAsync();
        await using var page = await browser.NewPageAsync();
        var (asked, faults) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        page.Request += (_, request) => asked.Add(request.Request.Url);
        page.Console += (_, said) => faults.Add($"{said.Message.Type}: {said.Message.Text}");
        page.PageError += (_, fault) => faults.Add($"{fault.Message}");
        await page.SetViewportAsync(new ViewPortOptions { Width = 1280, Height = 1000 });
        await page.GoToAsync(address);

        await Chrome.UntilAsync(
            page,
            "document.querySelector('.status.running') && /step \\d+\\/40/.test(document.querySelector('.now')?.textContent)"
        );
        await Chrome.UntilAsync(page, "document.querySelector('.charts path.line')");
        await Chrome.UntilAsync(
            page,
            "document.querySelector('.charts circle.own-dot title')?.textContent.startsWith('held-out samples after step ')"
        );
        await ScrapedAsync(run.Output);
        await Chrome.UntilAsync(page, "document.querySelector('.devices').textContent.includes('trainer-cpu')");
        await Chrome.UntilAsync(
            page,
            "[...document.querySelectorAll('.log p')].some(line => line.textContent.includes('Training begins'))"
        );

        // The first test: its number in the map, its answers with pictures that are there.
        await Chrome.UntilAsync(page, "document.querySelector('.matrix td.cell button')");
        await Chrome.UntilAsync(
            page,
            "[...document.querySelectorAll('.samples img')].some(image => image.complete && image.naturalWidth > 0)"
        );
        await page.EvaluateExpressionAsync("document.querySelector('.matrix td.cell button').click()");
        await Chrome.UntilAsync(page, "document.querySelector('.filters span').textContent === 'ImageNet, after stage 1'");
        await Chrome.UntilAsync(page, "/^[0-9.]+ samples.s$/.test(document.querySelector('.speed').textContent)");

        Assert.True(await run.UntilAsync(() => false, Longest) is false && run.ExitCode == 0, run.Output);
        await Chrome.UntilAsync(page, "document.querySelector('.status.completed')");
        await Chrome.UntilAsync(page, "document.querySelectorAll('.matrix td.cell button').length === 6");
        await Chrome.UntilAsync(page, "document.querySelectorAll('.charts figure').length === 3");

        // By keyboard: one number is in the order of tabs, arrows go to the next.
        Assert.Equal(
            1,
            await page.EvaluateExpressionAsync<int>(
                "[...document.querySelectorAll('.matrix button')].filter(button => button.tabIndex === 0).length"
            )
        );
        await page.EvaluateExpressionAsync("document.querySelector('.matrix button[tabindex=\"0\"]').focus()");
        await page.Keyboard.PressAsync("ArrowUp");
        await page.Keyboard.PressAsync("ArrowLeft");
        await page.Keyboard.PressAsync("Enter");
        await Chrome.UntilAsync(page, "/after stage \\d$/.test(document.querySelector('.filters span').textContent)");

        await page.EvaluateExpressionAsync(
            "(() => { const level = document.querySelectorAll('.run select')[2]; level.value = 'Error'; level.dispatchEvent(new Event('change')); })()"
        );
        await Chrome.UntilAsync(page, "document.querySelectorAll('.log p').length === 0");

        foreach (var (width, scheme) in new[] { (390, "dark"), (1920, "light") })
        {
            await page.SetViewportAsync(new ViewPortOptions { Width = width, Height = 900 });
            await page.EmulateMediaFeaturesAsync([
                new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme },
            ]);
            Assert.True(
                await page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth") <= width,
                $"at {width} columns it must be scrolled sideways"
            );
        }

        Assert.Empty(faults);
        Assert.All(asked, url => Assert.StartsWith(address, url, StringComparison.Ordinal));
        await RefusesStrangers(address);
        await Contrast.HoldsAsync(page);
        await page.GoToAsync(new Uri(lab.PathOf(Id, "report.html")).AbsoluteUri);
        await Contrast.HoldsAsync(page);

        // What the run sent, and what it left for TensorBoard.
        string Sent(string path) => string.Concat(receiver.Requests.Where(request => request.Path == path).Select(request => request.Body));
        Assert.All(["coin.training.steps", "coin.checkpoint.size", "coin.cell.accuracy", Id], name =>
            Assert.Contains(name, Sent("/v1/metrics"), StringComparison.Ordinal)
        );
        Assert.All(["run watched", "stage 3", "training OCR-VQA", "evaluation GQA", "scoring ImageNet"], name =>
            Assert.Contains(name, Sent("/v1/traces"), StringComparison.Ordinal)
        );
        var scalars = EventRecords.Scalars(Assert.Single(Directory.GetFiles(lab.PathOf(Id, "tensorboard"))));
        Assert.Equal(Enumerable.Range(1, 120), scalars.Where(one => one.Tag == "train/loss").Select(one => (int)one.Step));
        Assert.Contains(scalars, one => one.Tag == "validation/loss");
        Assert.Equal(6, scalars.Count(one => one.Tag.StartsWith("Truth Alignment, published/", StringComparison.Ordinal)));
        var report = lab.Report(Id)["metrics"]!["published"]!;
        Assert.Equal((double)report["maa"]!, scalars.Last(one => one.Tag == "so far, published/MAA").Value, 1e-4);
    }

    /// <summary>Prometheus is answered while the run goes on.</summary>
    private static async Task ScrapedAsync(string said)
    {
        var address = said.Split('\n')
            .Single(line => line.StartsWith("Metrics for Prometheus: ", StringComparison.Ordinal))
            .Split(": ", 2)[1]
            .Trim();
        using var client = new HttpClient();
        var metrics = (await client.GetStringAsync(address)).Split('\n');
        Assert.Contains(metrics, line =>
            line.StartsWith("coin_training_steps_total{", StringComparison.Ordinal)
            && line.Contains($"run=\"{Id}\"", StringComparison.Ordinal)
            && line.Contains("task=\"ImageNet\"", StringComparison.Ordinal)
        );
        Assert.Contains(metrics, line =>
            line.StartsWith("coin_workers{", StringComparison.Ordinal) && line.Contains("kind=\"train\"", StringComparison.Ordinal)
        );
        Assert.Contains(metrics, line => line.StartsWith("coin_queue_length{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Status_and_logs_tell_of_a_run_that_another_process_drives_and_that_it_was_killed()
    {
        using (var run = CoinProcess.Start(lab.Run(Id, "training.max-steps=400", "training.checkpoint-every=5")))
        {
            Assert.True(await run.UntilAsync(() => Loss() is not null, Longest), run.Output);
            var output = await CoinProcess.PrintedAsync("status", Id, "--runs", lab.Runs, "--json");
            var status = JObject.Parse(output);
            Assert.Equal("running", (string?)status["status"]);
            Assert.Equal(400, (int)status["training"]!["totalSteps"]!);
            Assert.True((double)status["training"]!["loss"]! > 0 && (double)status["training"]!["tokensPerSecond"]! > 0, output);
            Assert.True((double)status["remainingSeconds"]! > 0, output);
            Assert.Equal("trainer-cpu", (string?)status["workers"]![0]!["name"]);
            await run.KillAsync();
        }

        Assert.Contains("interrupted", (await CoinProcess.RunAsync("status", Id, "--runs", lab.Runs)).Output, StringComparison.Ordinal);
        var killed = JObject.Parse(await CoinProcess.PrintedAsync("status", Id, "--runs", lab.Runs, "--json"));
        Assert.Equal("interrupted", (string?)killed["status"]);
        Assert.Equal(JTokenType.Null, killed["training"]!.Type);

        var lines = await CoinProcess.PrintedAsync("logs", Id, "--runs", lab.Runs, "--actor", "trainer", "--json");
        Assert.All(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.Contains("/user/trainer", (string?)JObject.Parse(line)["ActorPath"], StringComparison.Ordinal)
        );
        Assert.Contains(
            "Training begins at step 0 of 400 on cpu",
            (await CoinProcess.RunAsync("logs", Id, "--runs", lab.Runs)).Output,
            StringComparison.Ordinal
        );

        JToken? Loss() =>
            File.Exists(lab.PathOf(Id, "live.json"))
            && JObject.Parse(File.ReadAllText(lab.PathOf(Id, "live.json"))) is { } live
            && live["remaining"] is not null
            && live["training"]?["tokensPerSecond"] is not null
                ? live["training"]?["last"]
                : null;
    }

    /// <summary>A page of another site cannot reach it by a name of its own.</summary>
    private static async Task RefusesStrangers(string address)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Host = "runs.example";
        using var answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }
}
