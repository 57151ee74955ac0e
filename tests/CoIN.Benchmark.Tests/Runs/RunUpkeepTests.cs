using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class RunUpkeepTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RunState begun = States.Begun(TinyExperiments.Of(1));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_adapter_of_one_host_stays_where_it_is_and_one_of_several_gets_its_name()
    {
        var place = RunPaths.Adapter(1, "Task1");
        Durable.WriteText(folder.File(place + "-t3.1/weights"), "x");
        var trained = new StageTrained(1, "Task1", place + "-t3.1", "x", null, 12, 0.5, 100, 1);
        Assert.Same(trained, Upkeep(severalHosts: false).PutInPlace(trained));
        Assert.True(Directory.Exists(folder.File(place + "-t3.1")));
        Assert.Equal(trained with { Folder = place }, Upkeep(severalHosts: true).PutInPlace(trained));
        Assert.Equal((true, false), (Directory.Exists(folder.File(place)), Directory.Exists(folder.File(place + "-t3.1"))));
    }

    [Fact]
    public void A_checkpoint_makes_earlier_ones_superfluous_and_a_trained_stage_all_of_them()
    {
        Array.ForEach([1, 2, 3], step => Durable.WriteText(folder.File(RunPaths.Checkpoint(1, "Task1", step) + "/state"), "x"));
        var train = new TrainStage(1, null, null);
        Upkeep().After(new CheckpointSaved(1, 2, RunPaths.Checkpoint(1, "Task1", 2), "x"), train, begun);
        Assert.Equal([false, true, true], new[] { 1, 2, 3 }.Select(Exists));
        Upkeep().After(new StageTrained(1, "Task1", "a", "x", null, 12, 0.5, 100, 1), train, begun);
        Assert.Equal([false, false, false], new[] { 1, 2, 3 }.Select(Exists));

        bool Exists(int step) => Directory.Exists(folder.File(RunPaths.Checkpoint(1, "Task1", step)));
    }

    [Fact]
    public void A_cells_parts_are_superfluous_when_it_is_scored()
    {
        Durable.WriteText(folder.File("part"), "x");
        Durable.WriteText(folder.File("other"), "x");
        Upkeep().After(new CellScored(1, 0, 50, 7, "p", "x"), new ScoreCell(1, 0, new(["part"])), begun);
        Assert.Equal((false, true), (File.Exists(folder.File("part")), File.Exists(folder.File("other"))));
    }

    private RunUpkeep Upkeep(bool severalHosts = false) => new(folder.Path, severalHosts, new FakeWork(), warning => Assert.Fail(warning));
}
