using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>
/// Nodes that are killed while they test or judge: another does the shard or the cell from its beginning, and the run ends with the bits of
/// one that nothing disturbed.
/// </summary>
public sealed partial class KilledWorkersTests(KilledWorkersTests.Tested whole) : IClassFixture<KilledWorkersTests.Tested>
{
    private const int Samples = 300;
    private const int Concurrency = 2;
    private const string Id = "killed-workers";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task An_evaluator_is_killed_within_a_shard_and_a_judge_within_a_cell_and_others_do_them()
    {
        using var endpoint = await EndpointProcess.StartAsync(Slowly, whole.EndpointPort);
        using var cluster = await whole.ClusterAsync();
        var port = EndpointProcess.FreePort();
        var supervisor = cluster.Begin(0, "supervisor,trainer");
        var evaluator = cluster.Begin(1, "evaluator", settings: [$"watch.prometheus-port={port}"]);
        var judge = cluster.Begin(null, "judge");
        foreach (var node in new[] { supervisor, evaluator, judge })
        {
            await cluster.IsThereAsync(node);
        }

        using var submit = cluster.Submit(Id, whole.Settings);
        Assert.True(await evaluator.UntilAsync(() => Answered(port) > 0, Longest), cluster.Output);
        await evaluator.KillAsync();
        Assert.Empty(ShardsOf(Id));
        Assert.Empty((await endpoint.SeenAsync()).Requests);
        cluster.Begin(1, "evaluator");

        for (var asked = 0; asked < 10; asked = (await endpoint.SeenAsync()).Requests.Count)
        {
            Assert.False(judge.HasExited || submit.HasExited, cluster.Output);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await judge.KillAsync();
        Assert.InRange((await endpoint.SeenAsync()).Requests.Count, 10, 100);
        await cluster.IsThereAsync(cluster.Begin(null, "judge"));
        await cluster.CompletesAsync(submit);

        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence(Id));
        Assert.Equal(File.ReadAllText(JudgementsOf("whole")), File.ReadAllText(JudgementsOf(Id)));
        Assert.Equal(Samples, File.ReadLines(JudgementsOf(Id)).Distinct(StringComparer.Ordinal).Count());

        // What the first judge had replies to is not asked again, only what was under way.
        var asks = (await endpoint.SeenAsync()).Requests.Select(request => request["body"]!.ToString()).ToList();
        Assert.InRange(asks.Count - asks.Distinct(StringComparer.Ordinal).Count(), 0, Concurrency);
    }

    private string[] ShardsOf(string run) =>
        Directory.Exists(whole.Lab.PathOf(run, "predictions"))
            ? Directory.GetFiles(whole.Lab.PathOf(run, "predictions"), "*.jsonl", SearchOption.AllDirectories)
            : [];

    private string JudgementsOf(string run) => whole.Lab.PathOf(run, "judgements", "tester", "stage-1", "GQA.jsonl");

    /// <summary>Test samples that the evaluators of a node have answered, by what it tells Prometheus.</summary>
    private static double Answered(int port)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{port}/metrics"));
            using var response = http.Send(request);
            using var text = new StreamReader(response.Content.ReadAsStream());
            return SamplesAnswered().Matches(text.ReadToEnd()).Sum(one => double.Parse(one.Groups[1].Value, CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // It does not listen yet.
            return 0;
        }
    }

    [GeneratedRegex(@"^coin_evaluation_samples_total\{[^}]*\} (\S+)", RegexOptions.Multiline)]
    private static partial Regex SamplesAnswered();

    /// <summary>The first replies are slow enough for somebody to be killed.</summary>
    private static string Slowly => string.Join(',', Enumerable.Repeat("slow", 60).Append("ok"));

    /// <summary>A run with one test, which is one shard of many small batches.</summary>
    public sealed class Tested : ClusterLaboratory
    {
        private readonly Laboratory many = new();

        internal int EndpointPort { get; } = EndpointProcess.FreePort();

        internal override string[] Settings =>
            [
                $"data.instructions={Drawn}/Instructions_Original",
                $"data.images={Drawn}/images",
                "order=[GQA]",
                "training.max-steps=2",
                "evaluation.batch-size=1",
                $"evaluation.shard-size={Samples}",
                "judge.kind=openai",
                "judge.name=tester",
                $"judge.endpoint=http://127.0.0.1:{EndpointPort}/v1",
                "judge.model=m",
                $"judge.concurrency={Concurrency}",
            ];

        private string Drawn => Path.Combine(many.Folder, "many");

        public override async ValueTask InitializeAsync()
        {
            var (code, output) = await CoinProcess.RunAsync([
                "mini",
                "generate",
                "--out",
                Drawn,
                "--train-samples",
                "16",
                "--test-samples",
                $"{Samples}",
            ]);
            Assert.True(code == 0, output);
            using var endpoint = await EndpointProcess.StartAsync("ok", EndpointPort);
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            await many.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
