using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

/// <summary>Files that are lost from runs' folders, folders that are copied, and journals that do not belong to them.</summary>
public sealed class RunRepairTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_lost_adapter_is_named_and_redone_with_all_that_came_of_it()
    {
        await Run("r", TinyExperiments.Of(3));
        var whole = Contents("r");
        Directory.Delete(folder.Of("r/stages/2-Task2/adapter"), recursive: true);

        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("r", null));
        Assert.Contains("2-Task2/adapter", fault.Message, StringComparison.Ordinal);
        Assert.Contains("is missing", fault.Message, StringComparison.Ordinal);
        Assert.Contains("(2 stages trained, 5 cells tested): ./run.sh resume r --redo", fault.Message, StringComparison.Ordinal);

        var learners = new FakeLearners();
        Assert.Equal(RunStatus.Completed, (await Run("r", null, learners, redo: true)).Status);
        Assert.Equal(whole, Contents("r"));
        var state = RunJournal.Read(folder.Of("r"))!;
        Assert.Equal([1, 2, 3], state.Trained.Keys);
        Assert.Equal(6, state.Cells.Count);
    }

    [Fact]
    public async Task Lost_or_changed_predictions_are_redone_alone()
    {
        await Run("r", TinyExperiments.Of(2));
        var whole = Contents("r");
        var kept = File.GetLastWriteTimeUtc(folder.Of("r/predictions/stage-1/Task1.jsonl"));
        File.Delete(folder.Of("r/predictions/stage-2/Task1.jsonl"));
        File.AppendAllText(folder.Of("r/predictions/stage-2/Task2.jsonl"), "x");

        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("r", null));
        Assert.Contains("(2 cells tested)", fault.Message, StringComparison.Ordinal);
        Assert.Contains("SHA-256 differs", fault.Message, StringComparison.Ordinal);
        Assert.True(fault.IsFinal);

        Assert.Equal(RunStatus.Completed, (await Run("r", null, redo: true)).Status);
        Assert.Equal(whole, Contents("r"));
        Assert.Equal(kept, File.GetLastWriteTimeUtc(folder.Of("r/predictions/stage-1/Task1.jsonl")));
    }

    [Fact]
    public async Task A_lost_checkpoint_costs_the_way_from_the_stages_start_and_needs_no_permission()
    {
        await Run("whole", TinyExperiments.Of(2));
        await StopInStage2("r");
        Directory.Delete(folder.Of("r/stages/2-Task2/checkpoints"), recursive: true);
        Assert.Equal(RunStatus.Completed, (await Run("r", null)).Status);
        Assert.Equal(Contents("whole"), Contents("r"));
    }

    [Fact]
    public async Task A_changed_checkpoint_is_refused_and_redone_when_that_is_wanted()
    {
        await Run("whole", TinyExperiments.Of(2));
        await StopInStage2("r");
        File.AppendAllText(
            Directory.GetFiles(folder.Of("r/stages/2-Task2/checkpoints"), "state", SearchOption.AllDirectories).Single(),
            "x"
        );
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("r", null));
        Assert.Contains("1 stage that was under way trained from the start", fault.Message, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Completed, (await Run("r", null, redo: true)).Status);
        Assert.Equal(Contents("whole"), Contents("r"));
    }

    [Fact]
    public async Task Redoing_where_nothing_is_lost_does_nothing()
    {
        await Run("r", TinyExperiments.Of(1));
        var events = RunJournal.Read(folder.Of("r"))!.Number;
        var learners = new FakeLearners();
        Assert.Equal(RunStatus.Completed, (await Run("r", null, learners, redo: true)).Status);
        Assert.Equal(0, learners.Opened);
        Assert.Equal(events, RunJournal.Read(folder.Of("r"))!.Number);
    }

    [Fact]
    public async Task A_copied_folder_goes_on_as_the_run_that_it_holds()
    {
        await Run("whole", TinyExperiments.Of(2));
        await StopInStage2("first");
        Copy("first", "copy");
        Assert.Equal("first", (await Run("copy", null)).RunId);
        var state = RunJournal.Read(folder.Of("copy"))!;
        Assert.Equal(("first", RunStatus.Completed), (state.Started!.RunId, state.Status));
        Assert.Equal(Contents("whole"), Contents("copy"));
        Assert.Equal(RunStatus.Stopped, RunJournal.Read(folder.Of("first"))!.Status);
    }

    [Fact]
    public async Task A_journal_that_is_older_than_the_folder_is_refused_and_nothing_is_written_over()
    {
        await StopInStage2("r");
        File.Copy(folder.Of("r/journal.db"), folder.Of("old.db"));
        await Run("r", null);
        await Run("other", TinyExperiments.Of(3));
        var whole = Contents("r");
        foreach (var stages in new[] { "predictions", "scores" })
        {
            Assert.True(Directory.Exists(folder.Of($"r/{stages}/stage-2")));
        }

        var newest = File.ReadAllBytes(folder.Of("r/journal.db"));
        File.Copy(folder.Of("old.db"), folder.Of("r/journal.db"), overwrite: true);
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("r", null));
        Assert.Contains("knows nothing of predictions/stage-2, scores/stage-2", fault.Message, StringComparison.Ordinal);

        File.Copy(folder.Of("other/journal.db"), folder.Of("r/journal.db"), overwrite: true);
        await Assert.ThrowsAsync<CoinException>(() => Run("r", null));
        File.WriteAllBytes(folder.Of("r/journal.db"), newest);
        Assert.Equal(whole, Contents("r"));
    }

    private async Task StopInStage2(string id)
    {
        using var stop = new CancellationTokenSource();
        var last = await Run(
            id,
            TinyExperiments.Of(2),
            new FakeLearners(stepMilliseconds: 100),
            witness: new Witness(snapshot =>
            {
                if (snapshot.Training is { Stage: 2, Step: > 2 })
                {
                    stop.Cancel();
                }
            }),
            stop: stop.Token
        );
        Assert.Equal(RunStatus.Stopped, last.Status);
    }

    private Task<RunSnapshot> Run(
        string id,
        ExperimentOptions? options,
        FakeLearners? learners = null,
        bool redo = false,
        Witness? witness = null,
        CancellationToken stop = default
    ) =>
        RunHost
            .RunAsync(
                new RunRequest(id, folder.Of(id), options, new NodeSettings()) { Redo = redo },
                learners ?? new FakeLearners(),
                new FakeJudges(),
                new FakeWork(),
                witness ?? new Witness(),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(60));

    private void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(folder.Of(from), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder.Of(to), Path.GetRelativePath(folder.Of(from), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>Every adapter, prediction and score of a run, and its matrix.</summary>
    private List<string> Contents(string id) =>
        [
            .. Directory
                .GetFiles(folder.Of(id), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder.Of(id), path))
                .Where(path => new[] { "stages", "predictions", "scores" }.Any(part => path.StartsWith(part, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
                .Select(path => $"{path}: {File.ReadAllText(Path.Combine(folder.Of(id), path))}"),
            .. RunJournal
                .Read(folder.Of(id))!
                .Cells.OrderBy(cell => cell.Key)
                .Select(cell => $"{cell.Value with { Number = 0, At = default }}"),
        ];
}
