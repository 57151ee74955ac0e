using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.RunProtocol;

namespace CoIN.Actors.Tests.Protocol;

/// <summary>What people's commands and a cluster's runs say to each other crosses the wire as it is.</summary>
public sealed class RunProtocolTests
{
    [Fact]
    public void A_runs_beginning_brings_its_whole_experiment()
    {
        var submit = new Submit("r", TinyExperiments.Of(2), "coin {}");
        var read = Assert.IsType<Submit>(Crossed(submit));
        Assert.Equivalent(submit, read, strict: true);
    }

    [Fact]
    public void A_snapshot_comes_as_it_was_seen_with_everything_that_goes_on()
    {
        using var folder = new TemporaryFolder();
        var state = States
            .Begun(TinyExperiments.Of(3))
            .With(new RunTakenUp("h", 1))
            .WithStages(folder.Path, 2)
            .With(
                new CellScored(1, 0, 62.5, 7, "f", "ab"),
                new CellScored(2, 0, 50, 7, "f", "ab"),
                new CellJudged(1, 0, "lexical", JudgeKind.Lexical, null, "ef", 70, null, 7, 1, "f", "ab")
                {
                    Unscored = [new UnscoredReplies("length", true, 1)],
                }
            );
        var progress = new RunProgress();
        progress.Training(
            new TrainingProgress(3, "Task3", 4, 12, 1, 2, new StepFigures(0.5, 1e-4), 1234) { Conclusion = new ConclusionProgress(1, 2) }
        );
        progress.Answered(2, 1, 0, 3);
        progress.Judged(2, 0, "lexical", 2);
        var looked = new Looked("r", progress.Snapshot(state, 2, driven: true), "/runs/r", "h:1");

        Assert.Equivalent(looked, Crossed(looked), strict: true);
        Assert.Equivalent(new Looked("r", null, "/runs/r", "h:1"), Crossed(new Looked("r", null, "/runs/r", "h:1")), strict: true);
    }

    [Fact]
    public void The_small_ones_too()
    {
        foreach (
            var message in new object[]
            {
                new Resume("r", true),
                new StopRun("r"),
                new Look("r"),
                new ListRuns(),
                new Accepted("r", "/runs/r", "h:1"),
                new RunRefused("r", "why"),
                new SharingProtocol.Claim("k", "r")
                {
                    Experiment = "e",
                    Begun = true,
                    Not = "q",
                },
                new SharingProtocol.Yours("k"),
                new SharingProtocol.Heard(),
                new SharingProtocol.Noted("k"),
                new SharingProtocol.Gone("r"),
                SharingProtocol.Made.By("k", "r", "/runs/r", "m", new StageTrained(1, "GQA", "f", "ab", "cd", 120, 0.25, 99, 1.5)),
                SharingProtocol.Made.By("k", "r", "/runs/r", "m", new CellScored(1, 0, 62.5, 7, "f", "ab") { ScoresFile = "s" }),
                new NodeProtocol.WhereAreFiles(),
                new NodeProtocol.FilesAt(5301),
                new WorkProtocol.Kept(new Turn("r", 1), "f"),
                new WorkProtocol.CheckpointLost(1, "f", "why") { Turn = new Turn("r", 1) },
                new NodeProtocol.Introduce(new NodeProtocol.NodeFacts("1.0", "db", 1, "p", "t") { SharedFolder = false }),
            }
        )
        {
            Assert.Equal(message, Crossed(message));
        }

        var runs = new RunProtocol.Runs(["a", "b"], [new NodeState("h:1", "up", false, ["judge", "trainer"])]);
        Assert.Equivalent(runs, Crossed(runs), strict: true);
        var holds = new SharingProtocol.Holds("r", ["k", "l"]);
        Assert.Equivalent(holds, Crossed(holds), strict: true);
    }

    [Fact]
    public void A_run_brings_the_experiment_that_it_is_of_and_its_journal_keeps_it()
    {
        var experiment = new ExperimentRecord(
            "e",
            "tiny",
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            "1.0+ab",
            new ExperimentRuns(
                ["seed"],
                ["ewc"],
                [new ExperimentRun("ewc-seed1", "ewc", new Dictionary<string, string> { ["seed"] = "1", ["Data.X"] = "y" })]
            )
            {
                Reuse = false,
            }
        );
        var submit = new Submit("e-ewc-seed1", TinyExperiments.Of(2), "coin {}") { Experiment = experiment };
        Assert.Equivalent(submit, Crossed(submit), strict: true);
        var looked = new Looked("e-ewc-seed1", null, "/runs/r", "h:1") { Experiment = experiment, Comparison = "/runs/e" };
        Assert.Equivalent(looked, Crossed(looked), strict: true);
        var begun = States.Begun(TinyExperiments.Of(2)).Started! with { Experiment = experiment };
        Assert.Equivalent(begun.Experiment, ((RunStarted)Crossed(begun)).Experiment, strict: true);
    }

    private static object Crossed(object message) => WireFormat.Read(WireFormat.Write(message), WireFormat.Manifest(message));
}
