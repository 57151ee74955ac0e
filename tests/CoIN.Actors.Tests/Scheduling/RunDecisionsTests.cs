using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

public sealed class RunDecisionsTests
{
    private static readonly JudgeOptions Strict = new()
    {
        Name = "strict",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://x/v1",
        Model = "m",
    };
    private static readonly RunState Begun = States.Begun(TinyExperiments.Of(2));
    private static readonly StageTrained First = new(1, "Task1", "a1", "x", null, 12, 0.5, 100, 1) { FolderSha256 = "f" };
    private static readonly CellScored Cell = new(0, 0, 50, 7, "p", "x")
    {
        Corrected = 40,
        CorrectedSamples = 6,
        ScoresFile = "s",
        ScoresSha256 = "y",
    };

    /// <summary>A run that lacks nothing but its judgements.</summary>
    private static readonly RunState Waiting = States.Begun(TinyExperiments.Of(1, ZeroShot.Name) with { Judge = Strict }).With(Cell);
    private static readonly JudgeCell Judging = new(0, 0, "strict", JudgeIdentity.Of(Strict), "p", "x");

    [Fact]
    public void What_is_missing_is_offered_once()
    {
        var trained = Begun.With(First);
        var all = Plan.Pending(trained);
        Assert.Equal(all, Next(trained).Offers);
        Assert.Equal(all.Skip(1), Next(trained, [new TrainStage(2, "a1", "an older checkpoint")]).Offers);
        Assert.Empty(Next(trained, [.. all]).Offers);
        Assert.All([Next(trained), Next(trained, [.. all])], next => Assert.Empty(next.End));
    }

    [Fact]
    public void A_cell_keeps_where_its_parts_were_answered_and_nothing_where_one_part_is_of_a_former_program()
    {
        var (one, other) = (new Computation("cuda:0", 8, "1"), new Computation("cuda:1", 8, "1"));
        ShardAnswered Part(int shard, Computation? at) => new(0, 0, shard, 3, "f", "x", 2, 1) { Computation = at };
        IReadOnlyList<Computation>? Of(RunState state) =>
            ((CellScored)RunDecisions.EventOf(new CellWritten(new ScoreCell(0, 0, new(["f"])), 50, 6, "p", "x"), state)!).Computations;
        var answered = States.Begun(TinyExperiments.Of(1, ZeroShot.Name)).With(Part(0, one), Part(1, other), Part(2, one));

        Assert.Equal([one, other], Of(answered));
        Assert.Null(Of(answered.With(Part(1, null))));
    }

    [Fact]
    public void A_run_that_has_everything_ends_when_nothing_is_in_hand()
    {
        var state = States.Begun(TinyExperiments.Of(1, ZeroShot.Name)).With(Cell);
        Assert.Empty(Next(state, [Judging]).End);
        Assert.Equal([new RunCompleted()], Next(state).End);
    }

    [Fact]
    public void A_run_that_is_to_end_offers_nothing_and_waits_for_what_is_in_hand()
    {
        var stopped = new RunStopped("on request");
        var waiting = Next(Begun, [new TrainStage(1, null, null)], ending: stopped);
        Assert.Equal((0, 0), (waiting.Offers.Count, waiting.End.Count));
        Assert.Equal([stopped], Next(Begun, ending: stopped).End);
    }

    [Fact]
    public void A_judge_that_rested_is_asked_again_at_the_end_and_one_that_was_given_up_is_named_before_it()
    {
        var resting = JudgeFaults.None.With("strict", "down", nothingElseLeft: false);
        var again = Next(Waiting, faults: resting);
        Assert.Equal([Judging], again.Offers);

        var givenUp = again.Faults.With("strict", "still down", nothingElseLeft: true);
        Assert.Equal([new JudgingFailed("strict", "still down"), new RunCompleted()], Next(Waiting, faults: givenUp).End);
        Assert.Equal([new RunStopped("stop")], Next(Waiting, faults: givenUp, ending: new RunStopped("stop")).End);
    }

