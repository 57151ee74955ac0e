using System.Security.Cryptography;
using CoIN.EndToEnd.Tests.Support;

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
        var (ended, output) = await CoinProcess.RunAsync(lab.Resume("e"));
        Assert.True(ended == 0, output);
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

    private static async Task KillWhenAsync(string[] command, Func<bool> seen)
    {
        using var coin = CoinProcess.Start(command);
        Assert.True(await coin.UntilAsync(seen, Longest), $"never seen:\n{coin.Output}");
        await coin.KillAsync();
    }

    /// <summary>Adapters, predictions and scores by name and hash, and the matrix.</summary>
    private IReadOnlyList<string> Files(string run) =>
    [
        .. new[] { "stages", "predictions", "scores" }.SelectMany(part => Directory.GetFiles(lab.PathOf(run, part), "*", SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetRelativePath(lab.PathOf(run), file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"),
        File.ReadAllText(lab.PathOf(run, "matrix.csv")),
    ];
}
