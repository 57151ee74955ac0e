using CoIN.Actors.Artifacts;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Artifacts;

/// <summary>Which files a run's work needs and leaves.</summary>
public sealed class RunArtifactsTests
{
    private static readonly StageTrained Trained = new(1, "Task1", "stages/1-Task1/adapter", "aa", null, 1, 1, 1, 1)
    {
        FolderSha256 = "a1",
    };
    private static readonly CheckpointSaved Saved = new(2, 5, "stages/2-Task2/checkpoints/step-000005", "c2");
    private static readonly ShardAnswered Shard = new(1, 0, 0, 2, "predictions/stage-1/Task1.shard-1-of-2.jsonl", "51", 3, 1);
    private static readonly CellScored Cell = new(1, 0, 50, 7, "predictions/stage-1/Task1.jsonl", "ce")
    {
        ScoresFile = "scores/stage-1/Task1.jsonl",
        ScoresSha256 = "5c",
    };

    private static RunState State => States.Begun(TinyExperiments.Of(2)).With(Trained, Saved, Shard);

    [Fact]
    public void Work_needs_what_the_journal_names_of_it()
    {
        Assert.Equal(
            [(Trained.Folder, "a1"), (Saved.Folder, "c2")],
            Named(RunArtifacts.For(new TrainStage(2, Trained.Folder, Saved.Folder), State))
        );
        Assert.Equal([(Trained.Folder, "a1")], Named(RunArtifacts.For(new AnswerShard(1, 1, 0, 1, Trained.Folder), State)));
        Assert.Equal([(Shard.File, "51")], Named(RunArtifacts.For(new ScoreCell(1, 0, new([Shard.File])), State)));
        Assert.Equal([(Cell.File, "ce")], Named(RunArtifacts.For(new JudgeCell(1, 0, "j", "i", Cell.File, "forged"), State.With(Cell))));
        Assert.Empty(RunArtifacts.For(new TrainStage(1, null, null), State)!);

        // The journal has to be read again.
        foreach (
            var unknown in new WorkItem[]
            {
                new TrainStage(2, "other", null),
                new TrainStage(2, Trained.Folder, "later"),
                new AnswerShard(2, 0, 0, 1, "other"),
                new ScoreCell(1, 0, new([Shard.File, "other"])),
                new JudgeCell(1, 0, "j", "i", Cell.File, "ce"),
            }
        )
        {
            Assert.Null(RunArtifacts.For(unknown, State));
        }
    }

    [Fact]
    public void A_report_brings_what_it_names_and_a_run_has_what_its_events_name()
    {
        Assert.Equal([(Saved.Folder, "c2")], Named(RunArtifacts.Of(new CheckpointWritten(2, 5, Saved.Folder, "c2"), State)));
        var adapter = Assert.Single(
            RunArtifacts.Of(new AdapterWritten(new TrainStage(2, null, null), "x", "aa", null, 1, 1, 1, 1) { FolderSha256 = "a2" }, State)
        );
        Assert.Equal(
            ("x", "a2", true, "training/2-Task2.jsonl"),
            (adapter.Path, adapter.Sha256, adapter.IsFolder, adapter.Beside.Single())
        );
        var shard = Assert.Single(RunArtifacts.Of(new ShardWritten(new AnswerShard(1, 0, 0, 2, null), Shard.File, "51", 3, 1), State));
        Assert.Equal("predictions/stage-1/Task1.shard-1-of-2.routing.json", shard.Beside.Single());
        var written = new CellWritten(new ScoreCell(1, 0, new([])), 50, 7, Cell.File, "ce")
        {
            ScoresFile = Cell.ScoresFile,
            ScoresSha256 = "5c",
        };
        Assert.Equal([(Cell.File, "ce"), (Cell.ScoresFile!, "5c")], Named(RunArtifacts.Of(written, State)));
        Assert.Equal([(Saved.Folder, "c2"), (Trained.Folder, "a1"), (Shard.File, "51")], Named(RunArtifacts.Of(State)));
        Assert.Equal(
            [(Saved.Folder, "c2"), (Trained.Folder, "a1"), (Cell.File, "ce"), (Cell.ScoresFile!, "5c")],
            Named(RunArtifacts.Of(State.With(Cell)))
        );
    }

    private static IEnumerable<(string, string)> Named(IEnumerable<Artifact>? artifacts) =>
        artifacts!.Select(one => (one.Path, one.Sha256));
}
