using Akka.Actor;
using Akka.TestKit;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

public sealed class SchedulerTests : VirtualTime
{
    private static readonly TrainStage Stage = new(1, null, null);
    private static readonly TrainStage FurtherOn = new(1, null, "step-5");

    private IActorRef scheduler;
    private readonly TestProbe supervisor;
    private readonly TestProbe worker;

    public SchedulerTests()
    {
        scheduler = New();
        (supervisor, worker) = (CreateTestProbe(), CreateTestProbe());
    }

    [Fact]
    public void An_offer_goes_to_one_free_worker_however_often_it_is_made()
    {
        var other = CreateTestProbe();
        IsFree(worker);
        Offer(1);
        Offer(1);
        IsFree(other);
        Offer(1);
        Assert.Equal(new Turn("r", 1), worker.ExpectMsg<Assignment>().Turn);
        Assert.Equal(supervisor.Ref, worker.LastSender);
        NothingFor(other);
    }

    [Fact]
    public void Work_that_was_done_before_is_given_out_again_when_a_recovered_supervisor_asks_for_it()
    {
        IsFree(worker);
        Offer(1);
        worker.ExpectMsg<Assignment>();
        Does(worker, 1, Stage);
        IsFree(worker, last: 1);
        Offer(2);
        Assert.Equal(2, worker.ExpectMsg<Assignment>().Turn.Number);
    }

    [Fact]
    public void After_the_loss_of_a_worker_the_supervisor_is_told_and_no_old_offer_is_repeated()
    {
        var other = CreateTestProbe();
        IsFree(worker);
        Offer(1);
        worker.ExpectMsg<Assignment>();
        IsFree(other);
        End(worker);
        Assert.Equal(new WorkLost(new Turn("r", 1)), supervisor.ExpectMsg<WorkLost>());
        NothingFor(other);

        Offer(2, FurtherOn);
        Assert.Equal(FurtherOn, other.ExpectMsg<Assignment>().Item);
    }

    [Fact]
    public void Withdrawn_work_of_a_lost_worker_does_not_come_back()
    {
        var other = CreateTestProbe();
        IsFree(worker);
        Offer(1);
        worker.ExpectMsg<Assignment>();
        Tell(supervisor, new Withdraw("r"));
        supervisor.ExpectMsg(new Withdrawn("r"));
        End(worker);
        supervisor.ExpectMsg<WorkLost>();
        IsFree(other);
        NothingFor(other);
    }

    [Fact]
    public void An_offer_that_is_withdrawn_is_given_to_nobody()
    {
        Offer(1);
        Tell(supervisor, new Withdraw("r"));
        supervisor.ExpectMsg(new Withdrawn("r"));
        IsFree(worker);
        NothingFor(worker);
    }

    [Fact]
    public void A_stage_under_way_is_never_given_to_a_second_trainer_though_its_checkpoint_is_another_by_now()
    {
        var second = CreateTestProbe();
        IsFree(worker);
        Offer(1);
        worker.ExpectMsg<Assignment>();
        Does(worker, 1, Stage);
        IsFree(second);
        Offer(2, FurtherOn);
        Assert.Equal(new Turn("r", 2), worker.ExpectMsg<Assignment>().Turn);
        NothingFor(second);
    }

    [Fact]
    public void A_scheduler_that_moved_learns_from_the_workers_what_is_under_way()
    {
        var other = CreateTestProbe();
        End(scheduler);
        scheduler = New();
        Does(worker, 1, Stage);
        IsFree(other);
        Offer(1);
        NothingFor(other);

        Offer(2, FurtherOn);
        Assert.Equal(2, worker.ExpectMsg<Assignment>().Turn.Number);
        NothingFor(other);
    }

    [Fact]
    public void Where_only_a_turn_is_said_that_the_scheduler_does_not_know_it_asks_what_it_is()
    {
        var other = CreateTestProbe();
        Tell(worker, new Register(Skill.Train, "cpu", new Turn("r", 1)));
        worker.ExpectMsg(new SayItem(new Turn("r", 1)));
        Does(worker, 1, Stage);
        Tell(worker, new Register(Skill.Train, "cpu", new Turn("r", 1)));
        IsFree(other);
        Offer(2, FurtherOn);
        Assert.Equal(2, worker.ExpectMsg<Assignment>().Turn.Number);
        NothingFor(other);
    }

