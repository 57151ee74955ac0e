using Akka.Actor;
using Akka.TestKit;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Workers;

public sealed class WorkerTests : VirtualTime
{
    private static readonly AnswerShard Shard = new(1, 0, 0, 1, null);
    private static readonly Turn First = new("r", 1);
    private static readonly Turn Second = new("r", 2);

    private readonly TestProbe scheduler;
    private readonly TestProbe supervisor;
    private readonly TestProbe heir;

    public WorkerTests() => (scheduler, supervisor, heir) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());

    [Fact]
    public void Nothing_is_begun_before_the_supervisor_lets_it_and_the_question_is_repeated()
    {
        var doings = new Doings();
        var worker = New(doings);
        Assign(worker, First);
        supervisor.ExpectMsg(new MayBegin(First));
        Pass(WorkProtocol.RepeatEvery);
        supervisor.ExpectMsg(new MayBegin(First));
        Assert.Empty(doings.Opened);

        worker.Tell(new Begin(First), supervisor);
        Assert.Equal(First, supervisor.ExpectMsg<ShardWritten>().Turn);
        Assert.Equal([First], doings.Opened);
    }

    [Fact]
    public void A_runs_options_are_asked_for_once_and_nothing_is_begun_without_them()
    {
        var doings = new Doings();
        var worker = New(doings);
        void AssignByKey(Turn turn, string key) =>
            worker.Tell(new Assignment(turn, "/runs/r", null!, Shard) { OptionsKey = key }, supervisor.Ref);
        AssignByKey(First, "k");
        supervisor.ExpectMsg(new WhichOptions(First));
        Pass(WorkProtocol.RepeatEvery);
        supervisor.ExpectMsg(new WhichOptions(First));
        worker.Tell(new Begin(First), supervisor);
        worker.Tell(new OptionsOf(First, "k", TinyExperiments.Of(1)), supervisor);
        supervisor.ExpectMsg(new MayBegin(First));
        Assert.Empty(doings.Opened);
        worker.Tell(new Begin(First), supervisor);
        supervisor.ExpectMsg<ShardWritten>();
        worker.Tell(new Acknowledged(First), supervisor);

        AssignByKey(Second, "k");
        supervisor.ExpectMsg(new MayBegin(Second));
        worker.Tell(new Refused(Second), supervisor);
        AssignByKey(new Turn("r", 3), "other");
        supervisor.ExpectMsg(new WhichOptions(new Turn("r", 3)));
    }

    [Fact]
    public void What_a_worker_says_again_and_again_is_its_turn_and_the_item_when_the_scheduler_asks()
    {
        var worker = Begun(Held());
        Pass(WorkProtocol.RepeatEvery);
        var told = scheduler.FishForMessage<Register>(register => register.Turn is not null);
        Assert.Equal((First, null), (told.Turn, told.Item));
        worker.Tell(new SayItem(Second), scheduler);
        worker.Tell(new SayItem(First), scheduler);
        Assert.Equal(new Register(Skill.Evaluate, "cpu", First, null, Shard), scheduler.ExpectMsg<Register>());
        scheduler.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void A_worker_whose_supervisor_is_gone_before_anything_was_begun_is_free_at_once()
    {
        var doings = new Doings();
        var worker = New(doings);
        Assign(worker, First);
        supervisor.ExpectMsg(new MayBegin(First));
        End(supervisor);
        Assert.Equal((null, First), Free());
        Assert.Empty(doings.Opened);
    }

    [Fact]
    public void A_refused_turn_is_left_without_a_trace()
    {
        var doings = Held();
        var worker = Begun(doings);
        worker.Tell(new Refused(First), supervisor);
        Assert.Equal((null, First), Free());
        Assert.Equal((0, 1), (doings.Left, doings.Closed));
        doings.Release();
        supervisor.ExpectNoMsg(TimeSpan.FromMilliseconds(20));
    }

    [Fact]
    public void A_result_is_told_until_it_is_acknowledged_and_then_the_worker_is_free()
    {
        var worker = Begun(new Doings());
        supervisor.ExpectMsg<ShardWritten>();
        Pass(WorkProtocol.RepeatEvery);
        supervisor.ExpectMsg<ShardWritten>();
        worker.Tell(new Acknowledged(Second), supervisor);
        Pass(WorkProtocol.RepeatEvery);
        supervisor.ExpectMsg<ShardWritten>();
        worker.Tell(new Acknowledged(First), supervisor);
        Assert.Equal((null, First), Free());
    }

    [Fact]
    public void A_stop_leaves_the_work_at_a_resumable_point_and_is_answered_until_that_is_acknowledged()
    {
        var doings = Held();
        var worker = Begun(doings);
        worker.Tell(new StopWork(First), supervisor);
        Assert.Equal(First, supervisor.ExpectMsg<WorkStopped>().Turn);
        Pass(WorkProtocol.RepeatEvery);
        supervisor.ExpectMsg<WorkStopped>();
        Assert.Equal((1, 1), (doings.Left, doings.Closed));
        worker.Tell(new Acknowledged(First), supervisor);
        Assert.Equal((null, First), Free());
        worker.Tell(new StopWork(First), supervisor);
        supervisor.ExpectMsg(new WorkLost(First));
    }

    [Fact]
    public void A_turn_that_was_begun_once_is_not_begun_again_by_an_assignment_that_comes_late()
    {
        var doings = Held();
        var worker = Begun(doings);
        worker.Tell(new Refused(First), supervisor);
        Assign(worker, Second);
        supervisor.ExpectMsg(new MayBegin(Second));
        worker.Tell(new Refused(Second), supervisor);
        Assign(worker, First);
        supervisor.ExpectMsg(new WorkLost(First));
        Assign(worker, Second);
        supervisor.ExpectMsg(new MayBegin(Second));
        Assert.Equal([First], doings.Opened);
    }

    [Fact]
    public void A_stop_for_another_turn_is_answered_and_does_not_touch_the_one_in_work()
    {
        var doings = Held();
        var worker = Begun(doings);
        worker.Tell(new StopWork(Second), supervisor);
        supervisor.ExpectMsg(new WorkLost(Second));
        worker.Tell(new Begin(Second), supervisor);
        supervisor.ExpectMsg(new WorkLost(Second));
        Assert.Equal(0, doings.Left);
    }

    [Fact]
    public void A_worker_that_ends_in_an_orderly_way_hands_its_work_back()
    {
        var doings = Held();
        var worker = Begun(doings);
        End(worker);
        Assert.Equal(First, supervisor.ExpectMsg<WorkStopped>().Turn);
        Assert.Equal(1, doings.Left);
    }

    [Fact]
    public void A_fault_of_the_program_ends_the_work_with_a_message_and_not_the_worker()
    {
        var worker = New(new Doings { Fault = new InvalidOperationException("a fault of the program") });
        Assign(worker, First);
        worker.Tell(new Begin(First), supervisor);
        supervisor.ExpectMsg<MayBegin>();
        Assert.Contains("a fault of the program", supervisor.ExpectMsg<WorkFailed>().Message, StringComparison.Ordinal);
        worker.Tell(new Acknowledged(First), supervisor);
        Assert.Equal((null, First), Free());
    }

    [Fact]
    public void An_equal_item_of_another_run_is_not_taken_for_the_one_in_work()
    {
        var worker = Begun(Held());
        Assign(worker, new Turn("q", 9), heir);
        var told = scheduler.FishForMessage<Register>(register => register.Turn is not null);
        Assert.Equal((First, Shard), (told.Turn, told.Item));
        heir.ExpectNoMsg(TimeSpan.Zero);
        worker.Tell(new Refused(First), supervisor);
        Free();

        Assign(worker, new Turn("q", 9), heir);
        heir.ExpectMsg(new MayBegin(new Turn("q", 9)));
    }

    [Fact]
    public void Work_under_way_is_taken_over_by_a_recovered_supervisor_and_not_begun_anew()
    {
        var doings = Held();
        var worker = Begun(doings);
        Assign(worker, Second, heir);
        heir.ExpectMsg(new MayBegin(Second) { GoesOn = true });
        worker.Tell(new Begin(Second), heir);
        doings.Release();
        doings.Release();
        Assert.Equal(Second, Steps(doings, heir).Turn);
        Assert.Equal([First], doings.Opened);
    }

    [Fact]
    public void A_result_that_nobody_took_is_handed_to_a_recovered_supervisor()
    {
        var doings = new Doings();
        var worker = Begun(doings);
        supervisor.ExpectMsg<ShardWritten>();
        Assign(worker, Second, heir);
        heir.ExpectMsg(new MayBegin(Second) { GoesOn = true });
        worker.Tell(new Begin(Second), heir);
        Assert.Equal(Second, heir.ExpectMsg<ShardWritten>().Turn);
        Assert.Equal([First], doings.Opened);
    }

    [Fact]
    public void A_failure_that_nobody_took_is_not_handed_on_but_tried_again()
    {
        var train = new TrainStage(1, null, "gone-000001");
        var worker = New(new Doings(), Skill.Train);
        worker.Tell(new Assignment(First, "/nowhere", TinyExperiments.Of(1), train), supervisor);
        supervisor.ExpectMsg<MayBegin>();
        worker.Tell(new Begin(First), supervisor);
        supervisor.ExpectMsg<WorkFailed>();
        worker.Tell(new Assignment(Second, "/nowhere", TinyExperiments.Of(1), train with { Checkpoint = null }), heir);
        heir.ExpectMsg(new MayBegin(Second));
        heir.ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void Work_whose_supervisor_is_lost_goes_on_for_a_while_and_is_then_left_at_a_resumable_point()
    {
        var doings = Held();
        var worker = Begun(doings);
        End(supervisor);
        Pass(Worker.Patience - WorkProtocol.RepeatEvery);
        Assert.Equal(0, doings.Left);

        // The worker may have heard of the end only after some of that time had passed.
        AwaitAssert(() =>
        {
            Pass(WorkProtocol.RepeatEvery);
            Assert.Equal(1, doings.Left);
        });
        Assert.Equal((null, First), Free());
        worker.Tell(new Begin(First), heir);
        heir.ExpectMsg(new WorkLost(First));
    }

    [Fact]
    public void A_worker_that_gets_no_answer_does_not_wait_for_ever()
    {
        Begun(new Doings());
        supervisor.ExpectMsg<ShardWritten>();
        for (var waited = TimeSpan.Zero; waited <= Worker.Patience; waited += WorkProtocol.RepeatEvery)
        {
            Pass(WorkProtocol.RepeatEvery);
        }

        Assert.Equal((null, First), Free());
    }

    [Fact]
    public void A_worker_whose_node_ends_leaves_its_work_at_a_resumable_point_hands_it_back_and_is_gone()
    {
        var doings = Held();
        var worker = Begun(doings);
        var watcher = CreateTestProbe();
        watcher.Watch(worker);
        worker.Tell(Worker.Drain.Instance);
        Assert.Equal(First, supervisor.ExpectMsg<WorkStopped>().Turn);
        Assert.Equal((1, 1), (doings.Left, doings.Closed));
        watcher.ExpectNoMsg(TimeSpan.Zero);
        worker.Tell(new Acknowledged(First), supervisor);
        watcher.ExpectTerminated(worker);
    }

    [Theory]
    [InlineData("CUDA error: device-side assert triggered\nCUDA kernel errors might be reported later", true)]
    [InlineData("CUDA error: an illegal memory access was encountered", true)]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB", false)]
    [InlineData("The size of tensor a (3) must match the size of tensor b (4)", false)]
    public void A_device_that_the_process_cannot_use_any_more_is_told_to_the_node_and_the_work_goes_to_others(string fault, bool broken)
    {
        var node = CreateTestProbe();
        Sys.EventStream.Subscribe(node, typeof(BrokenDevice));
        var doings = new Doings
        {
            Device = "cuda:1",
            OthersMayTry = true,
            Wait = () => Task.FromException(new System.Runtime.InteropServices.ExternalException(fault)),
        };
        Begun(doings);
        if (broken)
        {
            Assert.Contains(fault.Split('\n')[0], supervisor.ExpectMsg<WorkStopped>().Reason, StringComparison.Ordinal);
            Assert.Equal(new BrokenDevice("cuda:1", fault.Split('\n')[0]), node.ExpectMsg<BrokenDevice>());
            Assert.Equal((0, 1), (doings.Left, doings.Closed));
        }
        else
        {
            Assert.Contains("ExternalException", supervisor.ExpectMsg<WorkFailed>().Message, StringComparison.Ordinal);
            node.ExpectNoMsg(TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task A_node_with_a_broken_device_ends()
    {
        var end = new TaskCompletionSource<CoIN.Benchmark.CoinException>();
        var devices = ActorOfAsTestActorRef<CoIN.Actors.Nodes.NodeHost.BrokenDevices>(
            Props.Create(() => new CoIN.Actors.Nodes.NodeHost.BrokenDevices(end))
        );
        devices.Tell(new BrokenDevice("cuda:0", "CUDA error: unspecified launch failure"));
        Assert.Contains("cuda:0 cannot be used", (await end.Task).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_trainer_that_has_lost_another_one_says_why_but_of_one_that_leaves_as_it_was_asked_to(bool leaves)
    {
        var doings = new Doings
        {
            Wait = () => Task.FromException(new TrainerLostException("rank 0 at h:1 is not there") { Leaves = leaves }),
        };
        Begun(doings);
        Assert.Equal(leaves ? null : "rank 0 at h:1 is not there", supervisor.ExpectMsg<WorkStopped>().Reason);
        Assert.Equal(1, doings.Left);
    }

    [Fact]
    public void A_worker_whose_node_ends_gives_back_at_once_what_it_has_not_begun()
    {
        var worker = New(new Doings());
        Assign(worker, First);
        supervisor.ExpectMsg<MayBegin>();
        var watcher = CreateTestProbe();
        watcher.Watch(worker);
        worker.Tell(Worker.Drain.Instance);
        supervisor.ExpectMsg(new WorkLost(First));
        watcher.ExpectTerminated(worker);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_worker_whose_node_the_cluster_has_given_up_leaves_its_work_at_once_and_waits_for_nobody(bool done)
    {
        var doings = done ? new Doings() : Held();
        var worker = Begun(doings);
        if (done)
        {
            supervisor.ExpectMsg<ShardWritten>();
        }

        var watcher = CreateTestProbe();
        watcher.Watch(worker);
        worker.Tell(new Worker.Drain(Forsaken: true));
        watcher.ExpectTerminated(worker);
        Assert.Equal(0, doings.Left);
        Assert.True(doings.Closed > 0);
    }

    private static Doings Held()
    {
        var holder = new Doings[1];
        return holder[0] = new Doings { Wait = () => holder[0].Hold() };
    }

    private static void Assign(IActorRef worker, Turn turn, TestProbe by) =>
        worker.Tell(new Assignment(turn, "/runs/r", TinyExperiments.Of(1), Shard), by.Ref);

    private void Assign(IActorRef worker, Turn turn) => Assign(worker, turn, supervisor);

    private IActorRef New(Doings doings, Skill skill = Skill.Evaluate) =>
        Sys.ActorOf(Props.Create(() => new SimulatedWorker(scheduler.Ref, skill, doings)));

    private IActorRef Begun(Doings doings)
    {
        var worker = New(doings);
        Assign(worker, First);
        supervisor.ExpectMsg<MayBegin>();
        worker.Tell(new Begin(First), supervisor);
        AwaitAssert(() => Assert.Single(doings.Opened));
        return worker;
    }

    /// <summary>Lets steps go until the work's result is told.</summary>
    private ShardWritten Steps(Doings doings, TestProbe to)
    {
        ShardWritten? written = null;
        AwaitAssert(() =>
        {
            doings.Release();
            Assert.True(to.HasMessages);
            written = to.ExpectMsg<ShardWritten>();
        });
        return written!;
    }

    /// <summary>What the worker says of itself once it is free after some work.</summary>
    private (Turn? Turn, Turn? Last) Free()
    {
        var told = scheduler.FishForMessage<Register>(register => register is { Turn: null, Last: not null });
        return (told.Turn, told.Last);
    }
}
