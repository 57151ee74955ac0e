using System.Diagnostics;
using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests;

/// <summary>Processes that are killed at bad moments, and what becomes of their runs.</summary>
public sealed class CrashTests(CrashTests.Uninterrupted whole) : IClassFixture<CrashTests.Uninterrupted>
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private Laboratory Lab => whole.Lab;

    [Fact]
    public async Task Killed_at_random_moments_and_resumed_a_run_ends_with_the_same_bits()
    {
        var random = new Random(11);
        const string Id = "random";
        var kills = 0;
        var command = Lab.Run(Id);
        while (true)
        {
            using var coin = CoinProcess.Start(command);

            // Longer from time to time: on a busy host a start alone may take seconds, and without progress there would be no end.
            var wait = random.Next(600, 4000) + (200 * kills);
            var clock = Stopwatch.StartNew();
            if (!await coin.UntilAsync(() => clock.ElapsedMilliseconds > wait, Longest))
            {
                await coin.EndAsync(Longest);
                Assert.True(coin.ExitCode == 0, coin.Output);
                break;
            }

            await coin.KillAsync();
            kills++;
            Assert.InRange(kills, 1, 60);

            // Before the first file stands, there is no run to resume, and the same command starts it.
            command = File.Exists(Lab.PathOf(Id, "settings.conf")) ? Lab.Resume(Id) : Lab.Run(Id);
            if (command[0] == "run" && Directory.Exists(Lab.PathOf(Id)))
            {
                Directory.Delete(Lab.PathOf(Id), recursive: true);
            }
        }

        Assert.InRange(kills, 2, 60);
        Laboratory.AssertSame(whole.Essence, Lab.Essence(Id));
        AssertEveryStepOnce(Id);
    }

    [Theory]
    [InlineData("writing a checkpoint", "stages", "*step-*.partial-*")]
    [InlineData("a checkpoint is renamed but hardly journalled", "stages", "step-000006")]
    [InlineData("writing an adapter", "stages", "adapter.partial-*")]
    [InlineData("an adapter is renamed but hardly journalled", "stages", "adapter")]
    [InlineData("an adapter's first shard is answered", "predictions", "*.shard-1-of-2-t*.jsonl")]
    [InlineData("a cell is put together", "predictions", "GQA.jsonl")]
    public async Task Killed_while_it_is_at_its_most_delicate_it_ends_with_the_same_bits(string moment, string folder, string pattern)
    {
        var id = new string([.. moment.Where(char.IsAsciiLetter)]);
        using (var coin = CoinProcess.Start(Lab.Run(id)))
        {
            bool Seen() =>
                Directory.Exists(Lab.PathOf(id, folder))
                && Directory.EnumerateFileSystemEntries(Lab.PathOf(id, folder), pattern, SearchOption.AllDirectories).Any();
            var seen = await coin.UntilAsync(() => Guarded(Seen), Longest);
            Assert.True(seen, $"never saw {pattern}:\n{coin.Output}");
            await coin.KillAsync();
        }

        var (code, output) = await CoinProcess.RunAsync(Lab.Resume(id));
        Assert.True(code == 0, output);
        Laboratory.AssertSame(whole.Essence, Lab.Essence(id));
        Assert.Empty(Directory.GetFileSystemEntries(Lab.PathOf(id), "*.partial-*", SearchOption.AllDirectories));
        AssertEveryStepOnce(id);
    }

    [Fact]
    public async Task SIGTERM_stops_within_seconds_at_a_point_from_which_it_ends_with_the_same_bits()
    {
        const string Id = "terminated";
        using (var coin = CoinProcess.Start(Lab.Run(Id)))
        {
            Assert.True(
                await coin.UntilAsync(() => coin.Output.Contains("stage 2/3 GQA: training", StringComparison.Ordinal), Longest),
                coin.Output
            );
            coin.Terminate();
            await coin.EndAsync(TimeSpan.FromSeconds(15));
            Assert.True(coin.ExitCode == 130, coin.Output);
            Assert.Contains($"./run.sh resume {Id}", coin.Output, StringComparison.Ordinal);
        }

        Assert.Contains("stopped", (await CoinProcess.RunAsync("status", Id, "--runs", Lab.Runs)).Output, StringComparison.Ordinal);
        var (code, output) = await CoinProcess.RunAsync("resume", "--runs", Lab.Runs);
        Assert.True(code == 0, output);
        Laboratory.AssertSame(whole.Essence, Lab.Essence(Id));
    }

    [Fact]
    public async Task A_second_process_on_the_same_run_is_refused_with_a_sentence()
    {
        const string Id = "shared";
        using var coin = CoinProcess.Start(Lab.Run(Id, "training.max-steps=500"));
        Assert.True(await coin.UntilAsync(() => coin.Output.Contains("training", StringComparison.Ordinal), Longest), coin.Output);
        var (code, output) = await CoinProcess.RunAsync(Lab.Resume(Id));
        Assert.NotEqual(0, code);
        Assert.Contains("is being driven by process", output, StringComparison.Ordinal);
        Assert.False(coin.HasExited);
        await coin.KillAsync();
    }

    [Fact]
    public async Task A_disk_that_is_full_ends_a_run_by_name_and_with_more_space_it_goes_on_to_the_same_bits()
    {
        const string Id = "full";
        var disk = Path.Combine(Lab.Folder, "disk");
        await using var small = SmallDisk.TryMount(disk, megabytes: 5);
        Assert.SkipWhen(small is null, "a disk of its own needs Linux and the superuser");
        string[] On(string[] command) => [.. command.Select(part => part == Lab.Runs ? disk : part)];
        var (code, output) = await CoinProcess.RunAsync(On(Lab.Run(Id)));
        Assert.Equal(1, code);
        Assert.Contains("Cannot write", output, StringComparison.Ordinal);
        Assert.Contains("No space left on device", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(disk, "*.partial-*", SearchOption.AllDirectories));

        small.Grow(megabytes: 100);
        (code, output) = await CoinProcess.RunAsync(On(Lab.Resume(Id)));
        Assert.True(code == 0, output);
        Laboratory.Copy(disk, Lab.Runs);
        Laboratory.AssertSame(whole.Essence, Lab.Essence(Id));
        AssertEveryStepOnce(Id);
    }

    /// <summary>With the loss of the run that nobody killed.</summary>
    private void AssertEveryStepOnce(string id)
    {
        var files = Directory.GetFiles(Lab.PathOf("whole", "training"), "*.jsonl");
        Assert.Equal(3, files.Length);
        foreach (var file in files)
        {
            var steps = Steps(Lab.PathOf(id, "training", Path.GetFileName(file)));
            Assert.Equal(Enumerable.Range(1, 12), steps.Select(step => step.Step));
            Assert.Equal(Steps(file), steps);
        }
    }

    private static List<(int Step, double Loss, double Norm)> Steps(string file) =>
        [.. File.ReadLines(file).Select(JObject.Parse).Select(step => ((int)step["step"]!, (double)step["loss"]!, (double)step["norm"]!))];

    /// <summary>Deleting and listing at once may fail; then nothing was seen.</summary>
    private static bool Guarded(Func<bool> look)
    {
        try
        {
            return look();
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The same run without interruption.</summary>
    public sealed class Uninterrupted : IAsyncLifetime
    {
        internal Laboratory Lab { get; } = new();

        internal IReadOnlyList<string> Essence { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            await Lab.InitializeAsync();
            var (code, output) = await CoinProcess.RunAsync(Lab.Run("whole"));
            Assert.True(code == 0, output);
            Essence = Lab.Essence("whole");
        }

        public ValueTask DisposeAsync() => Lab.DisposeAsync();
    }
}