    [Fact]
    public void Work_of_a_run_of_higher_priority_comes_first_whatever_the_run_has_had()
    {
        void Offer(string run, int shard, int priority) =>
            Tell(
                supervisor,
                new Offer(new Turn(run, shard + 1), "/" + run, TinyExperiments.Of(1), new AnswerShard(1, 0, shard, 4, null))
                {
                    Priority = priority,
                }
            );
        Turn? last = null;
        string Next()
        {
            Tell(worker, new Register(Skill.Evaluate, "cpu", Last: last));
            last = worker.ExpectMsg<Assignment>().Turn;
            Pass(TimeSpan.FromMinutes(1));
            return last.RunId;
        }

        Offer("low", 0, -1);
        Offer("r", 0, 0);
        Offer("r", 1, 0);
        Assert.Equal("r", Next());
        Offer("high", 0, 5);
        Offer("high", 1, 5);
        Assert.Equal(["high", "high", "r", "low"], new[] { Next(), Next(), Next(), Next() });
    }

    [Fact]
    public void An_equal_item_of_another_run_is_other_work()
    {
        var other = CreateTestProbe();
        IsFree(worker);
        IsFree(other);
        Offer(1);
        Tell(supervisor, new Offer(new Turn("q", 1), "/q", TinyExperiments.Of(1), Stage));
        Assert.Equal(
            ["q", "r"],
            new[] { worker.ExpectMsg<Assignment>(), other.ExpectMsg<Assignment>() }.Select(one => one.Turn.RunId).Order()
        );
    }

    [Fact]
    public void An_assignment_that_was_lost_on_its_way_is_made_again_but_not_one_that_came_to_its_end()
    {
        IsFree(worker);
        Offer(1);
        worker.ExpectMsg<Assignment>();
        IsFree(worker);
        Assert.Equal(1, worker.ExpectMsg<Assignment>().Turn.Number);
        IsFree(worker, last: 1);
        NothingFor(worker);
    }

    [Fact]
    public void A_newer_offer_takes_the_place_of_the_one_that_waits_and_an_older_one_does_not()
    {
        Offer(1);
        Offer(3, FurtherOn);
        Offer(2);
        IsFree(worker);
        Assert.Equal((3, FurtherOn), (worker.ExpectMsg<Assignment>() is var given ? given.Turn.Number : 0, given.Item));
    }

    [Fact]
    public void Offers_of_a_supervisor_that_is_gone_are_forgotten()
    {
        Offer(1);
        Barrier();
        End(supervisor);
        IsFree(worker);
        NothingFor(worker);
    }

    [Fact]
    public void The_run_that_has_least_in_work_comes_first()
    {
        var (second, third) = (CreateTestProbe(), CreateTestProbe());
        foreach (var shard in Enumerable.Range(0, 3))
        {
            Tell(supervisor, new Offer(new Turn("r", shard + 1), "/r", TinyExperiments.Of(1), new AnswerShard(1, 0, shard, 3, null)));
        }

        Tell(supervisor, new Offer(new Turn("q", 1), "/q", TinyExperiments.Of(1), new AnswerShard(1, 0, 0, 3, null)));
        foreach (var one in new[] { worker, second, third })
        {
            Tell(one, new Register(Skill.Evaluate, "cpu"));
        }

        Assert.Equal(["r", "q", "r"], new[] { worker, second, third }.Select(one => one.ExpectMsg<Assignment>().Turn.RunId));
    }

    [Fact]
    public void Runs_take_turns_by_the_time_that_each_has_had_of_the_workers_of_a_kind()
    {
        foreach (var stage in Enumerable.Range(1, 6))
        {
            foreach (var run in new[] { "p", "q", "r" })
            {
                Tell(supervisor, new Offer(new Turn(run, stage), "/" + run, TinyExperiments.Of(6), new TrainStage(stage, null, null)));
            }
        }

        // The stages of q take three times as long as those of the others.
        var had = new Dictionary<string, int>
        {
            ["p"] = 0,
            ["q"] = 0,
            ["r"] = 0,
        };
        Turn? last = null;
        for (var n = 0; n < 10; n++)
        {
            Tell(worker, new Register(Skill.Train, "cpu", Last: last));
            last = worker.ExpectMsg<Assignment>().Turn;
            var minutes = last.RunId == "q" ? 3 : 1;
            had[last.RunId] += minutes;
            Pass(TimeSpan.FromMinutes(minutes));
        }

        Assert.Equal((4, 6, 4), (had["p"], had["q"], had["r"]));
    }

