using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

public sealed class RunRescorerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_that_is_scored_as_it_was_stays_as_it_was()
    {
        await RunAsync(TinyExperiments.Of(2));
        var before = RunJournal.Read(folder.Path)!;

        var rescoring = await RunChanges.RescoreAsync(folder.Path, new FakeWork(), default);

        Assert.Equal(3, rescoring.Cells);
        Assert.Empty(rescoring.Changes);
        Assert.Equal(before.Number, RunJournal.Read(folder.Path)!.Number);
    }

    [Fact]
    public async Task Other_rules_give_other_numbers_through_the_journal_and_leave_the_runs_end_alone()
    {
        await RunAsync(TinyExperiments.Of(2));
        var before = RunJournal.Read(folder.Path)!;

        var rescoring = await RunChanges.RescoreAsync(folder.Path, new FakeWork { CorrectedFrom = 'z' }, default);

        var after = RunJournal.Read(folder.Path)!;
        Assert.All(rescoring.Changes, change => Assert.Equal((change.PublishedBefore, 0.0), (change.Published, change.Corrected)));
        Assert.Contains(rescoring.Changes, change => change.CorrectedBefore > 0);
        Assert.Equal(before.Number + rescoring.Changes.Count, after.Number);
        Assert.All(after.Cells.Values, cell =>
            Assert.Equal((0.0, Durable.Sha256(folder.Of(cell.ScoresFile!))), (cell.Corrected, cell.ScoresSha256))
        );
        Assert.Equal(before.Cells.Keys.Order(), after.Cells.Keys.Order());
        Assert.Equal((before.Status, before.LastAt), (after.Status, after.LastAt));
        Assert.Equal(RunStatus.Completed, (await RunAsync(null)).Status);
    }

    [Fact]
    public async Task A_journal_older_than_corrected_scoring_gets_its_corrected_scores()
    {
        await RunAsync(TinyExperiments.Of(1));
        var cell = RunJournal.Read(folder.Path)!.Cells.Values.Single();
        var started = RunJournal.Read(folder.Path)!.Started!;
        File.Delete(folder.Of(RunPaths.Journal));
        Directory.Delete(folder.Of("scores"), recursive: true);
        await JournalAppender.AppendAsync(
            "r",
            folder.Path,
            [started, new CellScored(1, 0, cell.Accuracy, cell.Samples, cell.File, cell.Sha256), new RunCompleted()]
        );

        var change = Assert.Single((await RunChanges.RescoreAsync(folder.Path, new FakeWork(), default)).Changes);

        Assert.Null(change.CorrectedBefore);
        Assert.Equal(cell.Corrected, change.Corrected);

        // So old a journal does not say where its cells were computed either.
        var scored = RunJournal.Read(folder.Path)!.Cells.Values.Single();
        Assert.Equal(cell with { Number = 0, At = default, Computations = null }, scored with { Number = 0, At = default });
    }

    [Fact]
    public async Task A_damaged_scores_file_is_refused_by_a_resume_and_mended_by_scoring_again()
    {
        await RunAsync(TinyExperiments.Of(1));
        var file = folder.Of(RunPaths.Scores(1, "Task1"));
        var whole = File.ReadAllText(file);
        File.AppendAllText(file, "x");

        Assert.Contains(
            $"./run.sh rescore {Path.GetFileName(folder.Path)}",
            (await Assert.ThrowsAsync<CoinException>(() => RunAsync(null))).Message,
            StringComparison.Ordinal
        );
        Assert.Empty((await RunChanges.RescoreAsync(folder.Path, new FakeWork(), default)).Changes);
        Assert.Equal(whole, File.ReadAllText(file));
        Assert.Equal(RunStatus.Completed, (await RunAsync(null)).Status);
    }

    [Fact]
    public async Task A_zero_shot_run_is_scored_again_too()
    {
        await RunAsync(TinyExperiments.Of(2, ZeroShot.Name));
        var rescoring = await RunChanges.RescoreAsync(folder.Path, new FakeWork { CorrectedFrom = 'z' }, default);

        Assert.All(rescoring.Changes, change => Assert.Equal(0, change.Stage));
        Assert.True(File.Exists(folder.Of("scores/zero-shot/Task1.jsonl")));
        Assert.Equal(7, ScoresFile.Read(folder.Of("scores/zero-shot/Task2.jsonl")).Count);
    }

    [Fact]
    public async Task A_run_that_another_process_drives_is_left_alone()
    {
        await RunAsync(TinyExperiments.Of(1));
        using var held = RunLock.Take(folder.Path);

        var fault = await Assert.ThrowsAsync<CoinException>(() => RunChanges.RescoreAsync(folder.Path, new FakeWork(), default));

        Assert.Contains("is being driven by process", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Predictions_or_test_files_that_are_not_those_of_then_are_refused_by_name()
    {
        var test = folder.Of("data/t1/test.json");
        Durable.WriteText(test, "then");
        await RunAsync(
            TinyExperiments.Of(1) with
            {
                Data = new DataOptions { Instructions = folder.Of("data"), Images = "p" },
            },
            new FakeWork { OtherData = { ["t1/test.json"] = Durable.Sha256(test) } }
        );
        File.Delete(test);
        var gone = await Assert.ThrowsAsync<CoinException>(() => RunChanges.RescoreAsync(folder.Path, new FakeWork(), default));
        Assert.Contains("t1/test.json does not exist any more", gone.Message, StringComparison.Ordinal);
        Durable.WriteText(test, "now");
        var changed = await Assert.ThrowsAsync<CoinException>(() => RunChanges.RescoreAsync(folder.Path, new FakeWork(), default));
        Assert.Contains("t1/test.json has changed since the run began", changed.Message, StringComparison.Ordinal);
        Durable.WriteText(test, "then");
        File.AppendAllText(folder.Of(RunPaths.Predictions(1, "Task1")), "x");
        var predictions = await Assert.ThrowsAsync<CoinException>(() => RunChanges.RescoreAsync(folder.Path, new FakeWork(), default));
        Assert.Contains(RunPaths.Predictions(1, "Task1"), predictions.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_never_began_has_nothing_to_score() =>
        Assert.Contains(
            "has not begun",
            (await Assert.ThrowsAsync<CoinException>(() => RunChanges.RescoreAsync(folder.Path, new FakeWork(), default))).Message,
            StringComparison.Ordinal
        );

    private Task<RunSnapshot> RunAsync(ExperimentOptions? options, FakeWork? work = null) =>
        RunHost
            .RunAsync(
                new RunRequest("r", folder.Path, options, new NodeSettings()),
                new FakeLearners(),
                new FakeJudges(),
                work ?? new FakeWork(),
                new Witness(),
                NullLoggerFactory.Instance,
                default
            )
            .WaitAsync(TimeSpan.FromSeconds(60));
}
