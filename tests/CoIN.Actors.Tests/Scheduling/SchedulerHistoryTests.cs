using Akka.Actor;
using Akka.Dispatch.SysMsg;
using CoIN.Actors.Protocol;
using CoIN.Actors.Scheduling;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Scheduling;

/// <summary>
/// The scheduler, which looks things up, beside <see cref="PlainScheduler"/>, which looks through everything: both are told the same.
/// </summary>
public sealed class SchedulerHistoryTests : VirtualTime
{
    private const string OnThisThread = "akka.test.calling-thread-dispatcher";
    private const int Moments = 1000;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly string[] Runs = ["p", "q", "r", "s"];

    private readonly List<Pair> workers = [];
    private readonly Dictionary<string, Pair> supervisors = [];
    private readonly Dictionary<WorkItem, long> offered = [];
    private readonly List<Exception> faults = [];
    private Random random = new();
    private (IActorRef Indexed, IActorRef Plain) schedulers;
    private long turns;
    private int made;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Both_say_the_same_to_everybody_whatever_happens(int seed)
    {
        random = new Random(seed);
        schedulers = (
            Sys.ActorOf(Props.Create(() => new Indexed(faults)).WithDispatcher(OnThisThread)),
            Sys.ActorOf(Props.Create(() => new Plain(faults)).WithDispatcher(OnThisThread))
        );
        foreach (var run in Runs)
        {
            supervisors[run] = New(default);
        }

        for (var count = 0; count < 12; count++)
        {
            workers.Add(New((Skill)(count % 3)));
        }

        var assignments = 0;
        for (var moment = 0; moment < Moments; moment++)
        {
            var what = Something();
            Barrier();
            Assert.Empty(faults);
            foreach (var pair in workers.Concat(supervisors.Values))
            {
                Assert.True(
                    pair.Plain.Log.SequenceEqual(pair.Indexed.Log),
                    $"moment {moment}, {what}: {Text(pair.Plain)} and not {Text(pair.Indexed)}"
                );
                if (pair.Indexed.Log.OfType<Assignment>().LastOrDefault() is { } given)
                {
                    assignments++;
                    pair.Given = given;
                }

                pair.Indexed.Log.Clear();
                pair.Plain.Log.Clear();
            }
        }

        // Else nothing would be compared.
        Assert.True(assignments > Moments / 20, $"{assignments} assignments");
    }

    private static bool Guarded(List<Exception> faults, Func<bool> receive)
    {
        try
        {
            return receive();
        }
        catch (Exception e)
        {
            faults.Add(e);
            throw;
        }
    }

    private static string Text(Recorded log) => string.Join("; ", log.Log);

    private string Something()
    {
        var run = Runs[random.Next(Runs.Length)];
        var worker = workers[random.Next(workers.Count)];
        switch (random.Next(100))
        {
            case < 35:
                return Offer(run);
            case < 60:
                return IsFree(worker);
            case < 85:
                return Does(worker);
            case < 91:
                Pass(TimeSpan.FromSeconds(random.Next(100)));
                return "time passes";
            case < 93:
                Tell(supervisors[run], new Withdraw(run));
                return $"{run} withdraws";
            case < 95:
                Tell(supervisors[run], new Supervises(new Turn(run, turns)));
                return $"{run} is supervised";
            case < 98:
                End(worker);
                workers[workers.IndexOf(worker)] = New(worker.Skill);
                return "a worker ends";
            default:
                End(supervisors[run]);
                supervisors[run] = New(default);
                return $"the supervisor of {run} ends";
        }
    }

