using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests;

/// <summary>The miniature by MoELoRA.</summary>
public sealed class MoeLoraTests : IAsyncLifetime
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);
    private static readonly string[] Method = ["method=moelora", "moelora.experts=2", "order=[ImageNet,GQA]", "training.max-steps=6"];

    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task Killed_in_training_and_in_testing_it_ends_with_the_same_bits_and_shows_who_serves_which_task()
    {
        var (code, output) = await CoinProcess.RunAsync(lab.Run("whole", Method));
        Assert.True(code == 0, output);
        await TheAdapterByItselfAnswersTheSame();
        await Kill(lab.Run("killed", Method), "stages", "step-000003");
        await Kill(lab.Resume("killed"), "predictions", "*.shard-1-of-2-t*.jsonl");
        (code, output) = await CoinProcess.RunAsync(lab.Resume("killed"));
        Assert.True(code == 0, output);
        var essence = lab.Essence("whole");
        Laboratory.AssertSame(essence, lab.Essence("killed"));
        Assert.Equal(3, essence.Count(line => line.Contains("routing/stage-", StringComparison.Ordinal)));
        Assert.Equal(3, lab.Report("whole")["routing"]!["cells"]!.Count());
        Assert.Contains("Who serves which task", File.ReadAllText(lab.PathOf("whole", "report.html")), StringComparison.Ordinal);
    }

    /// <summary>Tested without a run, the last stage's adapter gives the last row of the matrix.</summary>
    private async Task TheAdapterByItselfAnswersTheSame()
    {
        var to = Path.Combine(lab.Folder, "eval");
        var (code, output) = await CoinProcess.RunAsync(
            "eval",
            lab.PathOf("whole", "settings.conf"),
            "--adapter",
            lab.PathOf("whole", "stages", "2-GQA", "adapter"),
            "--out",
            to,
            "--runs",
            lab.Runs
        );
        Assert.True(code == 0, output);
        var cells = lab.Report("whole")["predictions"]!.Where(cell => (int)cell["stage"]! == 2).ToDictionary(cell => (string)cell["task"]!);
        var tested = JObject.Parse(File.ReadAllText(Path.Combine(to, "eval.json")))["tasks"]!;
        Assert.Equal(["ImageNet", "GQA"], tested.Select(task => (string?)task["task"]));
        foreach (var task in tested)
        {
            var name = (string)task["task"]!;
            Assert.Equal(
                File.ReadAllText(lab.PathOf("whole", "predictions", "stage-2", $"{name}.jsonl")),
                File.ReadAllText(Path.Combine(to, "predictions", $"{name}.jsonl"))
            );
            Assert.Equal(
                File.ReadAllText(lab.PathOf("whole", "scores", "stage-2", $"{name}.jsonl")),
                File.ReadAllText(Path.Combine(to, "scores", $"{name}.jsonl"))
            );
            Assert.Equal((string?)cells[name]["sha256"], (string?)task["predictionsSha256"]);
        }

        // What is tested so is no run.
        Assert.Equal([lab.PathOf("whole")], Directory.GetDirectories(lab.Runs));
    }

    /// <summary>Kills a process as soon as it has written a file.</summary>
    private async Task Kill(string[] command, string folder, string pattern)
    {
        using var coin = CoinProcess.Start(command);
        var path = lab.PathOf("killed", folder);
        Assert.True(await coin.UntilAsync(Seen, Longest), coin.Output);
        await coin.KillAsync();

        bool Seen()
        {
            try
            {
                return Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path, pattern, SearchOption.AllDirectories).Any();
            }
            catch (IOException)
            {
                // Deleting and listing at once may fail; then nothing was seen.
                return false;
            }
        }
    }
}
