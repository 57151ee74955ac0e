using Akka.Actor;
using Akka.TestKit;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.SharingProtocol;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

public sealed class RunSupervisorTests : VirtualTime
{
    private static readonly TimeSpan OfferEvery = TimeSpan.FromSeconds(10);

    private readonly TemporaryFolder folder = new();
    private readonly TestProbe scheduler;
    private readonly TestProbe worker;
    private readonly TestProbe other;
    private TaskCompletionSource<RunSnapshot> ended = new();
    private IActorRef supervisor;

    public RunSupervisorTests()
    {
        (scheduler, worker, other) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        scheduler.IgnoreMessages(message => message is Supervises);
        supervisor = New();
    }

    [Fact]
    public void Only_the_first_worker_that_asks_may_begin_and_nobody_else_is_listened_to()
    {
        var turn = Offered().Turn;
        Tell(worker, new MayBegin(turn));
        Tell(other, new MayBegin(turn));
        Tell(worker, new MayBegin(turn));
        worker.ExpectMsg(new Begin(turn));
        other.ExpectMsg(new Refused(turn));
        worker.ExpectMsg(new Begin(turn));

        Tell(other, Trained() with { Turn = turn });
        other.ExpectMsg(new Refused(turn));
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        Assert.IsType<AnswerShard>(Offered().Item);
    }

    [Fact]
    public void The_work_of_a_lost_worker_goes_on_from_the_last_checkpoint_and_what_it_still_says_is_refused()
    {
        var turn = Begun(worker);
        Checkpoint(worker, turn, 5);
        End(worker);
        var again = Offered();
        Assert.True(again.Turn.IsAfter(turn));
        Assert.Equal(new TrainStage(1, null, "step-5"), again.Item);

        Tell(other, new MayBegin(turn));
        other.ExpectMsg(new Refused(turn));
        Tell(other, new CheckpointWritten(1, 7, "step-7", "ab") { Turn = turn });
        other.ExpectMsg(new Refused(turn));
    }

    [Fact]
    public void A_checkpoint_of_an_older_step_that_comes_late_is_not_taken()
    {
        var turn = Begun(worker);
        Checkpoint(worker, turn, 10);
        Checkpoint(worker, turn, 5);
        End(worker);
        Assert.Equal("step-10", Assert.IsType<TrainStage>(Offered().Item).Checkpoint);
    }

    [Fact]
    public async Task What_a_worker_is_too_slow_at_is_another_s_at_once_and_what_the_slow_one_still_says_is_refused()
    {
        Finish(Offered(), Trained());
        var turn = Begun(worker);
        foreach (var rest in new[] { Offered(), Offered() })
        {
            Finish(rest, new ShardWritten((AnswerShard)rest.Item, $"file-{((AnswerShard)rest.Item).Shard}", "ab", 3, 1));
        }

        Tell(other, new TooSlow(turn, 1000, 20));
        Tell(worker, new TooSlow(turn, 1000, 20));
        worker.ExpectMsg(new Refused(turn));
        var again = Offered();
        Assert.True(again.Turn.IsAfter(turn));
        Assert.IsType<AnswerShard>(again.Item);
        Tell(worker, new TooSlow(turn, 1000, 20));
        Tell(worker, new ShardWritten((AnswerShard)again.Item, "late", "cd", 3, 1) { Turn = turn });
        worker.ExpectMsg(new Refused(turn));

        Tell(other, new MayBegin(again.Turn));
        other.ExpectMsg(new Begin(again.Turn));
        Tell(other, new ShardWritten((AnswerShard)again.Item, "file-0", "ab", 3, 1) { Turn = again.Turn });
        other.ExpectMsg(new Acknowledged(again.Turn));
        var score = Offered();
        Assert.Equal(["file-0", "file-1", "file-2"], Assert.IsType<ScoreCell>(score.Item).Files.Items);

        // A run that ends gives nothing to others.
        Tell(worker, new MayBegin(score.Turn));
        worker.ExpectMsg(new Begin(score.Turn));
        supervisor.Tell(RunSupervisor.Stop.Instance);
        Tell(worker, new TooSlow(score.Turn, 1000, 20));
        Barrier();
        Pass(TimeSpan.Zero);
        worker.ExpectMsg(new StopWork(score.Turn));
        Tell(worker, new WorkStopped { Turn = score.Turn });
        Assert.Equal(RunStatus.Stopped, (await ended.Task).Status);
    }