    private string Offer(string run)
    {
        var stage = random.Next(1, 4);
        WorkItem item = random.Next(6) switch
        {
            0 => new TrainStage(stage, null, random.Next(3) == 0 ? "step-5" : null),
            1 => new ScoreCell(stage, random.Next(2), new(["x", "y"])),
            2 => new JudgeCell(stage, random.Next(2), "j", "id", "f", "ab"),
            _ => new AnswerShard(stage, random.Next(2), random.Next(3), 3, null),
        };
        var again = random.Next(3) == 0 && offered.TryGetValue(item, out var before) ? before : ++turns;
        offered[item] = again;
        var turn = new Turn(run, again);
        if (item is TrainStage train && stage == 3)
        {
            // Of another run it is the work of several.
            (turn, item) = run is "p" or "s" ? (turn with { Rank = 0 }, train with { Team = new TeamRank(0, 2) }) : (turn, train);
        }

        var not = random.Next(4) != 0 ? null : workers.Where(_ => random.Next(2) == 0).ToList();
        Tell(
            supervisors[run],
            new Offer(turn, "/" + run, TinyExperiments.Of(3), item)
            {
                Not = not is null ? null : [.. not.Select(one => PathOf(one.Plain.Self))],
                Priority = run == "s" ? 1 : 0,
            }
        );
        return $"{run} offers {item} as {again}";
    }

    /// <summary>It has ended what it was given, or has not heard of it.</summary>
    private string IsFree(Pair worker)
    {
        if (random.Next(4) != 0 && worker.Given is { } given)
        {
            (worker.Last, worker.Given) = (given.Turn, null);
        }

        Tell(worker, new Register(worker.Skill, worker.Device, Last: worker.Last));
        return $"{worker.Skill} worker {workers.IndexOf(worker)} is free";
    }

    private string Does(Pair worker)
    {
        if (worker.Given is not { } given)
        {
            return "nothing";
        }

        // It may be an older turn, of which the scheduler has heard nothing since.
        var turn = random.Next(8) == 0 ? given.Turn with { Number = Math.Max(1, given.Turn.Number - random.Next(5)) } : given.Turn;
        Tell(worker, new Register(worker.Skill, worker.Device, turn, worker.Last, given.Item));
        return $"{worker.Skill} worker {workers.IndexOf(worker)} does {turn}";
    }

    private void Tell(Pair from, object message)
    {
        schedulers.Indexed.Tell(message, from.Indexed.Self);
        schedulers.Plain.Tell(message, from.Plain.Self);
    }

    private void End(Pair pair)
    {
        End(schedulers.Indexed, pair.Indexed.Self);
        End(schedulers.Plain, pair.Plain.Self);

        // What is watched ends by a message of the system, of which comes one that waits its turn.
        Barrier();
    }

    private static void End(IActorRef watcher, IActorRef watched) =>
        ((IInternalActorRef)watcher).SendSystemMessage(
            new DeathWatchNotification(watched, existenceConfirmed: true, addressTerminated: false)
        );

    /// <summary>Both schedulers know somebody by the same name.</summary>
    private Pair New(Skill skill)
    {
        var name = $"recorder-{++made}";
        return new Pair(skill, $"cuda:{made % 5}", NewRecorded(name), NewRecorded(name));
    }

    private static Recorded NewRecorded(string name)
    {
        List<object> log = [];
        return new Recorded(
            new Recorder(name, message => log.Add(message is Assignment given ? given with { Options = null! } : message)),
            log
        );
    }

    /// <summary>Waits until both have done everything that they were told.</summary>
    private void Barrier()
    {
        foreach (var scheduler in new[] { schedulers.Indexed, schedulers.Plain })
        {
            using var done = new ManualResetEventSlim();
            scheduler.Tell(new Withdraw("none"), new Recorder("barrier", _ => done.Set()));
            Assert.True(done.Wait(Longest));
        }
    }

    /// <summary>Somebody who speaks with both schedulers, with a name for each.</summary>
    private sealed record Pair(Skill Skill, string Device, Recorded Indexed, Recorded Plain)
    {
        /// <summary>What it was given last and has not ended.</summary>
        public Assignment? Given { get; set; }

        public Turn? Last { get; set; }
    }

    private sealed record Recorded(IActorRef Self, List<object> Log);

    private sealed class Indexed(List<Exception> faults) : Scheduler
    {
        protected override bool AroundReceive(Receive receive, object message) =>
            Guarded(faults, () => base.AroundReceive(receive, message));
    }

    private sealed class Plain(List<Exception> faults) : PlainScheduler
    {
        protected override bool AroundReceive(Receive receive, object message) =>
            Guarded(faults, () => base.AroundReceive(receive, message));
    }

    /// <summary>Hears on the thread of who speaks.</summary>
    private sealed class Recorder(string name, Action<object> hear) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "test")) / "user" / name;

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => hear(message);
    }
}
