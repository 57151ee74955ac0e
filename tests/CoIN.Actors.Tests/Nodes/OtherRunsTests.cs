using CoIN.Actors.Journal;
using CoIN.Actors.Nodes;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Nodes;

/// <summary>What a node says of the other runs of an experiment is what their journals say.</summary>
public sealed class OtherRunsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly OtherRuns others;

    public OtherRunsTests() => others = new OtherRuns(folder.Path, null);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Everything_that_the_runs_of_an_experiment_have_is_found_and_one_that_cannot_be_read_is_passed_over()
    {
        var experiment = Experiments.Of("a", "b", "c");
        await BeginAsync(experiment, "a", Trained());
        await BeginAsync(experiment, "b");
        Durable.WriteText(folder.Of("e-c/journal.db"), "no database");
        var made = Assert.Single(others.MadeBeside("e-b"));
        Assert.Equal(("e-a", folder.Of("e-a"), "m"), (made.RunId, made.RunFolder, made.BaseModelSha256));
        Assert.Equal(1, made.Stage!.Stage);
        Assert.Empty(others.MadeBeside("nobody"));
    }

    [Fact]
    public async Task A_result_is_taken_as_its_journal_has_it_whatever_a_message_says()
    {
        await BeginAsync(Experiments.Of("a", "b"), "a", Trained());
        var made = Assert.Single(others.MadeBeside("e-a"));
        var said = made with { RunFolder = "/elsewhere/e-a", BaseModelSha256 = "x", Stage = Trained() with { Folder = "forged" } };
        var brought = await others.BringAsync(said, CancellationToken.None);
        Assert.Equal((made, "a1"), (brought, brought.Stage!.Folder));
        foreach (
            var lie in new[]
            {
                said with
                {
                    Key = "another",
                },
                said with
                {
                    RunFolder = "/elsewhere/e-b",
                },
                said with
                {
                    RunFolder = "/elsewhere/..",
                },
            }
        )
        {
            await Assert.ThrowsAsync<CoinException>(() => others.BringAsync(lie, CancellationToken.None));
        }
    }

    [Fact]
    public async Task What_was_taken_over_and_is_lost_is_taken_over_once_more()
    {
        var adapter = RunPaths.Adapter(1, "Task1");
        Durable.WriteText(folder.Of($"e-a/{adapter}/weights"), "w");
        var trained = Trained() with { Folder = adapter, FolderSha256 = Durable.Sha256OfFolder(folder.Of($"e-a/{adapter}")) };
        await BeginAsync(Experiments.Of("a", "b"), "a", trained);
        var from = new ResultSource("e-a", others.MadeBeside("e-a").Single().Key);
        var state = States.Begun(TinyExperiments.Of(2)).With(trained with { TakenFrom = from });
        Assert.True(await others.TakeAgainAsync(state, folder.Of("e-b"), adapter, CancellationToken.None));
        Assert.Equal(trained.FolderSha256, Durable.Sha256OfFolder(folder.Of($"e-b/{adapter}")));

        var own = States.Begun(TinyExperiments.Of(2)).With(trained);
        Assert.False(await others.TakeAgainAsync(own, folder.Of("e-b"), adapter, CancellationToken.None));
        File.Delete(folder.Of($"e-a/{adapter}/weights"));
        await Assert.ThrowsAsync<CoinException>(() => others.TakeAgainAsync(state, folder.Of("e-b"), adapter, CancellationToken.None));
    }

    [Fact]
    public async Task Runs_are_compared_when_none_is_under_way_and_two_are_completed()
    {
        var experiment = Experiments.Of("a", "b", "c");
        await BeginAsync(experiment, "a", new RunCompleted());
        await BeginAsync(experiment, "b", new RunFailed("no memory"));
        Assert.Null(await CompareAsync(experiment));
        await BeginAsync(experiment, "c");
        Assert.Null(await CompareAsync(experiment));
        await JournalAppender.AppendAsync("e-c", folder.Of("e-c"), [new RunCompleted()]);
        Assert.Equal(folder.Of("e"), await CompareAsync(experiment));
        Assert.Equal("e-a Completed\ne-b Failed\ne-c Completed", File.ReadAllText(folder.Of("e/comparison.json")));
    }

    [Fact]
    public void An_experiment_is_written_down_as_on_one_host_and_another_of_its_name_is_refused()
    {
        others.Begin(Experiments.Of("a", "b"), "e-b", "b {}");
        others.Begin(Experiments.Of("a", "b") with { Name = "later" }, "e-a", "a {}");
        Assert.Equal("tiny", ExperimentFiles.Read(folder.Of("e")).Name);
        Assert.Equal(["a {}", "b {}"], new[] { "a", "b" }.Select(run => File.ReadAllText(folder.Of($"e/settings/{run}.conf"))));
        var fault = Assert.Throws<CoinException>(() => others.Begin(Experiments.Of("b"), "e-b", "b {}"));
        Assert.Contains("experiment e of other runs", fault.Message, StringComparison.Ordinal);
    }

    private static StageTrained Trained() => new(1, "Task1", "a1", "ab", null, 12, 0.5, 100, 1) { FolderSha256 = "cd" };

    private Task<string?> CompareAsync(ExperimentRecord experiment) =>
        others.CompareAsync(experiment, new FakeWork(), NullLogger.Instance, CancellationToken.None);

    private Task BeginAsync(ExperimentRecord experiment, string run, params RunEvent[] then) =>
        Experiments.BeginAsync(experiment, run, folder, then);
}