    [Fact]
    public void Work_that_is_handed_back_is_offered_again_and_the_run_goes_on()
    {
        var turn = Begun(worker);
        Tell(worker, new WorkStopped { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        Assert.True(Offered().Turn.IsAfter(turn));
        Assert.False(ended.Task.IsCompleted);
    }

    [Fact]
    public async Task A_stop_is_asked_for_until_the_worker_has_answered_and_offers_are_withdrawn_until_that_is_acknowledged()
    {
        var turn = Begun(worker);
        supervisor.Tell(RunSupervisor.Stop.Instance);
        Barrier();
        Pass(TimeSpan.Zero);
        worker.ExpectMsg(new StopWork(turn));
        scheduler.ExpectMsg(new Withdraw("r"));
        Pass(WorkProtocol.RepeatEvery);
        worker.ExpectMsg(new StopWork(turn));
        scheduler.ExpectMsg(new Withdraw("r"));
        Tell(scheduler, new Withdrawn("r"));
        Barrier();
        Pass(WorkProtocol.RepeatEvery);
        worker.ExpectMsg(new StopWork(turn));
        scheduler.ExpectNoMsg(TimeSpan.Zero);
        Assert.False(ended.Task.IsCompleted);

        Tell(worker, new WorkStopped { Turn = turn });
        Assert.Equal(RunStatus.Stopped, (await ended.Task).Status);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_a_worker_that_is_gone()
    {
        Begun(worker);
        supervisor.Tell(RunSupervisor.Stop.Instance);
        Barrier();
        End(worker);
        Assert.Equal(RunStatus.Stopped, (await ended.Task).Status);
    }

    [Fact]
    public async Task A_stop_in_the_first_moment_leaves_a_journal_that_begins_with_the_run()
    {
        var first = new TaskCompletionSource<RunSnapshot>();
        New("early", first).Tell(RunSupervisor.Stop.Instance);
        Assert.Equal((RunStatus.Stopped, 1), (await first.Task is var last ? last.Status : default, last.Tasks.Count));
        var again = new TaskCompletionSource<RunSnapshot>();
        New("early", again);
        Assert.Equal("early", scheduler.FishForMessage<Offer>(offer => offer.Turn.RunId == "early").Turn.RunId);
    }

    [Fact]
    public void A_recovered_supervisor_gives_later_turns_and_refuses_those_of_before()
    {
        var turn = Begun(worker);
        End(supervisor);
        (ended, supervisor) = (new(), New());
        var again = Offered();
        Assert.True(again.Turn.IsAfter(turn));
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Refused(turn));
        Tell(worker, new MayBegin(again.Turn));
        worker.ExpectMsg(new Begin(again.Turn));
    }

    [Fact]
    public void A_worker_whose_result_the_supervisor_before_had_written_down_is_let_go_and_one_whose_work_is_offered_is_not()
    {
        var turn = Begun(worker);
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        Assert.IsType<AnswerShard>(Offered().Item);
        End(supervisor);
        scheduler.IgnoreNoMessages();
        (ended, supervisor) = (new(), New());
        var shard = Assert.IsType<AnswerShard>(Offered().Item);
        var since = scheduler.FishForMessage<Supervises>(_ => true).Turn;
        Assert.True(since.IsAfter(turn));
        Tell(worker, new StillHas(turn, new TrainStage(1, null, null)));
        worker.ExpectMsg(new Refused(turn));
        Tell(other, new StillHas(new Turn("r", turn.Number + 1), shard));
        Barrier();
        other.ExpectNoMsg(TimeSpan.Zero);

        // A scheduler that moved has to be told again.
        Pass(OfferEvery);
        Assert.Equal(since, scheduler.FishForMessage<Supervises>(_ => true).Turn);
    }

    [Fact]
    public void A_result_that_is_told_twice_counts_once()
    {
        var turn = Begun(worker);
        Tell(worker, Trained() with { Turn = turn });
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        worker.ExpectMsg(new Refused(turn));
    }

    [Fact]
    public void What_nobody_has_begun_is_offered_again_and_a_worker_is_reminded_of_what_it_has()
    {
        var offer = Offered();
        Pass(OfferEvery);
        Assert.Equal((offer.Turn, offer.Item), (Offered() is var again ? again.Turn : null, again.Item));
        Tell(worker, new MayBegin(offer.Turn));
        worker.ExpectMsg(new Begin(offer.Turn));
        Pass(OfferEvery);
        worker.ExpectMsg(new Begin(offer.Turn));
        scheduler.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void Work_is_lost_when_its_worker_says_so_or_anybody_while_nobody_has_begun_it()
    {
        var offer = Offered();
        Tell(scheduler, new WorkLost(offer.Turn));
        var second = Offered();
        Assert.True(second.Turn.IsAfter(offer.Turn));
        Tell(worker, new MayBegin(second.Turn));
        worker.ExpectMsg(new Begin(second.Turn));
        Tell(scheduler, new WorkLost(second.Turn));
        Barrier();
        scheduler.ExpectNoMsg(TimeSpan.Zero);
        Tell(worker, new WorkLost(second.Turn));
        Assert.True(Offered().Turn.IsAfter(second.Turn));
    }

    [Fact]
    public async Task A_judge_that_fails_is_not_asked_about_the_other_cells_too_and_the_run_is_completed()
    {
        var judge = new JudgeOptions
        {
            Name = "strict",
            Kind = JudgeKind.OpenAi,
            Endpoint = "http://x/v1",
            Model = "m",
        };
        var judged = new TaskCompletionSource<RunSnapshot>();
        supervisor = New(
            "judged",
            judged,
            TinyExperiments.Of(2, ZeroShot.Name) with
            {
                Judge = judge,
                Evaluation = new EvaluationOptions { ShardSize = 7 },
            }
        );
        var offers = new List<Offer>();
        while (offers.Count < 2)
        {
            var offer = scheduler.FishForMessage<Offer>(one => one.Turn.RunId == "judged");
            switch (offer.Item)
            {
                case AnswerShard shard:
                    Finish(offer, new ShardWritten(shard, $"s{shard.Task}", "ab", 7, 1));
                    break;
                case ScoreCell cell:
                    Finish(offer, new CellWritten(cell, 50, 7, "f", "ab"));
                    break;
                default:
                    offers.Add(offer);
                    break;
            }
        }

        // The judge's options are not those of the tests, and travel when a worker asks for them.
        Tell(worker, new WhichOptions(offers[0].Turn));
        var told = worker.ExpectMsg<OptionsOf>();
        Assert.Equal((offers[0].Turn, offers[0].OptionsKey, judge), (told.Turn, told.Key, told.Options.Judge));

        // The other cell is not waited for.
        Finish(offers[0], new WorkFailed("no such host"));
        var last = await judged.Task;
        Assert.Equal((RunStatus.Completed, "no such host", 2), (last.Status, last.JudgingFaults["strict"], last.MissingJudgements));
    }

    [Fact]
    public void Offers_bear_a_key_in_the_place_of_options_which_are_told_to_who_has_a_turn_that_is_open()
    {
        var offer = Offered();
        Assert.Null(offer.Options);
        Tell(worker, new WhichOptions(offer.Turn));
        var told = worker.ExpectMsg<OptionsOf>();
        Assert.Equal((offer.Turn, offer.OptionsKey), (told.Turn, told.Key));
        Assert.Equivalent(TinyExperiments.Of(1), told.Options);
        var gone = offer.Turn with { Number = offer.Turn.Number - 1 };
        Tell(worker, new WhichOptions(gone));
        worker.ExpectMsg(new Refused(gone));

        var another = New("another", new TaskCompletionSource<RunSnapshot>(), TinyExperiments.Of(1) with { Seed = 7, Priority = 3 });
        var others = scheduler.FishForMessage<Offer>(one => one.Turn.RunId == "another");
        Assert.NotEqual(offer.OptionsKey, others.OptionsKey);
        Assert.Equal((0, 3), (offer.Priority, others.Priority));
        End(another);
    }

    [Fact]
    public async Task A_run_whose_scheduler_is_gone_does_not_wait_for_ever()
    {
        Offered();
        End(scheduler);
        await Assert.ThrowsAsync<CoinException>(() => ended.Task);
    }

    [Fact]
    public async Task Files_that_cannot_be_deleted_do_not_end_the_run()
    {
        var turn = Begun(worker);
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));

        // A folder where a file is expected cannot be deleted by anybody, root included.
        Directory.CreateDirectory(folder.Of("shard"));
        for (var shard = 0; shard < 3; shard++)
        {
            var offer = Offered();
            Finish(offer, new ShardWritten((AnswerShard)offer.Item, "shard", "ab", 3, 1));
        }

        var score = Offered();
        Finish(score, new CellWritten((ScoreCell)score.Item, 50, 7, "f", "ab"));
        Assert.Equal(RunStatus.Completed, (await ended.Task).Status);
        Assert.True(Directory.Exists(folder.Of("shard")));
    }

    [Fact]
    public async Task A_test_that_fails_at_an_evaluator_of_a_cluster_is_given_to_others_and_ends_the_run_where_nobody_can()
    {
        var end = new TaskCompletionSource<RunSnapshot>();
        var settings = new SupervisorSettings(
            "s",
            folder.Path,
            new RunStarted("s", TinyExperiments.Of(1), new Dictionary<string, string>(), [10], [7]),
            scheduler.Ref,
            new FakeWork(),
            new Witness(),
            1,
            end
        )
        {
            IsShared = true,
        };
        Offered();
        supervisor = Sys.ActorOf(Props.Create(() => new RunSupervisor(settings)));
        Directory.CreateDirectory(folder.Of("a"));
        Finish(Offered(), Trained());
        var shard = Offered();
        while (shard.Item is not AnswerShard { Shard: 0 })
        {
            shard = Offered();
        }

        Finish(shard, new WorkFailed("at samples 1, 2"));
        var again = scheduler.FishForMessage<Offer>(offer => offer.Item == shard.Item);
        Assert.True(again.Turn.IsAfter(shard.Turn));
        Assert.Equal([PathOf(worker)], again.Not);
        Assert.False(end.Task.IsCompleted);

        Tell(scheduler, new NobodyCan(again.Turn));
        var last = await end.Task;
        Assert.Equal((RunStatus.Failed, "at samples 1, 2"), (last.Status, last.Message));

        // What was written under the name of its assignment got its place.
        Assert.True(Directory.Exists(folder.Of(RunPaths.Adapter(1, "Task1"))));
    }

    /// <summary>Where each host has its own files, an event names none that is not where the supervisor is.</summary>
    [Fact]
    public async Task What_a_worker_of_another_host_reports_counts_when_its_files_are_here_in_the_order_of_the_reports()
    {
        var (far, fetches, end) = (new FarWorker(worker), new Fetches(), new TaskCompletionSource<RunSnapshot>());
        var turn = BegunWith(fetches, far, end);
        Tell(far, new CheckpointWritten(1, 5, "step-5", "c5") { Turn = turn });
        Tell(far, new CheckpointWritten(1, 6, "step-6", "c6") { Turn = turn });
        Tell(far, new CheckpointWritten(1, 7, "step-7", "c7") { Turn = turn });
        Tell(far, new WorkStopped { Turn = turn });
        Tell(far, new WorkStopped { Turn = turn });
        Barrier();
        worker.ExpectNoMsg(TimeSpan.Zero);
        fetches.Next("h:1", "step-5").SetResult();
        worker.ExpectMsg(new Kept(turn, "step-5"));

        // The one between is passed over: a later one makes it superfluous.
        fetches.Next("h:1", "step-7").SetResult();
        worker.ExpectMsg(new Kept(turn, "step-7"));
        worker.ExpectMsg(new Acknowledged(turn));
        Assert.Equal(new TrainStage(1, null, "step-7"), Offered().Item);

        supervisor.Tell(RunSupervisor.Stop.Instance);
        Assert.Equal(RunStatus.Stopped, (await end.Task).Status);
        Assert.Empty(fetches.Waiting);
    }

    [Fact]
    public async Task A_result_whose_files_cannot_be_fetched_is_refused_and_the_work_done_again_but_not_for_ever()
    {
        var (far, fetches, end) = (new FarWorker(worker), new Fetches(), new TaskCompletionSource<RunSnapshot>());
        var turn = BegunWith(fetches, far, end);
        Tell(far, new CheckpointWritten(1, 5, "step-5", "c5") { Turn = turn });
        fetches.Next("h:1", "step-5").SetException(new CoinException("it is not here"));
        for (var times = 1; times <= 3; times++)
        {
            Tell(far, Trained() with { Turn = turn, FolderSha256 = "af" });
            fetches.Next("h:1", "a").SetException(new CoinException("nobody has it"));
            worker.ExpectMsg(new Refused(turn));
            if (times < 3)
            {
                var again = Offered();
                Assert.Equal(new TrainStage(1, null, null), again.Item);
                Tell(far, new MayBegin(turn = again.Turn));
                worker.ExpectMsg(new Begin(turn));
            }
        }

        Assert.Contains("nobody has it", (await end.Task).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_that_a_worker_cannot_read_is_given_up_where_it_is_lost_and_ends_the_run_where_it_is_whole()
    {
        var turn = Begun(worker);
        Checkpoint(worker, turn, 5);
        End(worker);
        var again = Offered();
        var lost = new CheckpointLost(1, "step-5", "the checkpoint is missing");
        Tell(other, new MayBegin(again.Turn));
        other.ExpectMsg(new Begin(again.Turn));
        Tell(other, lost with { Turn = again.Turn });
        other.ExpectMsg(new Acknowledged(again.Turn));
        var anew = Offered();
        Assert.Equal(new TrainStage(1, null, null), anew.Item);

        Durable.WriteText(folder.Of("whole/state"), "6");
        Tell(other, new MayBegin(anew.Turn));
        other.ExpectMsg(new Begin(anew.Turn));
        Tell(other, new CheckpointWritten(1, 6, "whole", Durable.Sha256OfFolder(folder.Of("whole"))) { Turn = anew.Turn });
        Tell(other, new WorkStopped { Turn = anew.Turn });
        other.ExpectMsg(new Acknowledged(anew.Turn));
        var third = Offered();
        Tell(other, new MayBegin(third.Turn));
        other.ExpectMsg(new Begin(third.Turn));
        Tell(other, lost with { Turn = third.Turn, Folder = "whole" });
        Assert.Contains("while it is whole on", (await ended.Task).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Trainers_of_a_team_are_told_where_the_first_is_and_the_stage_is_trained_when_that_one_says_so()
    {
        NewTeam(Team(2));
        var turn = TeamOffered(2);
        Tell(other, new MayBegin(turn with { Rank = 1 }));
        other.ExpectMsg(new Begin(turn with { Rank = 1 }));
        Tell(worker, new MayBegin(turn));
        worker.ExpectMsg(new Begin(turn));
        var address = new LinkAddress("p", "h", 1, "k");
        Tell(worker, new LinksOpened(address) { Turn = turn });
        other.ExpectMsg(new Meet(turn with { Rank = 1 }, address));
        Pass(OfferEvery);
        worker.ExpectMsg(new Begin(turn));
        other.ExpectMsg(new Begin(turn with { Rank = 1 }));
        other.ExpectMsg(new Meet(turn with { Rank = 1 }, address));

        Tell(other, new SharesTrained { Turn = turn with { Rank = 1 } });
        other.ExpectMsg(new Acknowledged(turn with { Rank = 1 }));
        scheduler.ExpectNoMsg(TimeSpan.Zero);
        Directory.CreateDirectory(folder.Of("a"));
        Tell(worker, Trained() with { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        Assert.IsType<AnswerShard>(Offered().Item);
    }

    [Fact]
    public void When_one_of_a_team_is_lost_the_others_stop_and_the_stage_is_offered_anew_from_where_they_stopped()
    {
        NewTeam(Team(3));
        var third = CreateTestProbe();
        var turn = TeamOffered(3);
        TestProbe[] members = [worker, other, third];
        foreach (var (rank, member) in members.Index())
        {
            Tell(member, new MayBegin(turn with { Rank = rank }));
            member.ExpectMsg(new Begin(turn with { Rank = rank }));
        }

        End(other);
        worker.ExpectMsg(new StopWork(turn));
        third.ExpectMsg(new StopWork(turn with { Rank = 2 }));
        Pass(OfferEvery);
        worker.ExpectMsg(new StopWork(turn));
        Checkpoint(worker, turn, 7);
        Tell(worker, new WorkStopped { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        scheduler.ExpectNoMsg(TimeSpan.Zero);
        third.ExpectMsg(new StopWork(turn with { Rank = 2 }));
        Tell(third, new WorkStopped { Turn = turn with { Rank = 2 } });

        var again = Offered();
        Assert.True(again.Turn.IsAfter(turn));
        Assert.Equal(new TrainStage(1, null, "step-7") { Team = new TeamRank(0, 3) }, again.Item);
        Tell(third, new MayBegin(turn with { Rank = 1 }));
        third.FishForMessage<Refused>(refused => refused.Turn.Number == turn.Number);
    }

    [Theory]
    [InlineData(LostTrainer.Continue)]
    [InlineData(LostTrainer.Wait)]
    public void Where_there_are_too_few_trainers_those_that_are_there_do_all_or_the_stage_waits(LostTrainer policy)
    {
        NewTeam(Team(3, policy));
        var turn = TeamOffered(3);
        Tell(scheduler, new TooFewTrainers(turn, 2));
        if (policy == LostTrainer.Wait)
        {
            Pass(OfferEvery);
            Assert.Equal(turn, TeamOffered(3));
            return;
        }

        var fewer = TeamOffered(2);
        Assert.True(fewer.IsAfter(turn));
        Tell(worker, new MayBegin(turn));
        worker.ExpectMsg(new Refused(turn));
        Tell(scheduler, new TooFewTrainers(fewer, 1));
        var alone = Offered();
        Assert.Equal((null, new TrainStage(1, null, null)), (alone.Turn.Rank, alone.Item));
    }

    [Fact]
    public void A_team_whose_checkpoint_one_cannot_read_and_one_whose_result_is_lost_stop_and_begin_anew()
    {
        var (far, fetches) = (new FarWorker(worker), new Fetches());
        var turn = BegunWith(fetches, far, new(), Team(2));
        Join(turn);
        Tell(far, new CheckpointWritten(1, 5, "step-5", "c5") { Turn = turn });
        fetches.Next("h:1", "step-5").SetResult();
        worker.ExpectMsg(new Kept(turn, "step-5"));
        Tell(far, new WorkStopped { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        Stopped(turn);

        turn = Again(5);
        Tell(other, new CheckpointLost(1, "step-5", "it cannot be fetched") { Turn = turn with { Rank = 1 } });
        other.ExpectMsg(new Acknowledged(turn with { Rank = 1 }));
        worker.ExpectMsg(new StopWork(turn));
        Tell(far, new WorkStopped { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));

        turn = Again(null);
        Tell(far, Trained() with { Turn = turn, FolderSha256 = "af" });
        fetches.Next("h:1", "a").SetException(new CoinException("nobody has it"));
        worker.ExpectMsg(new Refused(turn));
        Stopped(turn);
        Again(null);

        Turn Again(int? step)
        {
            var again = Offered();
            Assert.Equal(new TrainStage(1, null, step is null ? null : $"step-{step}") { Team = new TeamRank(0, 2) }, again.Item);
            Tell(far, new MayBegin(again.Turn));
            worker.ExpectMsg(new Begin(again.Turn));
            Join(again.Turn);
            return again.Turn;
        }

        void Join(Turn first)
        {
            Tell(other, new MayBegin(first with { Rank = 1 }));
            other.ExpectMsg(new Begin(first with { Rank = 1 }));
        }

        void Stopped(Turn first)
        {
            other.ExpectMsg(new StopWork(first with { Rank = 1 }));
            scheduler.ExpectNoMsg(TimeSpan.Zero);
            Tell(other, new WorkStopped { Turn = first with { Rank = 1 } });
            other.ExpectMsg(new Acknowledged(first with { Rank = 1 }));
        }
    }

    [Fact]
    public void A_team_of_which_one_does_not_begin_is_put_together_anew()
    {
        NewTeam(Team(2));
        var turn = TeamOffered(2);
        Tell(worker, new MayBegin(turn));
        worker.ExpectMsg(new Begin(turn));
        for (var i = 0; i < 6; i++)
        {
            Pass(OfferEvery);
        }

        worker.FishForMessage<StopWork>(stop => stop.Turn == turn);
        Tell(worker, new WorkStopped { Turn = turn });
        Assert.True(scheduler.FishForMessage<Offer>(offer => !offer.Turn.IsOfSameTeam(turn)).Turn.IsAfter(turn));
    }

    [Fact]
    public async Task Teams_that_break_up_without_a_step_gained_end_the_run_and_progress_counts_anew()
    {
        NewTeam(Team(2) with { MaxRestarts = 1 });
        var turn = 0L;
        foreach (var step in new int?[] { null, 5, 7, null })
        {
            turn = BrokenUp(turn, step);
        }

        var end = await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.All(
            [
                "trains stage 1 (Task1)",
                "2 times in a row since step 7",
                "rank 0 at gpu-1:5301 is not there",
                "at h:1",
                "node.link-port",
                "max-restarts = 1",
            ],
            part => Assert.Contains(part, end.Message, StringComparison.Ordinal)
        );

        long BrokenUp(long after, int? step)
        {
            var offer = scheduler.FishForMessage<Offer>(one => one.Turn.RunId == "team" && one.Turn.Number > after);
            var far = new FarWorker(other);
            Tell(worker, new MayBegin(offer.Turn));
            worker.ExpectMsg(new Begin(offer.Turn));
            Tell(far, new MayBegin(offer.Turn with { Rank = 1 }));
            other.ExpectMsg(new Begin(offer.Turn with { Rank = 1 }));
            Tell(
                far,
                new WorkStopped { Turn = offer.Turn with { Rank = 1 }, Reason = "rank 0 at gpu-1:5301 is not there any more: refused" }
            );
            other.ExpectMsg(new Acknowledged(offer.Turn with { Rank = 1 }));
            worker.ExpectMsg(new StopWork(offer.Turn));
            if (step is { } gained)
            {
                Checkpoint(worker, offer.Turn, gained);
            }

            // Of one team both ends may tell.
            Tell(worker, new WorkStopped { Turn = offer.Turn, Reason = "the connection with rank 1 has ended" });
            worker.FishForMessage<Acknowledged>(told => told.Turn == offer.Turn);
            return offer.Turn.Number;
        }
    }

    [Fact]
    public async Task A_piece_of_work_whose_workers_are_lost_again_and_again_ends_the_run_and_names_them()
    {
        End(supervisor);
        ended = new();
        supervisor = New("lost", options: TinyExperiments.Of(1) with { MaxRestarts = 2 });
        for (var times = 0; times < 3; times++)
        {
            var offer = scheduler.FishForMessage<Offer>(one => one.Turn.RunId == "lost");

            // What nobody has begun may be lost as often as it likes.
            Tell(scheduler, new WorkLost(offer.Turn));
            var again = scheduler.FishForMessage<Offer>(one => one.Turn.IsAfter(offer.Turn));
            var trainer = CreateTestProbe($"trainer-{times}");
            Tell(trainer, new MayBegin(again.Turn));
            trainer.ExpectMsg(new Begin(again.Turn));
            End(trainer);
        }

        var end = await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(RunStatus.Failed, end.Status);
        Assert.Contains("its worker trainer-2", end.Message, StringComparison.Ordinal);
        Assert.Contains("training.checkpoint-every", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_that_takes_the_supervisor_with_it_again_and_again_ends_the_run_and_one_that_goes_on_does_not()
    {
        Turn Begin(bool goesOn = false)
        {
            var turn = scheduler.FishForMessage<Offer>(offer => offer.Turn.RunId == "loop").Turn;
            Tell(worker, new MayBegin(turn) { GoesOn = goesOn });
            worker.ExpectMsg(new Begin(turn));
            Barrier();
            return turn;
        }

        Turn TakenUp(bool goesOn = false)
        {
            End(supervisor);
            supervisor = New("loop", ended = new(), TinyExperiments.Of(1) with { MaxRestarts = 2 }, shared: true);
            return Begin(goesOn);
        }

        TakenUp();
        TakenUp();
        TakenUp(goesOn: true);
        TakenUp(goesOn: true);
        Checkpoint(worker, TakenUp(), 5);
        Barrier();

        // It has come further. It breaks off under the same supervisor, and twice with it.
        Tell(worker, new WorkLost(TakenUp(goesOn: true)));
        Begin();
        TakenUp();
        var turn = TakenUp();
        Pass(TimeSpan.Zero);
        worker.ExpectMsg(new StopWork(turn));
        Tell(worker, new WorkStopped { Turn = turn });
        worker.ExpectMsg(new Acknowledged(turn));
        var last = await ended.Task;
        Assert.Equal(RunStatus.Failed, last.Status);
        Assert.Contains("broke off 3 times in a row since step 5", last.Message, StringComparison.Ordinal);
        Assert.Contains("its worker and the run's supervisor were lost together", last.Message, StringComparison.Ordinal);

        // Who resumes it has all tries again.
        TakenUp();
        TakenUp();
        TakenUp();
        Assert.False(ended.Task.IsCompleted);
    }

    private void NewTeam(ExperimentOptions options)
    {
        End(supervisor);
        ended = new();
        supervisor = New("team", options: options);
    }

    private static ExperimentOptions Team(int shares, LostTrainer policy = LostTrainer.Continue) =>
        TinyExperiments.Of(1) with
        {
            Training = TinyExperiments.Of(1).Training with { GradientAccumulation = 4, WorldSize = shares, OnLostTrainer = policy },
        };

    private Turn TeamOffered(int trainers)
    {
        var offer = scheduler.FishForMessage<Offer>(offer => offer.Turn.RunId == "team");
        Assert.Equal((0, new TeamRank(0, trainers)), (offer.Turn.Rank, ((TrainStage)offer.Item).Team));
        return offer.Turn;
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }

    private static AdapterWritten Trained() => new(new TrainStage(1, null, null), "a", "ab", null, 12, 0, 0, 1);

    private IActorRef New(
        string id = "r",
        TaskCompletionSource<RunSnapshot>? end = null,
        ExperimentOptions? options = null,
        bool shared = false
    )
    {
        var settings = new SupervisorSettings(
            id,
            folder.Path,
            new RunStarted(id, options ?? TinyExperiments.Of(1), new Dictionary<string, string>(), [10, 10], [7, 7]),
            scheduler.Ref,
            new FakeWork(),
            new Witness(),
            1,
            end ?? ended
        )
        {
            IsShared = shared,
        };
        return Sys.ActorOf(Props.Create(() => new RunSupervisor(settings)));
    }

    [Fact]
    public async Task In_a_cluster_what_a_run_computes_is_said_again_and_given_up_when_it_ends_and_not_when_its_supervisor_moves()
    {
        var (shared, end) = (CreateTestProbe(), new TaskCompletionSource<RunSnapshot>());
        supervisor = Sharing(shared, end, severalHosts: true);
        var claim = shared.ExpectMsg<Claim>(one => one.RunId == "c");
        Barrier();
        Pass(WorkProtocol.RepeatEvery);
        shared.ExpectMsg<Holds>(holds => Assert.Empty(holds.Keys));
        shared.ExpectMsg(claim);
        scheduler.ExpectMsg<Offer>(offer => Assert.Equal("r", offer.Turn.RunId));
        scheduler.ExpectNoMsg(TimeSpan.Zero);
        Tell(shared, new Yours(claim.Key));
        Assert.Equal(("c", new TrainStage(1, null, null)), (Offered() is var given ? (given.Turn.RunId, given.Item) : default));
        Pass(WorkProtocol.RepeatEvery);
        shared.ExpectMsg<Holds>(holds => Assert.Equal([claim.Key], holds.Keys));

        // It is lost, and taken up again.
        End(supervisor);
        shared.ExpectNoMsg(TimeSpan.Zero);
        supervisor = Sharing(shared, end = new(), severalHosts: true);
        shared.ExpectMsg(claim);
        Tell(supervisor, RunSupervisor.Stop.Instance);
        Assert.Equal(RunStatus.Stopped, (await end.Task).Status);
        shared.ExpectMsg(new Gone("c"));
    }

    [Fact]
    public void In_one_process_a_supervisor_that_breaks_gives_up_what_it_computes()
    {
        var shared = CreateTestProbe();
        var broken = Sharing(shared, new(), severalHosts: false);
        shared.ExpectMsg<Claim>();
        End(broken);
        shared.ExpectMsg(new Gone("c"));
    }

    /// <summary>A supervisor of a run that may have something in common with others.</summary>
    private IActorRef Sharing(TestProbe shared, TaskCompletionSource<RunSnapshot> end, bool severalHosts)
    {
        var settings = new SupervisorSettings(
            "c",
            folder.Path,
            new RunStarted("c", TinyExperiments.Of(1), new Dictionary<string, string>(), [10], [7]),
            scheduler.Ref,
            new FakeWork(),
            new Witness(),
            1,
            end
        )
        {
            IsShared = severalHosts,
            Shared = shared.Ref,
            Program = "1",
        };
        return Sys.ActorOf(Props.Create(() => new RunSupervisor(settings)));
    }

    /// <summary>A supervisor whose workers have their own files, with a worker that has begun to train.</summary>
    private Turn BegunWith(Fetches fetches, FarWorker far, TaskCompletionSource<RunSnapshot> end, ExperimentOptions? options = null)
    {
        Offered();
        var settings = new SupervisorSettings(
            "far",
            folder.Path,
            new RunStarted("far", options ?? TinyExperiments.Of(1), new Dictionary<string, string>(), [10], [7]),
            scheduler.Ref,
            new FakeWork(),
            new Witness(),
            1,
            end
        )
        {
            IsShared = true,
            Fetch = fetches.FetchAsync,
        };
        supervisor = Sys.ActorOf(Props.Create(() => new RunSupervisor(settings)));
        var turn = Offered().Turn;
        Tell(far, new MayBegin(turn));
        worker.ExpectMsg(new Begin(turn));
        return turn;
    }

    private void Tell(IActorRef from, object message) => supervisor.Tell(message, from);

    private void Tell(TestProbe from, object message) => supervisor.Tell(message, from.Ref);

    private Offer Offered() => scheduler.ExpectMsg<Offer>();

    private Turn Begun(TestProbe by)
    {
        var turn = Offered().Turn;
        Tell(by, new MayBegin(turn));
        by.ExpectMsg(new Begin(turn));
        return turn;
    }

    private void Checkpoint(TestProbe by, Turn turn, int step) =>
        Tell(by, new CheckpointWritten(1, step, $"step-{step}", "ab") { Turn = turn });

    private void Finish(Offer offer, Outcome outcome)
    {
        Tell(worker, new MayBegin(offer.Turn));
        worker.ExpectMsg(new Begin(offer.Turn));
        Tell(worker, outcome with { Turn = offer.Turn });
        worker.ExpectMsg(new Acknowledged(offer.Turn));
    }

    /// <summary>A worker of another host: what it is told, a probe hears.</summary>
    private sealed class FarWorker(TestProbe ear) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(new Address("akka.tcp", "coin", "h", 1)) / "user" / "trainer";

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => ear.Ref.Tell(message, sender);
    }

    /// <summary>Files that come when the test lets them.</summary>
    private sealed class Fetches
    {
        public System.Collections.Concurrent.BlockingCollection<(string Node, string Path, TaskCompletionSource Done)> Waiting { get; } =
        [];

        public Task FetchAsync(IReadOnlyList<Artifact> artifacts, string node, CancellationToken stop)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Waiting.Add((node, artifacts[0].Path, done), stop);
            return done.Task;
        }

        public TaskCompletionSource Next(string node, string path)
        {
            Assert.True(Waiting.TryTake(out var one, TimeSpan.FromSeconds(30)));
            Assert.Equal((node, path), (one.Node, one.Path));
            return one.Done;
        }
    }

    /// <summary>Waits until the supervisor has done everything that it was told.</summary>
    private void Barrier()
    {
        var probe = CreateTestProbe();
        Tell(probe, new MayBegin(Turn.None));
        probe.ExpectMsg<Refused>();
    }
}