    [Fact]
    public void A_run_that_comes_later_is_not_owed_the_time_in_which_it_was_not_there()
    {
        Turn? last = null;
        Turn Next(int minutes)
        {
            Tell(worker, new Register(Skill.Train, "cpu", Last: last));
            last = worker.ExpectMsg<Assignment>().Turn;
            Pass(TimeSpan.FromMinutes(minutes));
            return last;
        }

        foreach (var stage in Enumerable.Range(1, 6))
        {
            Tell(supervisor, new Offer(new Turn("p", stage), "/p", TinyExperiments.Of(6), new TrainStage(stage, null, null)));
        }

        Assert.Equal("p", Next(60).RunId);
        foreach (var stage in Enumerable.Range(1, 6))
        {
            Tell(supervisor, new Offer(new Turn("q", stage), "/q", TinyExperiments.Of(6), new TrainStage(stage, null, null)));
        }

        Assert.Equal(["p", "q", "p"], new[] { Next(60), Next(60), Next(60) }.Select(turn => turn.RunId));
    }

    [Fact]
    public void An_evaluator_stays_with_an_adapter_as_long_as_there_is_something_to_test_of_it()
    {
        void Offer(string run, int stage, int shard, long number) =>
            Tell(
                supervisor,
                new Offer(new Turn(run, number), "/" + run, TinyExperiments.Of(3), new AnswerShard(stage, 0, shard, 2, $"stage-{stage}"))
            );
        Offer("p", 1, 0, 1);
        Offer("q", 1, 0, 1);
        Offer("p", 2, 0, 2);
        Offer("p", 1, 1, 3);
        Turn? last = null;
        var seen = new List<string>();
        for (var n = 0; n < 4; n++)
        {
            Tell(worker, new Register(Skill.Evaluate, "cpu", Last: last));
            last = worker.ExpectMsg<Assignment>().Turn;
            seen.Add($"{last.RunId}{last.Number}");
            Pass(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(["p1", "p3", "q1", "p2"], seen);
    }

    [Fact]
    public void Work_goes_to_workers_on_idle_devices_first_whoever_came_first()
    {
        var (idle, neighbour, last) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        void Offer(int shard) =>
            Tell(supervisor, new Offer(new Turn("r", shard + 2), "/r", TinyExperiments.Of(1), new AnswerShard(1, 0, shard, 4, null)));
        Tell(worker, new Register(Skill.Train, "cuda:0", new Turn("r", 1), null, Stage));
        Tell(neighbour, new Register(Skill.Evaluate, "cuda:0"));
        Tell(idle, new Register(Skill.Evaluate, "cuda:1"));
        Tell(last, new Register(Skill.Evaluate, "cuda:1"));
        Offer(0);
        Assert.Equal(2, idle.ExpectMsg<Assignment>().Turn.Number);
        NothingFor(neighbour);

        // Now one works on either device; and when the trainer has ended its stage, its neighbour is on the idle one.
        Tell(worker, new Register(Skill.Train, "cuda:0", Last: new Turn("r", 1)));
        Offer(1);
        Assert.Equal(3, neighbour.ExpectMsg<Assignment>().Turn.Number);
        Offer(2);
        Assert.Equal(4, last.ExpectMsg<Assignment>().Turn.Number);

        // A stage likewise.
        Tell(idle, new Register(Skill.Evaluate, "cuda:1", Last: new Turn("r", 2)));
        Tell(last, new Register(Skill.Evaluate, "cuda:1", Last: new Turn("r", 4)));
        var trainer = CreateTestProbe();
        Tell(trainer, new Register(Skill.Train, "cuda:1"));
        Tell(supervisor, new Offer(new Turn("r", 9), "/r", TinyExperiments.Of(1), Stage));
        Assert.Equal(9, trainer.ExpectMsg<Assignment>().Turn.Number);
        NothingFor(worker);
    }

    [Fact]
    public void A_scheduler_that_takes_the_place_of_a_lost_one_listens_first_and_gives_nobody_what_is_under_way()
    {
        var (other, recovered) = (CreateTestProbe(), CreateTestProbe());
        scheduler = Sys.ActorOf(Props.Create(() => new Scheduler(Scheduler.Listening)));
        IsFree(other);
        Tell(recovered, new Offer(new Turn("r", 2), "/r", TinyExperiments.Of(1), Stage));
        NothingFor(other);
        Does(worker, 1, FurtherOn);
        Assert.Equal(2, worker.ExpectMsg<Assignment>().Turn.Number);
        Assert.Equal(recovered.Ref, worker.LastSender);
        Pass(Scheduler.Listening);
        NothingFor(other);

        Tell(recovered, new Offer(new Turn("q", 1), "/q", TinyExperiments.Of(1), Stage));
        Assert.Equal("q", other.ExpectMsg<Assignment>().Turn.RunId);
    }

    [Fact]
    public void A_worker_that_comes_back_to_work_that_was_given_to_another_meanwhile_is_told()
    {
        var other = CreateTestProbe();
        IsFree(other);
        Offer(2);
        other.ExpectMsg<Assignment>();
        Does(worker, 1, Stage);
        worker.ExpectMsg(new Refused(new Turn("r", 1)));
    }

    [Fact]
    public void The_supervisor_of_today_hears_of_workers_that_still_have_turns_of_the_one_before_it()
    {
        var since = Turn.Of("r", takenUp: 2, count: 0);
        Does(worker, 1, Stage);
        Tell(supervisor, new Supervises(since));
        NothingFor(supervisor);
        Does(worker, 1, Stage);
        supervisor.ExpectMsg(new StillHas(new Turn("r", 1), Stage));
        Assert.Equal(worker.Ref, supervisor.LastSender);

        // Its own work is no news, nor is another run's.
        Does(worker, since.Number + 1, Stage);
        Tell(worker, new Register(Skill.Train, "cpu", new Turn("q", 1), null, Stage));
        NothingFor(supervisor);

        End(supervisor);
        Does(worker, 1, Stage);
        NothingFor(worker);
    }

    [Fact]
    public void Work_that_failed_at_a_worker_goes_to_others_and_where_it_failed_everywhere_the_supervisor_is_told()
    {
        var other = CreateTestProbe();
        void Again(long number, params IActorRef[] not) =>
            Tell(supervisor, new Offer(new Turn("r", number), "/r", TinyExperiments.Of(1), Stage) { Not = [.. not.Select(PathOf)] });
        IsFree(worker);
        Again(1, worker);
        supervisor.ExpectMsg(new NobodyCan(new Turn("r", 1)));
        NothingFor(worker);

        IsFree(other);
        Assert.Equal(1, other.ExpectMsg<Assignment>().Turn.Number);
        IsFree(other, last: 1);
        Again(2, worker, other);
        supervisor.ExpectMsg(new NobodyCan(new Turn("r", 2)));
        NothingFor(other);
    }

    [Fact]
    public void A_team_gets_all_of_its_trainers_at_once_and_free_ones_are_kept_for_it()
    {
        var (second, third, later) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        Tell(later, new Register(Skill.Train, "cpu", new Turn("q", 9), null, new TrainStage(3, null, null)));
        IsFree(worker);
        OfferTeam("r", 1, 3);
        NothingFor(worker);
        IsFree(second);
        Tell(supervisor, new Offer(new Turn("p", 1), "/p", TinyExperiments.Of(1), Stage));
        NothingFor(worker);
        NothingFor(second);

        IsFree(third);
        var given = new[] { worker, second, third }.Select(one => one.ExpectMsg<Assignment>()).OrderBy(one => one.Turn.Rank).ToList();
        Assert.Equal([0, 1, 2], given.Select(one => one.Turn.Rank));
        Assert.Equal([new TeamRank(0, 3), new TeamRank(1, 3), new TeamRank(2, 3)], given.Select(one => ((TrainStage)one.Item).Team));
        Assert.All(given, one => Assert.Equal(("r", 1), (one.Turn.RunId, one.Turn.Number)));

        Tell(later, new Register(Skill.Train, "cpu", Last: new Turn("q", 9)));
        Assert.Equal("p", later.ExpectMsg<Assignment>().Turn.RunId);
    }

    [Fact]
    public void Two_runs_that_want_all_trainers_have_them_one_after_the_other()
    {
        var second = CreateTestProbe();
        OfferTeam("p", 1, 2);
        OfferTeam("q", 1, 2);
        IsFree(worker);
        IsFree(second);
        var (mine, others) = (worker.ExpectMsg<Assignment>().Turn, second.ExpectMsg<Assignment>().Turn);
        Assert.True(mine.IsOfSameTeam(others));
        Assert.NotEqual(mine.Rank, others.Rank);
        Tell(worker, new Register(Skill.Train, "cpu", Last: mine));
        NothingFor(worker);
        Tell(second, new Register(Skill.Train, "cpu", Last: others));
        Assert.All(new[] { worker, second }, one => Assert.NotEqual(mine.RunId, one.ExpectMsg<Assignment>().Turn.RunId));
    }

    [Fact]
    public void A_team_larger_than_all_trainers_stands_in_nobodys_way_and_its_supervisor_is_told_when_it_asks_again()
    {
        IsFree(worker);
        OfferTeam("r", 1, 2);
        NothingFor(worker);
        supervisor.ExpectNoMsg(TimeSpan.Zero);
        OfferTeam("r", 1, 2);
        Assert.Equal(new TooFewTrainers(new Turn("r", 1) { Rank = 0 }, 1), supervisor.ExpectMsg<TooFewTrainers>());
        Tell(supervisor, new Offer(new Turn("p", 1), "/p", TinyExperiments.Of(1), Stage));
        Assert.Equal("p", worker.ExpectMsg<Assignment>().Turn.RunId);

        // The supervisor makes do with one.
        Tell(worker, new Register(Skill.Train, "cpu", Last: new Turn("p", 1)));
        Offer(2);
        Assert.Equal(2, worker.ExpectMsg<Assignment>().Turn.Number);
    }

    [Fact]
    public void A_recovered_supervisor_goes_on_with_a_team_under_way_and_a_broken_one_is_put_together_anew()
    {
        var second = CreateTestProbe();
        IsFree(worker);
        IsFree(second);
        OfferTeam("r", Turn.Of("r", 5, 1).Number, 2);
        var ranks = new[] { worker, second }.ToDictionary(one => one, one => one.ExpectMsg<Assignment>().Turn);
        foreach (var one in ranks.Keys)
        {
            Tell(one, new Register(Skill.Train, "cpu", ranks[one], null, Stage with { Team = new TeamRank(ranks[one].Rank!.Value, 2) }));
        }

        OfferTeam("r", Turn.Of("r", 8, 1).Number, 2);
        Assert.All(ranks, pair => Assert.Equal(Turn.Of("r", 8, 1) with { Rank = pair.Value.Rank }, pair.Key.ExpectMsg<Assignment>().Turn));

        // The same supervisor offers it again: nobody gets it before all are free.
        OfferTeam("r", Turn.Of("r", 8, 2).Number, 2);
        NothingFor(worker);
        Tell(worker, new Register(Skill.Train, "cpu", Last: Turn.Of("r", 8, 1) with { Rank = ranks[worker].Rank }));
        NothingFor(worker);
        Tell(second, new Register(Skill.Train, "cpu", Last: Turn.Of("r", 8, 1) with { Rank = ranks[second].Rank }));
        Assert.All(new[] { worker, second }, one => Assert.True(one.ExpectMsg<Assignment>().Turn.IsOfSameTeam(Turn.Of("r", 8, 2))));
    }

    [Fact]
    public void A_recovered_supervisor_is_told_who_is_gone_of_a_team_that_was_under_way()
    {
        Tell(
            worker,
            new Register(Skill.Train, "cpu", Turn.Of("r", 5, 1) with { Rank = 1 }, null, Stage with { Team = new TeamRank(1, 2) })
        );
        OfferTeam("r", Turn.Of("r", 8, 1).Number, 2);
        Assert.Equal(new WorkLost(Turn.Of("r", 8, 1) with { Rank = 0 }), supervisor.ExpectMsg<WorkLost>());
    }

    [Fact]
    public void A_part_of_a_test_at_an_evaluator_far_slower_than_others_is_taken_from_it_when_one_is_idle_and_given_to_that_one()
    {
        var (slow, other) = (CreateTestProbe(), CreateTestProbe());
        Evaluates(slow);
        Evaluates(other);
        OfferShard(1, 0);
        OfferShard(2, 1);
        var held = slow.ExpectMsg<Assignment>();
        other.ExpectMsg<Assignment>();

        // 100 samples in 20 s, and 4 in 20 s.
        Look(4);
        Evaluates(slow, held.Turn, 4, 100);
        Evaluated(other, 2, 100);
        supervisor.ExpectNoMsg(TimeSpan.Zero);
        foreach (var answered in new[] { 5, 6, 7, 8 })
        {
            Look(1);
            Evaluates(slow, held.Turn, answered, 100);
            Evaluates(other);
        }

        var told = supervisor.ExpectMsg<TooSlow>();
        Assert.Equal((held.Turn, 20), (told.Turn, (int)told.Anew));
        Assert.Equal(slow.Ref, supervisor.LastSender);

        // The slow one, which has not heard of it, does not go on with the new turn; and it is said again as long as it has the old one.
        OfferShard(3, 0);
        Assert.Equal(3, other.ExpectMsg<Assignment>().Turn.Number);
        Look(1);
        Assert.Equal(held.Turn, supervisor.FishForMessage<TooSlow>(_ => true).Turn);
        NothingFor(slow);

        // It comes after others, for as long as these have soon done all that there is.
        Evaluated(slow, 1, 8, 100);
        OfferShard(4, 2);
        NothingFor(slow);
        Evaluated(other, 3, 100);
        Assert.Equal(4, other.ExpectMsg<Assignment>().Turn.Number);
        foreach (var shard in Enumerable.Range(3, 16))
        {
            OfferShard(shard + 2, shard);
        }

        Assert.Equal(5, slow.ExpectMsg<Assignment>().Turn.Number);
    }

    [Fact]
    public void An_evaluator_that_was_too_slow_works_where_it_is_the_only_one_for_what_failed_elsewhere_and_after_a_while()
    {
        var (slow, other) = Slow();
        OfferShard(4, 2, not: [other]);
        Assert.Equal(4, slow.ExpectMsg<Assignment>().Turn.Number);
        Evaluated(slow, 4, 0);

        OfferShard(5, 3);
        NothingFor(slow);
        Look(120);
        Evaluates(slow);
        Assert.Equal(5, slow.ExpectMsg<Assignment>().Turn.Number);

        (slow, other) = Slow();
        OfferShard(4, 2);
        NothingFor(slow);
        End(other);
        Evaluates(slow);
        Assert.Equal(4, slow.ExpectMsg<Assignment>().Turn.Number);
    }

    [Fact]
    public void An_evaluator_that_answers_as_fast_as_others_again_is_passed_over_no_more()
    {
        var (slow, other) = Slow();
        OfferShard(4, 2, not: [other]);
        slow.ExpectMsg<Assignment>();
        Look(4);
        Evaluated(slow, 4, 100);
        OfferShard(5, 3);
        NothingFor(slow);
        Look(1);
        Evaluates(slow);
        Assert.Equal(5, slow.ExpectMsg<Assignment>().Turn.Number);
    }

    [Theory]
    [InlineData("as fast as others")]
    [InlineData("half as fast, beside a trainer")]
    [InlineData("something waits")]
    [InlineData("nobody is idle")]
    [InlineData("no other has finished such a part")]
    [InlineData("this process stood still")]
    public void Nothing_is_taken_from_an_evaluator_where(string what)
    {
        var (one, other) = (CreateTestProbe(), CreateTestProbe());
        Evaluates(one);
        Evaluates(other);
        OfferShard(1, 0);
        var held = one.ExpectMsg<Assignment>();
        if (what != "no other has finished such a part")
        {
            OfferShard(2, 1);
            other.ExpectMsg<Assignment>();
            Look(4);
            Evaluated(other, 2, 100);
        }

        if (what is "something waits" or "nobody is idle")
        {
            OfferShard(3, 2);
            other.ExpectMsg<Assignment>();
            if (what == "something waits")
            {
                OfferShard(4, 3);
            }
        }

        foreach (var time in Enumerable.Range(1, 20))
        {
            if (what == "this process stood still" && time == 4)
            {
                Pass(TimeSpan.FromHours(1));
                Barrier();
            }

            Look(1);
            var answered = what switch
            {
                "as fast as others" => 25 * time,
                "half as fast, beside a trainer" or "this process stood still" => 12 * time,
                _ => 1,
            };
            if (answered >= 100)
            {
                Evaluated(one, held.Turn.Number, 100);
                break;
            }

            Evaluates(one, held.Turn, answered, 100);
        }

        Barrier();
        supervisor.ExpectNoMsg(TimeSpan.Zero);
    }

    /// <summary>Two evaluators that are free, of which one was too slow.</summary>
    private (TestProbe Slow, TestProbe Other) Slow()
    {
        scheduler = New();
        var (slow, other) = (CreateTestProbe(), CreateTestProbe());
        Evaluates(slow);
        Evaluates(other);
        OfferShard(1, 0);
        OfferShard(2, 1);
        var held = slow.ExpectMsg<Assignment>();
        other.ExpectMsg<Assignment>();
        Look(4);
        Evaluated(other, 2, 100);

        // It has not even begun to answer.
        Look(4);
        Look(8);
        supervisor.FishForMessage<TooSlow>(told => told.Turn == held.Turn);
        OfferShard(3, 0);
        other.ExpectMsg<Assignment>();
        Evaluated(slow, 1, 0);
        return (slow, other);
    }

    /// <summary>Time passes as it does while the scheduler looks on.</summary>
    private void Look(int times)
    {
        for (; times > 0; times--)
        {
            Pass(Stragglers.LookEvery);
            Barrier();
        }
    }

    private void OfferShard(long number, int shard, IReadOnlyList<TestProbe>? not = null) =>
        Tell(
            supervisor,
            new Offer(new Turn("r", number), "/r", TinyExperiments.Of(1), new AnswerShard(1, 0, shard, 20, null))
            {
                Not = not is null ? null : [.. not.Select(one => PathOf(one.Ref))],
            }
        );

    private void Evaluates(TestProbe one, Turn? turn = null, int answered = 0, int of = 0)
    {
        Tell(one, new Register(Skill.Evaluate, $"cuda:{one.Ref.Path.Name}", turn) { Answered = answered, Of = of });
        Barrier();
    }

    /// <summary>It is free again.</summary>
    private void Evaluated(TestProbe one, long number, int answered, int of = 100)
    {
        Tell(one, new Register(Skill.Evaluate, $"cuda:{one.Ref.Path.Name}", Last: new Turn("r", number)) { Answered = answered, Of = of });
        Barrier();
    }

    private void OfferTeam(string run, long number, int trainers) =>
        Tell(
            supervisor,
            new Offer(new Turn(run, number) { Rank = 0 }, "/" + run, TinyExperiments.Of(1), Stage with { Team = new TeamRank(0, trainers) })
        );

    private IActorRef New() => Sys.ActorOf(Props.Create(() => new Scheduler()));

    private void Tell(TestProbe from, object message) => scheduler.Tell(message, from.Ref);

    private void Offer(long number, TrainStage? item = null) =>
        Tell(supervisor, new Offer(new Turn("r", number), "/r", TinyExperiments.Of(1), item ?? Stage));

    private void IsFree(TestProbe one, long? last = null) =>
        Tell(one, new Register(Skill.Train, "cpu", Last: last is { } number ? new Turn("r", number) : null));

    private void Does(TestProbe one, long number, TrainStage item) =>
        Tell(one, new Register(Skill.Train, "cpu", new Turn("r", number), null, item));

    private void NothingFor(TestProbe one)
    {
        Barrier();
        one.ExpectNoMsg(TimeSpan.Zero);
    }

    /// <summary>Waits until the scheduler has done everything that it was told.</summary>
    private void Barrier()
    {
        var probe = CreateTestProbe();
        Tell(probe, new Withdraw("none"));
        probe.ExpectMsg<Withdrawn>();
    }
}
