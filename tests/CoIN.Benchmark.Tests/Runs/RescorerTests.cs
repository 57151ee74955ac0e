using CoIN.Benchmark.Files;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class RescorerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Cells_that_score_as_before_give_no_events_and_their_files_are_written_nevertheless()
    {
        var state = Tested();
        var file = folder.File(RunPaths.Scores(0, "Task1"));
        var whole = File.ReadAllText(file);
        File.Delete(file);

        var (events, changes) = Rescorer.Rescore(folder.Path, state, new FakeWork(), default);

        Assert.Empty(events);
        Assert.Empty(changes);
        Assert.Equal(whole, File.ReadAllText(file));
    }

    [Fact]
    public void Other_rules_give_an_event_for_each_cell_that_they_score_otherwise()
    {
        var (events, changes) = Rescorer.Rescore(folder.Path, Tested(), new FakeWork { CorrectedFrom = '8' }, default);

        var again = Assert.IsType<CellRescored>(Assert.Single(events));
        Assert.Equal((0, 1, 100.0 * 3 / 7, 100.0 / 7), (again.Stage, again.Task, again.Accuracy, again.Corrected));
        Assert.Equal(Durable.Sha256(folder.File(again.ScoresFile)), again.ScoresSha256);
        Assert.Equal([new RescoredCell(0, "Task2", 100.0 * 3 / 7, 100.0 * 3 / 7, 100.0 * 3 / 7, 100.0 / 7)], changes);
    }

    [Fact]
    public void Predictions_that_are_not_those_of_then_and_a_wish_to_stop_end_it()
    {
        var state = Tested();
        Assert.Throws<OperationCanceledException>(() =>
            Rescorer.Rescore(folder.Path, state, new FakeWork(), new CancellationToken(canceled: true))
        );
        File.AppendAllText(folder.File(RunPaths.Predictions(0, "Task2")), "x");
        var fault = Assert.Throws<CoinException>(() => Rescorer.Rescore(folder.Path, state, new FakeWork(), default));
        Assert.Contains(RunPaths.Predictions(0, "Task2"), fault.Message, StringComparison.Ordinal);
    }

    /// <summary>No answer of the first task is right by any rule, three of the second are by both: two are below 8.</summary>
    private RunState Tested() =>
        States
            .Begun(TinyExperiments.Of(2, ZeroShot.Name))
            .WithCell(folder.Path, 0, 0, "1357913", new FakeWork())
            .WithCell(folder.Path, 0, 1, "4681111", new FakeWork());
}
