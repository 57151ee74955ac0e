using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class TakeOverTests : IDisposable
{
    private static readonly ResultSource From = new("a", "k");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_cell_comes_with_its_scores_and_with_what_is_known_of_its_experts_and_only_as_the_journal_has_it()
    {
        var (source, target) = (folder.File("a"), folder.File("b"));
        var cell = States.Begun(TinyExperiments.Of(2)).WithCell(source, 1, 0, "4681111", new FakeWork()).Cells[(1, 0)];
        TakeOver.Cell(source, cell, From, target, 2, 0, "Task1");
        Assert.False(File.Exists(Path.Combine(target, RunPaths.Routing(2, "Task1"))));

        Durable.WriteText(Path.Combine(source, RunPaths.Routing(1, "Task1")), "{}");
        var taken = TakeOver.Cell(source, cell, From, target, 2, 0, "Task1");
        Assert.Equal((2, RunPaths.Predictions(2, "Task1"), From), (taken.Stage, taken.File, taken.TakenFrom));
        Assert.Equal(cell.ScoresSha256, Durable.Sha256(Path.Combine(target, taken.ScoresFile!)));
        Assert.Equal("{}", File.ReadAllText(Path.Combine(target, RunPaths.Routing(2, "Task1"))));

        File.AppendAllText(Path.Combine(source, cell.File), "x");
        Assert.Throws<CoinException>(() => TakeOver.Cell(source, cell, From, target, 2, 0, "Task1"));
    }
}
