using System.Security.Cryptography;
using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests;

/// <summary>An experiment of several runs as a process: killed, resumed, and held against runs that were made one by one.</summary>
public sealed class ExperimentTests(Laboratory lab) : IClassFixture<Laboratory>
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);

    private static readonly string[] Settings = ["training.max-steps=6", "order=[ImageNet,GQA]"];

    private static readonly string[] Block = ["experiment.vary.seed=[1,2]", "experiment.vary.evaluation.feature-cache=[1024,16]"];

    [Fact]
    public async Task Killed_twice_and_resumed_its_runs_end_with_the_bits_of_runs_by_themselves()
    {
        // When the record stands and hardly a run has begun, and while adapters of two runs are there and more is to come.
        await KillWhenAsync(lab.Run("e", [.. Settings, .. Block]), () => File.Exists(lab.PathOf("e", "experiment.json")));
        await KillWhenAsync(lab.Resume("e"), () => Directory.GetDirectories(lab.Runs, "adapter", SearchOption.AllDirectories).Length >= 2);
        await using var page = await ExperimentPage.OpenAsync("e", lab);
        await page.SaysOfEachAsync("interrupted");
        var (ended, output) = await CoinProcess.RunAsync(lab.Resume("e"));
        Assert.True(ended == 0, output);
        await page.SaysOfEachAsync("completed");
        await page.ShowsTheRunsAsync();
        await LooksAsync();
        foreach (var file in new[] { "comparison.html", "comparison.md", "comparison.json" })
        {
            Assert.True(File.Exists(lab.PathOf("e", file)), $"no {file}:\n{output}");
        }

        // The memory for pictures' features decides no bit: of each seed, one run computes and the other takes over.
        foreach (var seed in new[] { 1, 2 })
        {
            var alone = $"alone-{seed}";
            var (code, said) = await CoinProcess.RunAsync(lab.Run(alone, [.. Settings, $"seed={seed}"]));
            Assert.True(code == 0, said);
            var pair = new[] { 1024, 16 }.Select(cache => $"e-seed{seed}-feature-cache{cache}").ToList();
            Assert.All(pair, run => Laboratory.AssertSame(Files(alone), Files(run)));
            Assert.Contains(pair, run => File.ReadAllText(lab.PathOf(run, "report.md")).Contains("taken over", StringComparison.Ordinal));
        }
    }

    /// <summary>What was said, answered and trained in a run of the experiment, which was interrupted twice.</summary>
    private async Task LooksAsync()
    {
        const string One = "e-seed2-feature-cache16";
        foreach (var (name, mark) in new[] { ("e", "\"RunId\":\"e-seed1-"), (One, $"\"RunId\":\"{One}\"") })
        {
            var (code, lines) = await CoinProcess.RunAsync("logs", name, "--runs", lab.Runs, "--json");
            Assert.True(code == 0, lines);
            Assert.Contains(mark, lines, StringComparison.Ordinal);
            Assert.Equal(name == "e", lines.Contains("\"RunId\":\"e-seed1-", StringComparison.Ordinal));
        }

        var answers = await CoinProcess.PrintedAsync("predictions", One, "--runs", lab.Runs, "--task", "GQA", "--limit", "0", "--json");
        Assert.Equal(
            20,
            answers.Split('\n').Select(JObject.Parse).Count(line => (string?)line["run"] == One && (string?)line["answer"] is not null)
        );

        // The adapter of one of its runs, with that run's own configuration, has the number that the run found.
        var text = await CoinProcess.PrintedAsync(
            "eval",
            lab.PathOf(One, "settings.conf"),
            "--adapter",
            lab.PathOf(One, "stages", "2-GQA", "adapter"),
            "--tasks",
            "ImageNet",
            "--json"
        );
        var cell = JObject.Parse(text)["tasks"]![0]!;
        Assert.Equal((double)lab.Report(One)["truthAlignment"]!["published"]!["matrix"]![1]![0]!, (double)cell["published"]!);
    }

    private static async Task KillWhenAsync(string[] command, Func<bool> seen)
    {
        using var coin = CoinProcess.Start(command);
        Assert.True(await coin.UntilAsync(seen, Longest), $"never seen:\n{coin.Output}");
        await coin.KillAsync();
    }

    /// <summary>Adapters, predictions and scores by name and hash, and the matrix.</summary>
    private IReadOnlyList<string> Files(string run) =>
        [
            .. new[] { "stages", "predictions", "scores" }
                .SelectMany(part => Directory.GetFiles(lab.PathOf(run, part), "*", SearchOption.AllDirectories))
                .Order(StringComparer.Ordinal)
                .Select(file =>
                    $"{Path.GetRelativePath(lab.PathOf(run), file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"
                ),
            File.ReadAllText(lab.PathOf(run, "matrix.csv")),
        ];
}
