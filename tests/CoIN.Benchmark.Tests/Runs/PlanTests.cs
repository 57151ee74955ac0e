using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class PlanTests
{
    [Fact]
    public void Nothing_can_be_done_before_the_run_began() => Assert.Empty(Plan.Pending(RunState.Empty));

    [Fact]
    public void A_run_begins_with_its_first_stage() => Assert.Equal([new TrainStage(1, null, null)], Plan.Pending(Begun(2)));

    [Fact]
    public void The_next_stage_trains_while_the_last_one_is_evaluated()
    {
        var pending = Plan.Pending(Trained(Begun(2), 1));
        Assert.Equal(new TrainStage(2, "a1", null), pending[0]);
        Assert.Equal(
            [new AnswerShard(1, 0, 0, 3, "a1"), new AnswerShard(1, 0, 1, 3, "a1"), new AnswerShard(1, 0, 2, 3, "a1")],
            pending.Skip(1)
        );
    }

    [Fact]
    public void A_stage_goes_on_from_its_latest_checkpoint()
    {
        var state = Next(Next(Begun(2), new CheckpointSaved(1, 5, "c5", "x")), new CheckpointSaved(1, 10, "c10", "x"));
        Assert.Equal(new TrainStage(1, null, "c10"), Plan.Pending(state)[0]);
    }

    [Fact]
    public void A_stage_is_the_same_work_from_any_checkpoint()
    {
        Assert.True(new TrainStage(2, "a", null).IsSameWork(new TrainStage(2, "a", "c5")));
        Assert.False(new TrainStage(2, "a", null).IsSameWork(new TrainStage(3, "a", null)));
        Assert.False(new AnswerShard(1, 0, 0, 2, "a").IsSameWork(new AnswerShard(1, 0, 1, 2, "a")));
    }

    [Fact]
    public void A_cell_is_scored_when_all_its_shards_are_answered()
    {
        var state = Trained(Begun(1), 1);
        for (var shard = 0; shard < 3; shard++)
        {
            state = Next(state, new ShardAnswered(1, 0, shard, 3, $"s{shard}", "x", 3, 1));
        }

        Assert.Equal([new ScoreCell(1, 0, new(["s0", "s1", "s2"]))], Plan.Pending(state));
    }

    [Fact]
    public void Zero_shot_evaluates_every_task_with_the_base_model_and_trains_nothing()
    {
        var pending = Plan.Pending(Begun(2, ZeroShot.Name));
        Assert.Equal(6, pending.Count);
        Assert.All(pending, item => Assert.Null(Assert.IsType<AnswerShard>(item).Adapter));
    }

    [Fact]
    public void Doing_what_is_pending_from_any_point_leads_to_the_same_end()
    {
        var random = new Random(1);
        for (var round = 0; round < 50; round++)
        {
            var state = Begun(3);
            while (Plan.Pending(state) is { Count: > 0 } pending)
            {
                state = Do(state, pending[random.Next(pending.Count)]);
            }

            Assert.True(Plan.IsFinished(state));
            Assert.Equal(3, state.Trained.Count);
            Assert.Equal(6, state.Cells.Count);
            Assert.Empty(state.Shards);
            Assert.Empty(Plan.Pending(Next(state, new RunCompleted())));
        }
    }

    [Fact]
    public void A_hole_in_the_journal_is_found() =>
        Assert.Contains(
            "event 9 follows event 2",
            Assert.Throws<CoinException>(() => Begun(1).Apply(new RunCompleted { Number = 9 })).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_failed_run_is_running_again_once_it_is_taken_up()
    {
        var state = Next(Begun(1), new RunFailed("NaN"));
        Assert.Equal((RunStatus.Failed, "NaN"), (state.Status, state.Message));
        state = Next(state, new RunTakenUp("h", 2));
        Assert.Equal((RunStatus.Running, null, 2), (state.Status, state.Message, state.TimesTakenUp));
    }

    private static RunState Begun(int tasks, string method = SequentialLora.Name) =>
        Next(
            Next(
                RunState.Empty,
                new RunStarted(
                    "r",
                    TinyExperiments.Of(tasks, method),
                    new Dictionary<string, string>(),
                    [.. Enumerable.Repeat(10, tasks)],
                    [.. Enumerable.Repeat(7, tasks)]
                )
            ),
            new RunTakenUp("h", 1)
        );

    private static RunState Trained(RunState state, int stage) =>
        Next(state, new StageTrained(stage, $"Task{stage}", $"a{stage}", "x", null, 10, 1, 1, 1));

    private static RunState Next(RunState state, RunEvent happened) => state.Apply(happened with { Number = state.Number + 1 });

    private static RunState Do(RunState state, WorkItem item) =>
        item switch
        {
            TrainStage train => Trained(state, train.Stage),
            AnswerShard shard => Next(
                state,
                new ShardAnswered(shard.Stage, shard.Task, shard.Shard, shard.Shards, $"s{shard.Shard}", "x", 3, 1)
            ),
            ScoreCell cell => Next(state, new CellScored(cell.Stage, cell.Task, 50, 7, "p", "x")),
            _ => throw new ArgumentException($"{item}"),
        };
}
