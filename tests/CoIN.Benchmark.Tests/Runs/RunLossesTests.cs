using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class RunLossesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_goes_with_a_lost_stage_needs_no_event_of_its_own()
    {
        var state = Trained(3)
            .WithCell(folder.Path, 1, 0, "4681111", new FakeWork())
            .WithCell(folder.Path, 3, 0, "4681111", new FakeWork());
        Directory.Delete(folder.File("stages/2-Task2"), recursive: true);
        Directory.Delete(folder.File("stages/3-Task3"), recursive: true);
        File.Delete(folder.File(RunPaths.Predictions(3, "Task1")));

        var lost = Assert.IsType<StageDiscarded>(Assert.Single(RunLosses.Discards(folder.Path, state, redo: true)));

        Assert.Equal(2, lost.Stage);
        Assert.EndsWith(
            "is missing: stage 2 (Task2) and what came of it is trained and tested again",
            RunLosses.Describe(lost, state),
            StringComparison.Ordinal
        );
        Assert.Equal([(1, 0)], state.After([lost]).Cells.Keys);
    }

    [Fact]
    public void Without_being_asked_only_a_lost_checkpoint_is_discarded()
    {
        var state = Trained(1).With(new CheckpointSaved(2, 5, RunPaths.Checkpoint(2, "Task2", 5), "x"));
        Directory.Delete(folder.File("stages/1-Task1"), recursive: true);
        var lost = Assert.IsType<CheckpointDiscarded>(Assert.Single(RunLosses.Discards(folder.Path, state, redo: false)));
        Assert.Equal(2, lost.Stage);
        Assert.EndsWith("is missing: stage 2 (Task2) is trained from its start", RunLosses.Describe(lost, state), StringComparison.Ordinal);
        Assert.Equal(2, RunLosses.Discards(folder.Path, state, redo: true).Count);
    }

    [Fact]
    public void A_cell_whose_scores_no_node_has_is_tested_again_and_on_one_host_its_predictions_are_kept()
    {
        var state = Trained(1)
            .WithCell(folder.Path, 0, 0, "4681111", new FakeWork())
            .WithCell(folder.Path, 1, 0, "4681111", new FakeWork());
        Assert.Empty(RunLosses.Discards(folder.Path, state, redo: false, small: true));
        File.Delete(folder.File(RunPaths.Scores(1, "Task1")));
        Assert.Empty(RunLosses.Discards(folder.Path, state, redo: true));
        var lost = Assert.IsType<CellDiscarded>(Assert.Single(RunLosses.Discards(folder.Path, state, redo: false, small: true)));
        Assert.Equal((1, 0), (lost.Stage, lost.Task));

        // With its predictions it is one loss.
        File.Delete(folder.File(RunPaths.Predictions(1, "Task1")));
        Assert.Single(RunLosses.Discards(folder.Path, state, redo: false, small: true));
    }

    [Fact]
    public void The_files_of_what_is_discarded_are_deleted_and_no_others()
    {
        var state = Trained(2)
            .WithCell(folder.Path, 1, 0, "4681111", new FakeWork())
            .WithCell(folder.Path, 2, 0, "4681111", new FakeWork())
            .WithCell(folder.Path, 2, 1, "4681111", new FakeWork());
        RunLosses.Delete(folder.Path, state, state.After([new CellDiscarded(2, 0, "lost")]));
        Assert.Equal(["predictions/stage-1/Task1.jsonl", "predictions/stage-2/Task2.jsonl"], Files("predictions"));
        Assert.Equal(["scores/stage-1/Task1.jsonl", "scores/stage-2/Task2.jsonl"], Files("scores"));

        Directory.CreateDirectory(folder.File("training"));
        File.WriteAllText(folder.File(RunPaths.Steps(1, "Task1")), "");
        File.WriteAllText(folder.File(RunPaths.Steps(2, "Task2")), "");
        RunLosses.Delete(folder.Path, state, state.After([new StageDiscarded(2, "lost")]));
        Assert.Equal(["training/1-Task1.jsonl"], Files("training"));
        Assert.Equal(["predictions/stage-1/Task1.jsonl"], Files("predictions"));
        Assert.Equal("stages/1-Task1", Path.GetDirectoryName(Path.GetDirectoryName(Assert.Single(Files("stages")))));
    }

    private RunState Trained(int stages) => States.Begun(TinyExperiments.Of(3)).WithStages(folder.Path, stages);

    private IEnumerable<string> Files(string below) =>
        Directory
            .GetFiles(folder.File(below), "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder.Path, path))
            .Order(StringComparer.Ordinal);
}
