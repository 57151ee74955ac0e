using System.Diagnostics;
using System.Runtime.Versioning;
using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>Runs that were killed, that lost their journal, and that belong to somebody else.</summary>
public sealed class StateTests(Laboratory lab) : IClassFixture<Laboratory>
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_killed_run_is_running_before_and_interrupted_after_and_goes_on_after_its_stage_is_lost()
    {
        const string Id = "killed";
        using (var coin = CoinProcess.Start(lab.Run(Id)))
        {
            Assert.True(
                await coin.UntilAsync(() => coin.Output.Contains("stage 2/3 GQA: training", StringComparison.Ordinal), Longest),
                coin.Output
            );
            Assert.Contains($"Run {Id}: running", (await Coin("status", lab.PathOf(Id))).Output, StringComparison.Ordinal);
            await coin.KillAsync();
        }

        var (_, status) = await Coin("status", Id);
        Assert.Contains($"Run {Id}: interrupted", status, StringComparison.Ordinal);
        Assert.Contains($"./run.sh resume {Id}", status, StringComparison.Ordinal);
        Assert.Matches($"{Id} +interrupted", (await Coin("runs")).Output);

        Directory.Delete(lab.PathOf(Id, "stages", "1-ImageNet", "adapter"), recursive: true);
        var (refused, output) = await Coin("resume", Id);
        Assert.Equal(1, refused);
        Assert.Contains($"./run.sh resume {Id} --redo", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Go on with", output, StringComparison.Ordinal);
        (refused, output) = await Coin("resume", Id, "--redo");
        Assert.True(refused == 0, output);
        Assert.Contains("stage 1 (ImageNet) and what came of it is trained and tested again", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gone", "is gone")]
    [InlineData("emptied", "is empty")]
    public async Task A_run_without_its_journal_is_refused_and_nothing_of_it_is_touched(string id, string expected)
    {
        var (code, output) = await CoinProcess.RunAsync(lab.Run(id, "method=zero-shot", "data.max-test-samples=2"));
        Assert.True(code == 0, output);
        foreach (var file in Directory.GetFiles(lab.PathOf(id), "journal.db*"))
        {
            File.Delete(file);
        }

        if (id == "emptied")
        {
            File.WriteAllText(lab.PathOf(id, "journal.db"), "");
        }

        var before = lab.Essence(id);
        foreach (var verb in new[] { "status", "resume", "report" })
        {
            (code, output) = await Coin(verb, id);
            Assert.Equal(1, code);
            Assert.Contains(
                $"{lab.PathOf(id, "journal.db")} {expected}, but the folder holds the predictions, scores, ",
                output,
                StringComparison.Ordinal
            );
            Assert.DoesNotContain("Go on with", output, StringComparison.Ordinal);
        }

        Assert.Equal(before, lab.Essence(id));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_run_that_may_only_be_read_is_shown_compared_and_reported_elsewhere()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "permissions are tested where they are bits");
        Assert.SkipUnless(CoinProcess.NobodyReachesIt, "the program lies in a folder that other users may not enter");
        using var own = new Temporary();
        foreach (var id in new[] { "his", "hers" })
        {
            var (code, output) = await CoinProcess.RunAsync(lab.Run(id, "data.max-test-samples=2", "order=[GQA]", "training.max-steps=1"));
            Assert.True(code == 0, output);
        }

        File.SetUnixFileMode(lab.Folder, (UnixFileMode)0b111_101_101);
        Process.Start("chmod", ["-R", "a=rX", lab.Runs]).WaitForExit();
        try
        {
            await Reads(0, "Run his: completed", "status", "his");
            await Reads(0, "his", "runs");
            await Reads(0, "hers − his", "compare", "his", "hers");
            await Reads(1, "./run.sh report his --out DIR", "report", "his");
            await Reads(0, "report.html", "report", "his", "--out", Path.Combine(own.Folder, "reports"));
            Assert.True(File.Exists(Path.Combine(own.Folder, "reports", "report.json")));
            await Reads(0, "GQA", "metrics", lab.PathOf("his", "report.json"));
        }
        finally
        {
            Process.Start("chmod", ["-R", "u+w", lab.Runs]).WaitForExit();
        }

        async Task Reads(int code, string expected, params string[] arguments)
        {
            using var coin = CoinProcess.StartAsNobody([.. arguments, "--runs", lab.Runs]);
            await coin.EndAsync(Longest);
            Assert.Contains(expected, coin.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(coin.Output.Split('\n'), line =>
                line.StartsWith("h", StringComparison.Ordinal) && line.Contains("unreadable", StringComparison.Ordinal)
            );
            Assert.DoesNotContain("Cannot read the journal", coin.Output, StringComparison.Ordinal);
            Assert.Equal(code, coin.ExitCode);
        }
    }

    private Task<(int ExitCode, string Output)> Coin(params string[] arguments) => CoinProcess.RunAsync([.. arguments, "--runs", lab.Runs]);

    /// <summary>A folder into which everybody may write.</summary>
    private sealed class Temporary : IDisposable
    {
        public string Folder { get; } = Directory.CreateTempSubdirectory("coin-own-").FullName;

        public Temporary() => Process.Start("chmod", ["a+rwx", Folder]).WaitForExit();

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