    [Fact]
    public void A_judge_that_rests_is_not_asked_while_others_have_work()
    {
        var state = States.Begun(TinyExperiments.Of(2, ZeroShot.Name) with { Judge = Strict }).With(Cell);
        var resting = JudgeFaults.None.With("strict", "down", nothingElseLeft: false);
        Assert.Contains(Judging, Next(state).Offers);
        Assert.DoesNotContain(Judging, Next(state, faults: resting).Offers);
        Assert.NotEmpty(Next(state, faults: resting).Offers);
    }

    [Fact]
    public void A_base_model_is_written_down_once_and_another_one_ends_the_run()
    {
        var (one, other) = (new string('a', 64), new string('b', 64));
        Assert.Equal(new BaseModelLoaded(one), RunDecisions.EventOf(new ModelLoaded(one), Begun));
        var known = Begun.With(new BaseModelLoaded(one));
        Assert.Null(RunDecisions.EventOf(new ModelLoaded(one), known));
        var failed = Assert.IsType<RunFailed>(RunDecisions.EventOf(new ModelLoaded(other), known));
        Assert.Contains("(SHA-256 bbbbbbbbbbbb…, then aaaaaaaaaaaa…)", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_is_written_down_when_it_is_a_later_one_of_a_stage_under_way()
    {
        var saved = new CheckpointSaved(1, 10, "c10", "x");
        Assert.Equal(saved, RunDecisions.EventOf(new CheckpointWritten(1, 10, "c10", "x"), Begun));
        Assert.Null(RunDecisions.EventOf(new CheckpointWritten(1, 10, "c10", "x"), Begun.With(saved)));
        Assert.Null(RunDecisions.EventOf(new CheckpointWritten(1, 5, "c5", "x"), Begun.With(saved)));
        Assert.Null(RunDecisions.EventOf(new CheckpointWritten(1, 15, "c15", "x"), Begun.With(First)));

        // The same one again is news where it brings the loss that a stop had come before.
        var late = new CheckpointWritten(1, 10, "c10", "x") { Validation = new ValidationPoint(10, 0.5, 3, 9) };
        var with = Assert.IsType<CheckpointSaved>(RunDecisions.EventOf(late, Begun.With(saved)));
        Assert.Equal(late.Validation, with.Validation);
        Assert.Null(RunDecisions.EventOf(late, Begun.With(saved, with)));
        Assert.Null(RunDecisions.EventOf(new CheckpointWritten(1, 10, "c10", "x"), Begun.With(saved, with)));
    }

    [Fact]
    public void A_stage_that_is_lost_loses_its_losses_and_one_that_is_trained_has_them_all()
    {
        ValidationPoint one = new(5, 2, 3, 9),
            two = new(12, 1, 3, 9);
        var begun = Begun.With(new CheckpointSaved(1, 5, "c5", "x") { Validation = one });
        Assert.Empty(begun.With(new CheckpointDiscarded(1, "gone")).Validations);
        var written = new AdapterWritten(new TrainStage(1, null, "c5"), "a1", "x", null, 12, 0.5, 100, 1) { Validation = two };
        var trained = Assert.IsType<StageTrained>(RunDecisions.EventOf(written, begun));
        Assert.Equal([one, two], trained.Validation);
        var state = begun.With(trained);
        Assert.Equal([(1, 5), (1, 12)], state.Validations.Keys);
        Assert.Equal([one, two], state.ToSnapshot().Validations!.Single().Points);
        Assert.Empty(state.With(new StageDiscarded(1, "gone")).Validations);
        Assert.Null(Begun.ToSnapshot().Validations);
    }

    [Fact]
    public void What_a_worker_made_is_written_down_once()
    {
        Once(new AdapterWritten(new TrainStage(1, null, null), "a1", "x", null, 12, 0.5, 100, 1) { FolderSha256 = "f" }, First, Begun);
        Once(
            new ShardWritten(new AnswerShard(1, 0, 2, 3, "a1"), "s", "x", 1, 2.5),
            new ShardAnswered(1, 0, 2, 3, "s", "x", 1, 2.5),
            Begun.With(First)
        );
        Once(
            new CellWritten(new ScoreCell(0, 0, new(["s"])), 50, 7, "p", "x")
            {
                Corrected = 40,
                CorrectedSamples = 6,
                ScoresFile = "s",
                ScoresSha256 = "y",
            },
            Cell,
            States.Begun(TinyExperiments.Of(1, ZeroShot.Name))
        );
        Once(
            new JudgementsWritten(Judging, 5, 4, 7, 1, "j", "z"),
            new CellJudged(0, 0, "strict", JudgeKind.OpenAi, "m", Judging.Identity, 5, 4, 7, 1, "j", "z"),
            Waiting
        );

        static void Once(Outcome outcome, RunEvent expected, RunState state)
        {
            Assert.Equal(expected, RunDecisions.EventOf(outcome, state));
            Assert.Null(RunDecisions.EventOf(outcome, state.With(expected)));
        }
    }

    [Fact]
    public void What_the_run_has_no_use_for_any_more_is_not_written_down()
    {
        Assert.Null(RunDecisions.EventOf(new JudgementsWritten(Judging, 5, 4, 7, 1, "j", "z"), Waiting.With(new JudgeDismissed("strict"))));
        Assert.Null(RunDecisions.EventOf(new ShardWritten(new AnswerShard(0, 0, 0, 3, null), "s", "x", 3, 1), Waiting));
        Assert.Null(RunDecisions.EventOf(new WorkStopped(), Begun));
    }

    [Fact]
    public void A_test_that_fails_is_tried_elsewhere_where_there_are_several_hosts_and_nothing_else_that_fails_is()
    {
        WorkItem[] tests = [new AnswerShard(0, 0, 0, 1, null), new ScoreCell(0, 0, new(["s"]))];
        foreach (var test in tests)
        {
            Assert.Equal(FailureMeans.AnotherWorker, OfFailure(test, Begun, severalHosts: true).Means);
            Assert.Equal(FailureMeans.EndOfRun, OfFailure(test, Begun, severalHosts: false).Means);
            Assert.Equal(FailureMeans.EndOfRun, OfFailure(test, Begun, severalHosts: true, ending: true).Means);
        }

        Assert.Equal(FailureMeans.EndOfRun, OfFailure(new TrainStage(1, null, null), Begun, severalHosts: true).Means);
    }

    [Fact]
    public void A_judge_that_fails_rests_while_there_is_other_work_and_is_given_up_when_there_is_none()
    {
        var other = States.Begun(TinyExperiments.Of(2, ZeroShot.Name) with { Judge = Strict }).With(Cell);
        var (means, faults) = OfFailure(Judging, other);
        Assert.Equal((FailureMeans.JudgeRests, false), (means, faults.IsGivenUp("strict")));
        Assert.DoesNotContain(Judging, Next(other, faults: faults).Offers);

        (means, faults) = OfFailure(Judging, Waiting);
        Assert.Equal((FailureMeans.JudgeGivenUp, true), (means, faults.IsGivenUp("strict")));
        Assert.Equal([new JudgingFailed("strict", "down"), new RunCompleted()], Next(Waiting, faults: faults).End);
    }

    [Fact]
    public void A_result_of_another_run_is_taken_over_with_the_base_model_that_it_was_computed_with_and_with_no_other()
    {
        Assert.Equal([new BaseModelLoaded("m"), First], RunDecisions.OfTakenOver(First, "m", Begun));
        Assert.Equal([First], RunDecisions.OfTakenOver(First, "m", Begun.With(new BaseModelLoaded("m"))));
        Assert.Null(RunDecisions.OfTakenOver(First, "m", Begun.With(new BaseModelLoaded("n"))));
    }

    private static (FailureMeans Means, JudgeFaults Faults) OfFailure(
        WorkItem item,
        RunState state,
        bool severalHosts = false,
        bool ending = false
    ) => RunDecisions.OfFailure(item, "down", state, JudgeFaults.None, severalHosts, ending);

    private static NextStep Next(
        RunState state,
        IReadOnlyCollection<WorkItem>? inHand = null,
        JudgeFaults? faults = null,
        RunEvent? ending = null
    ) => RunDecisions.Next(state, inHand ?? [], faults ?? JudgeFaults.None, ending);
}
