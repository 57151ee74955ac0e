using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Tests.Journal;

public sealed class JournalRulesTests
{
    private static readonly RunStarted Start = new("r", TinyExperiments.Of(2), new Dictionary<string, string>(), [10, 10], [7, 7]);

    public static TheoryData<RunEvent, string> Impossible =>
        new()
        {
            { new CellScored(1, 0, 941, 7, "f", "s"), "accuracy 941" },
            { new CellScored(1, 0, -0.5, 7, "f", "s"), "accuracy -0.5" },
            { new CellScored(1, 0, double.NaN, 7, "f", "s"), "accuracy NaN" },
            { new CellScored(1, 0, 50, -3, "f", "s"), "-3 samples of 7" },
            { new CellScored(1, 0, 50, 8, "f", "s"), "8 samples of 7" },
            {
                new CellScored(1, 0, 50, 7, "f", "s") { Corrected = 101 },
                "corrected accuracy 101"
            },
            { new CellScored(3, 0, 50, 7, "f", "s"), "stage 3 of 2" },
            { new CellScored(1, 2, 50, 7, "f", "s"), "task 3 of 2" },
            { new CellScored(1, 1, 50, 7, "f", "s"), "a test on task 2 after stage 1, which is none of the run's" },
            { new CellScored(0, 0, 50, 7, "f", "s"), "a test on task 1 after stage 0" },
            { new CellScored(1, 0, 50, 7, "../other/f", "s"), "../other/f, which is not in the run's folder" },
            { new CellScored(1, 0, 50, 7, null!, "s"), "no file" },
            { new CellRescored(2, 1, 50, 7, 50, 7, "f", "s"), "stage 2 on task 2, which has no predictions" },
            { new CellRescored(1, 0, 50, 7, 300, 7, "f", "s"), "corrected accuracy 300" },
            { new StageTrained(3, "Task3", "f", "s", null, 12, 1, 1, 1), "stage 3 of 2" },
            { new StageTrained(1, "Task1", "f", "s", null, 12, 1, 1, 1), "stage 1 was trained after 1 stages" },
            { new StageTrained(2, "Task1", "f", "s", null, 12, 1, 1, 1), "stage 2 is Task1, where the run has Task2" },
            { new StageTrained(2, "Task2", "f", "s", null, -1, 1, 1, 1), "steps -1" },
            { new StageTrained(2, "Task2", "f", "s", null, 12, double.PositiveInfinity, 1, 1), "loss" },
            { new StageTrained(2, "Task2", "/f", "s", null, 12, 1, 1, 1), "not in the run's folder" },
            { new CheckpointSaved(0, 5, "f", "s"), "stage 0 of 2" },
            { new CheckpointSaved(2, -5, "f", "s"), "step -5" },
            { new ShardAnswered(1, 0, 3, 3, "f", "s", 3, 1), "part 4 of 3" },
            { new ShardAnswered(1, 0, 0, 3, "f", "s", -3, 1), "-3 samples" },
            { new CellJudged(1, 0, "j", JudgeKind.Lexical, null, "i", -1, null, 7, 0, "f", "s"), "Reasoning Capability -1" },
            { new CellJudged(1, 0, "j", JudgeKind.Lexical, null, "i", 50, 101, 7, 0, "f", "s"), "corrected Reasoning Capability 101" },
            { new StageDiscarded(9, "lost"), "stage 9 of 2" },
            { new CellDiscarded(1, -1, "lost"), "task 0 of 2" },
            { Start, "that a run r began within the run r" },
        };

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_cannot_be_is_named_with_the_number_of_its_event(RunEvent happened, string fault)
    {
        var told = Assert.Throws<CoinException>(() =>
            JournalRules.Check("/runs/r/journal.db", WithOneCell(), happened with { Number = 77 })
        );
        Assert.StartsWith("The journal /runs/r/journal.db is damaged: event 77 says ", told.Message, StringComparison.Ordinal);
        Assert.Contains(fault, told.Message, StringComparison.Ordinal);
        Assert.Contains("/runs/r/settings.conf", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_caption_s_percentage_may_exceed_100()
    {
        TaskOptions[] captions = [.. Start.Options.Tasks.Select(task => task with { Scorer = "cider" })];
        var started = Start with { Options = Start.Options with { Tasks = captions } };
        var state = WithOneCell(started);

        JournalRules.Check("j", state, new CellScored(1, 0, 163.5, 7, "f", "s") { Number = 77 });

        Assert.Contains(
            "from 0 to 1000",
            Assert
                .Throws<CoinException>(() => JournalRules.Check("j", state, new CellScored(1, 0, 1001, 7, "f", "s") { Number = 77 }))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_can_be_is_taken()
    {
        foreach (
            var happened in new RunEvent[]
            {
                new CellScored(1, 0, 100 + 1e-9, 7, "predictions/f", "s") { Corrected = 0, CorrectedSamples = 0 },
                new StageTrained(2, "Task2", "f", "s", null, 0, 0, 0, 0),
                new ShardAnswered(2, 1, 2, 3, "f", "s", 1, 0.5),
                new CellJudged(1, 0, "j", JudgeKind.OpenAi, "m", "i", 140, null, 7, 7, "f", "s"),
                new RunFailed("why"),
            }
        )
        {
            JournalRules.Check("journal.db", WithOneCell(), happened with { Number = 77 });
        }
    }

    [Fact]
    public void A_beginning_without_an_experiment_is_damaged()
    {
        Assert.Throws<CoinException>(() => JournalRules.Check("/r/journal.db", RunState.Empty, new RunTakenUp("h", 1) { Number = 1 }));
        Assert.Throws<CoinException>(() => JournalRules.Check("/r/journal.db", RunState.Empty, Start with { Options = null!, Number = 1 }));
        Assert.Throws<CoinException>(() =>
            JournalRules.Check("/r/journal.db", RunState.Empty, Start with { TestSamples = [7], Number = 1 })
        );
        Assert.Throws<CoinException>(() =>
            JournalRules.Check("/r/journal.db", RunState.Empty, Start with { TestSamples = [7, -7], Number = 1 })
        );
    }

    private static RunState WithOneCell(RunStarted? started = null) =>
        new RunEvent[]
        {
            started ?? Start,
            new RunTakenUp("h", 1),
            new StageTrained(1, "Task1", "f", "s", null, 12, 1, 1, 1),
            new CellScored(1, 0, 50, 7, "f", "s"),
        }.Aggregate(RunState.Empty, (state, happened) => state.Apply(happened with { Number = state.Number + 1 }));
}
