using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class RunStateTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 2, 3, 0, 0, TimeSpan.Zero);
    private static readonly JudgeOptions Judge = new()
    {
        Name = "strict",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://x/v1",
        Model = "m",
    };

    [Fact]
    public void The_time_of_a_run_is_the_sum_of_the_times_that_it_was_driven()
    {
        var state = After(
            (0, Started),
            (1, new RunTakenUp("h", 1)),
            (60, new BaseModelLoaded("ab")),
            // Killed, and taken up after a pause.
            (600, new RunTakenUp("h", 2)),
            (630, new CellScored(1, 0, 50, 7, "f", "ab")),
            (633, new RunStopped("asked")),
            (1200, new RunTakenUp("h", 3)),
            (1210, new RunCompleted())
        );
        Assert.Equal(TimeSpan.FromSeconds(60 + 33 + 10), state.Driven);
        Assert.Equal(state.Driven, state.ToSnapshot().Elapsed);
        Assert.Equal((Begin, Begin.AddSeconds(1210)), (state.StartedAt, state.LastAt));
    }

    [Fact]
    public void What_is_written_while_nobody_drives_takes_no_time()
    {
        var state = After(
            (0, Started),
            (0, new RunTakenUp("h", 1)),
            (5, new CellScored(1, 0, 50, 7, "f", "ab")),
            (900, new CellRescored(1, 0, 40, 7, 40, 7, "s", "cd")),
            (910, new RunTakenUp("h", 2)),
            (911, new RunFailed("NaN")),
            (999, new JudgeDismissed("strict")),
            (999, new RunCompleted())
        );
        Assert.Equal(TimeSpan.FromSeconds(6), state.Driven);
    }

    [Fact]
    public void A_clock_that_was_set_back_takes_no_time_away() =>
        Assert.Equal(TimeSpan.FromSeconds(5), After((0, Started), (5, new RunTakenUp("h", 1)), (1, new RunStopped("asked"))).Driven);

    [Fact]
    public void What_ended_a_run_is_remembered_when_it_goes_on() =>
        Assert.Equal(
            ["bad.png", "NaN"],
            After((0, Started), (1, new RunFailed("bad.png")), (2, new RunTakenUp("h", 2)), (3, new RunFailed("NaN"))).Faults
        );

    [Fact]
    public void A_completed_run_stays_completed_whatever_becomes_of_its_later_judges()
    {
        (int, RunEvent)[] judged =
        [
            (0, Started),
            (0, new RunTakenUp("h", 1)),
            (4, new RunCompleted()),
            (60, new JudgeAppointed(Judge)),
            (61, new RunTakenUp("h", 2)),
        ];

        // Journals that say failed or stopped here are of earlier versions.
        foreach (
            var last in new RunEvent[]
            {
                new RunFailed("no such host"),
                new RunStopped("asked"),
                new JudgingFailed("strict", "no such host"),
            }
        )
        {
            var state = After([.. judged, (90, last)]);
            Assert.Equal((RunStatus.Completed, TimeSpan.FromSeconds(4), Begin.AddSeconds(4)), (state.Status, state.Driven, state.LastAt));
        }
    }

    [Fact]
    public void A_completed_run_that_lost_judgements_stays_completed_and_asks_for_them_again()
    {
        var state = After(
            (0, Started),
            (0, new RunTakenUp("h", 1)),
            (1, new CellScored(1, 0, 50, 7, "f", "ab")),
            (2, new RunCompleted()),
            (3, new JudgeAppointed(Judge)),
            (4, new CellJudged(1, 0, "strict", JudgeKind.OpenAi, "m", "id", 50, 50, 7, 0, "f", "ab")),
            (5, new JudgementDiscarded(1, 0, "strict", "lost"))
        );

        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Empty(state.Judgements);
    }

    [Fact]
    public void A_judges_fault_is_known_until_it_judges_is_appointed_anew_or_dismissed()
    {
        (int, RunEvent)[] failed =
        [
            (0, Started),
            (0, new RunTakenUp("h", 1)),
            (1, new JudgeAppointed(Judge)),
            (2, new JudgingFailed("strict", "no such host")),
        ];
        Assert.Equal("no such host", After(failed).JudgingFaults["strict"]);
        foreach (
            var mended in new RunEvent[]
            {
                new CellJudged(1, 0, "strict", JudgeKind.OpenAi, "m", "id", 50, 50, 7, 0, "f", "ab"),
                new JudgeAppointed(Judge),
                new JudgeDismissed("strict"),
            }
        )
        {
            Assert.Empty(After([.. failed, (3, mended)]).JudgingFaults);
        }
    }

    private static RunStarted Started => new("r", TinyExperiments.Of(1), new Dictionary<string, string>(), [10], [7]);

    private static RunState After(params (int Second, RunEvent Happened)[] events) =>
        events
            .Select((one, i) => one.Happened with { Number = i + 1, At = Begin.AddSeconds(one.Second) })
            .Aggregate(RunState.Empty, (state, happened) => state.Apply(happened));
}
