using System.Diagnostics;
using Akka.Actor;
using Akka.Persistence;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

/// <summary>Scheduler, supervisor and workers with a network that keeps no promise, while any of them may end and begin anew.</summary>
public sealed class RandomOrderTests()
    : VirtualTime(
        $$"""
        akka.persistence.journal.inmem { plugin-dispatcher = {{OnThisThread}}, recovery-event-timeout = 1h, circuit-breaker.call-timeout = 1h }

        """
    )
{
    private const string OnThisThread = "akka.test.calling-thread-dispatcher";
    private const int RoughMoments = 500;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder folder = new();
    private readonly List<Doings> all = [];
    private readonly List<(IActorRef Worker, Skill Skill, Doings Doings)> workers = [];
    private Random random = new();
    private Network network = null!;
    private IActorRef proxy = null!;
    private IActorRef scheduler = null!;
    private IActorRef supervisor = null!;
    private TaskCompletionSource<RunSnapshot> ended = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Every_run_ends_completed_and_nothing_counts_twice(int seed)
    {
        random = new Random(seed);
        network = new Network(random);
        proxy = Sys.ActorOf(Props.Create(() => new SchedulerProxy()).WithDispatcher(OnThisThread));
        NewScheduler();
        foreach (var skill in new[] { Skill.Train, Skill.Train, Skill.Evaluate, Skill.Evaluate })
        {
            NewWorker(skill);
        }

        NewSupervisor();
        var clock = Stopwatch.StartNew();
        for (var moment = 0; clock.Elapsed < Longest && !ended.Task.IsCompleted; moment++)
        {
            Something(rough: moment < RoughMoments);
            if (moment % 100 == 99)
            {
                // The journal is written by other threads too.
                Thread.Sleep(1);
            }
        }

        Assert.True(ended.Task.IsCompletedSuccessfully, $"the run did not end; {ended.Task.Exception}");
        var last = await ended.Task;
        Assert.True(last.Status == RunStatus.Completed, $"{last.Status}: {last.Message}");

        var events = await Events();
        Assert.Equal([1, 2], events.OfType<StageTrained>().Select(one => one.Stage));
        Once(events.OfType<ShardAnswered>().Select(one => (one.Stage, one.Task, one.Shard)));
        Once(events.OfType<CellScored>().Select(one => (one.Stage, one.Task)));
        Assert.Equal(3, events.OfType<CellScored>().Count());
        foreach (var stage in events.OfType<CheckpointSaved>().GroupBy(one => one.Stage))
        {
            Once(stage.Select(one => one.Step));
            Assert.Equal(stage.Select(one => one.Step).Order(), stage.Select(one => one.Step));
        }

        Assert.IsType<RunCompleted>(events[^1]);
        Assert.Single(events, one => one is RunCompleted or RunFailed or RunStopped);
        Once(all.SelectMany(doings => doings.Opened));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        folder.Dispose();
    }

    private static void Signal(CountdownEvent takenUp)
    {
        if (!takenUp.IsSet)
        {
            takenUp.Signal();
        }
    }

    private static void Once<T>(IEnumerable<T> things) => Assert.Equal(things.Distinct(), things);

    private void Something(bool rough)
    {
        var dice = random.Next(rough ? 100 : 95);
        if (dice < 60)
        {
            if (!network.LetOneThrough(rough))
            {
                Pass(TimeSpan.FromSeconds(1));
            }
        }
        else if (dice < 85)
        {
            workers[random.Next(workers.Count)].Doings.Release();
        }
        else if (dice < 95)
        {
            Pass(TimeSpan.FromSeconds(1));
        }
        else if (dice < 98)
        {
            var lost = workers[random.Next(workers.Count)];
            workers.Remove(lost);
            End(lost.Worker);
            NewWorker(lost.Skill);
        }
        else if (dice < 99)
        {
            End(scheduler);
            NewScheduler();
        }
        else
        {
            End(supervisor);
            if (!ended.Task.IsCompletedSuccessfully)
            {
                NewSupervisor();
            }
        }
    }

    private void NewScheduler()
    {
        scheduler = Sys.ActorOf(Props.Create(() => new NetworkedScheduler(network)).WithDispatcher(OnThisThread));
        proxy.Tell(scheduler);
    }

    private void NewWorker(Skill skill)
    {
        Doings doings = null!;
        doings = new Doings { Steps = 3, Wait = () => doings.Hold() };
        all.Add(doings);
        workers.Add(
            (
                Sys.ActorOf(Props.Create(() => new NetworkedWorker(network, proxy, skill, doings)).WithDispatcher(OnThisThread)),
                skill,
                doings
            )
        );
    }

    private void NewSupervisor()
    {
        ended = new TaskCompletionSource<RunSnapshot>();
        var start = new RunStarted("r", TinyExperiments.Of(2), new Dictionary<string, string>(), [10, 10], [4, 4]);
        using var takenUp = new CountdownEvent(1);
        var settings = new SupervisorSettings("r", folder.Path, start, proxy, new FakeWork(4), new Witness(_ => Signal(takenUp)), 2, ended);
        supervisor = Sys.ActorOf(Props.Create(() => new NetworkedSupervisor(network, settings)).WithDispatcher(OnThisThread));

        // The journal is read by other threads, for which virtual time does not wait.
        Assert.True(takenUp.Wait(TimeSpan.FromSeconds(30)));
    }

    private async Task<List<IRunEvent>> Events()
    {
        var read = new TaskCompletionSource<List<IRunEvent>>();
        Sys.ActorOf(Props.Create(() => new Reader(read)));
        return await read.Task;
    }

    private sealed class Reader : ReceivePersistentActor
    {
        public Reader(TaskCompletionSource<List<IRunEvent>> read)
        {
            var events = new List<IRunEvent>();
            Recover<IRunEvent>(events.Add);
            Recover<RecoveryCompleted>(_ => read.SetResult(events));
        }

        public override string PersistenceId => RunJournal.PersistenceIdOf("r");
    }
}
