using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Matches work items with free workers: one for the whole cluster. It decides nothing for good and remembers nothing beyond its life:
/// workers say again and again what they do, supervisors offer again what nobody has begun, and a worker that is given stale work is
/// refused by the supervisor.
/// <para>
/// Runs take turns. A free worker gets work of the runs of highest priority; among these, of the run for which fewest workers of its kind
/// work now; then of the run that has had least time of such workers; then what was offered first. A stage that several trainers do
/// together gets all of them at once, of one host where it can: none is begun by half, and while the next stage to be given asks for more
/// trainers than are free, those that are free are kept for it. An evaluator that has opened an adapter stays with that stage of that run
/// while there is something to test of it and nothing of a higher priority waits: opening one costs. Of the free workers those come first
/// on whose devices nobody else works: a trainer and an evaluator on one device share it. An evaluator that is far slower than others is
/// given less, and what it holds alone is taken from it (<see cref="Stragglers"/>).
/// </para>
/// <para>
/// Every message is handled by looking up what it is about: <see cref="WaitingWork"/> and <see cref="KnownWorkers"/> keep both sides by
/// run, kind and piece of work.
/// </para>
/// </summary>
internal class Scheduler : ReceiveActor, IWithTimers
{
    /// <summary>
    /// How long a scheduler that takes the place of a lost one listens to what workers do before it gives work: else it would give what is
    /// under way.
    /// </summary>
    public static readonly TimeSpan Listening = RepeatEvery * 2;

    private readonly KnownWorkers workers = new();
    private readonly WaitingWork waiting = new();
    private readonly Stragglers stragglers = new(Now);

    // Who drives each run, and since which turn.
    private readonly Dictionary<string, (IActorRef Supervisor, Turn Since)> supervisors = [];

    // The time that each run has had of the workers of a kind.
    private readonly Dictionary<(string RunId, Skill Skill), TimeSpan> had = [];

    // Kinds of workers and their devices that metrics have told of: what is gone is told as none.
    private readonly HashSet<(Skill Skill, string Device, string Host)> told = [];
    private readonly ILoggingAdapter log = Context.GetLogger().WithContext("Part", "scheduler");

    private bool listening;
    private (long Workers, long Waiting) measured;

    /// <param name="listen">How long to listen first; zero where no work can be under way.</param>
    public Scheduler(TimeSpan listen = default)
    {
        if (listen > TimeSpan.Zero)
        {
            listening = true;
            Timers.StartSingleTimer("listened", Listened.Instance, listen);
        }

        Timers.StartPeriodicTimer("look", Look.Instance, Stragglers.LookEvery, Stragglers.LookEvery);
        Receive<Look>(_ => LookForStragglers());
        Receive<Listened>(_ =>
        {
            listening = false;
            Array.ForEach(Enum.GetValues<Skill>(), Match);
        });
        Receive<Register>(register =>
        {
            Registered(register);
            Measure();
        });
        Receive<Offer>(offer =>
        {
            Offered(offer);
            Measure();
        });
        Receive<Supervises>(now =>
        {
            supervisors[now.Turn.RunId] = (Sender, now.Turn);
            Context.Watch(Sender);
        });
        Receive<Withdraw>(withdraw =>
        {
            waiting.RemoveOf(withdraw.RunId);
            Match(Skill.Train);
            Measure();
            Sender.Tell(new Withdrawn(withdraw.RunId));
        });
        Receive<Terminated>(gone =>
        {
            waiting.RemoveOf(gone.ActorRef);
            foreach (var run in supervisors.Where(pair => pair.Value.Supervisor.Equals(gone.ActorRef)).Select(pair => pair.Key).ToList())
            {
                supervisors.Remove(run);
                stragglers.Forget(run);
            }

            stragglers.Ended(gone.ActorRef, null, Now);
            if (workers.Remove(gone.ActorRef, out var known) && known.Busy is { } lost)
            {
                // What it did may have gone further than the offer says: the supervisor asks its plan again.
                log.Warning("Worker {Worker} is gone in the middle of its work", gone.ActorRef.Path);
                lost.Supervisor?.Tell(new WorkLost(lost.Turn));
            }

            // Trainers may have been kept for a team that is not to be had any more.
            Match(Skill.Train);
            Measure();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private void Registered(Register register)
    {
        var isKnown = workers.TryGetValue(Sender, out var known);
        if (register.Turn is { } told && register.Item is null && known?.Busy?.Turn != told)
        {
            Sender.Tell(new SayItem(told));
            return;
        }

        if (!isKnown)
        {
            log.Info("Worker {Worker} can {Skill} on {Device}", Sender.Path, register.Skill, register.Device);
            Context.Watch(Sender);
        }

        var given = known?.Busy;
        if (register.Turn is { } turn)
        {
            var same = given?.Turn == turn;
            workers[Sender] = new Known(register, same ? given : new Given(turn, register.Item!, null, null))
            {
                Since = same ? known!.Since : Now,
                Last = known?.Last,
                TimesSlower = known?.TimesSlower ?? 0,
            };
            if (!same)
            {
                stragglers.Given(Sender, workers[Sender].Busy!, whole: false, Now);
                Continued(workers[Sender]);
            }

            stragglers.Heard(Sender, register, Now);
            Inherited(workers[Sender].Busy!);
            return;
        }

        if (given?.Offer is { } offer && register.Last != given.Turn)
        {
            // On its way to the worker, or lost on it.
            workers[Sender] = known! with { Register = register };
            Assign(Sender, given, offer);
            return;
        }

        if (given is not null)
        {
            var key = (given.Turn.RunId, register.Skill);
            had[key] = had.GetValueOrDefault(key) + (Now - known!.Since);
        }

        stragglers.Ended(Sender, register, Now);
        workers[Sender] = new Known(register, null) { Last = given ?? known?.Last, TimesSlower = known?.TimesSlower ?? 0 };
        Match(register.Skill);
    }

    /// <summary>A worker tells of work of which this scheduler did not know.</summary>
    private void Continued(Known known)
    {
        var now = known.Busy!;
        if (
            workers.Doing(now).Any(other => !other.Worker.Equals(Sender) && other.Busy.IsSamePart(now) && other.Busy.Turn.IsAfter(now.Turn))
        )
        {
            // It was lost to the others for a while, and has been done anew since.
            Sender.Tell(new Refused(now.Turn));
        }
        else if (waiting.Find(now) is { Offer: { } offer } given && given.Turn.IsAfter(now.Turn))
        {
            // A supervisor that was recovered goes on with what is under way.
            if (given.IsInherited(now))
            {
                waiting.Remove(given);
                var part = given.Part(now.Turn.Rank);
                workers[Sender] = known with { Busy = part };
                stragglers.Inherited(Sender, part);
                Assign(Sender, part, offer);
            }
        }
    }

    /// <summary>
    /// What a lost supervisor gave may have come to its end in the journal without a word to the worker: only the one that drives the run
    /// now can say.
    /// </summary>
    private void Inherited(Given given)
    {
        if (supervisors.TryGetValue(given.Turn.RunId, out var now) && now.Since.IsAfter(given.Turn))
        {
            now.Supervisor.Tell(new StillHas(given.Turn, given.Item), Sender);
        }
    }

    private void Offered(Offer offer)
    {
        var given = new Given(offer.Turn, offer.Item, Sender, offer);
        Context.Watch(Sender);
        var doing = workers.Doing(given).Where(one => !stragglers.IsTaken(one.Worker, one.Busy.Turn)).ToList();
        var goesOn = doing.Exists(one => one.Busy.Turn.IsOfSameTeam(given.Turn));
        foreach (var (worker, busy) in doing.Where(one => given.Turn.IsAfter(one.Busy.Turn) && given.IsInherited(one.Busy)))
        {
            // A supervisor that was recovered goes on with what is under way.
            goesOn = true;
            waiting.Remove(given);
            var part = given.Part(busy.Turn.Rank);
            workers[worker] = workers[worker] with { Busy = part };
            stragglers.Inherited(worker, part);
            Assign(worker, part, offer);
        }

        if (goesOn && !listening && Missing(given) is { } missing)
        {
            // The others of its team cannot go on without it.
            Sender.Tell(new WorkLost(missing));
        }

        if (goesOn || doing.Exists(one => !given.Turn.IsAfter(one.Busy.Turn)))
        {
            return;
        }

        var skill = WaitingWork.SkillFor(offer.Item);
        if (waiting.Find(given) is not { } waits)
        {
            Greet(given);
            waiting.Add(given);
            Match(skill);
        }
        else if (given.Turn.IsAfter(waits.Turn))
        {
            waiting.Replace(given);
            Match(skill);
        }
        else if (!listening && given.Trainers > workers.Count(Skill.Train))
        {
            // The offer was made before: time enough for others to come.
            Sender.Tell(new TooFewTrainers(given.Turn, workers.Count(Skill.Train)));
        }

        if (
            !listening
            && offer.Not is not null
            && waiting.Find(given)?.Turn == given.Turn
            && workers.All.Where(pair => pair.Value.Register.Skill == skill).ToList() is { Count: > 0 } able
            && able.TrueForAll(pair => given.IsBarred(pair.Key))
        )
        {
            Sender.Tell(new NobodyCan(offer.Turn));
        }
    }

    /// <summary>
    /// A run that comes later starts level with the one that has had least so far: it is not owed the time in which it was not there.
    /// </summary>
    private void Greet(Given given)
    {
        var key = (given.Turn.RunId, Skill: WaitingWork.SkillFor(given.Item));
        if (!had.ContainsKey(key))
        {
            var present = waiting.RunIds.Concat(workers.RunIds).ToHashSet();
            had[key] = had
                .Keys.Where(known => known.Skill == key.Skill && present.Contains(known.RunId))
                .Select(known => Had(known.RunId, key.Skill))
                .DefaultIfEmpty()
                .Min();
        }
    }

    /// <summary>Gives every free worker of a kind an item that it can do.</summary>
    private void Match(Skill skill)
    {
        if (listening || !waiting.Any(skill) || !workers.AnyFree(skill))
        {
            return;
        }

        if (skill == Skill.Train)
        {
            MatchTrainers();
            return;
        }

        // Which device is idle changes with each that is given something.
        var unfit = new HashSet<IActorRef>();
        while (waiting.Any(skill) && workers.Free(skill).FirstOrDefault(one => !unfit.Contains(one)) is { } worker)
        {
            var known = workers[worker];
            var othersDo = OthersDo(known);
            if (othersDo && !waiting.AnyFailed)
            {
                // Those behind it are passed over too.
                return;
            }

            if (Choose(worker, known, othersDo) is { Offer: { } offer } fit)
            {
                waiting.Remove(fit);
                workers[worker] = known with { Busy = fit, Since = Now };
                stragglers.Given(worker, fit, whole: true, Now);
                Assign(worker, fit, offer);
            }
            else
            {
                unfit.Add(worker);
            }
        }
    }

    /// <summary>
    /// Whether a worker that is passed over leaves to others what waits: they do all of it before this one would have done a part. What
    /// failed elsewhere does not wait.
    /// </summary>
    private bool OthersDo(Known known) =>
        known.IsPassedOver
        && waiting.Count(known.Register.Skill) <= known.TimesSlower * workers.Count(known.Register.Skill, passedOver: false);

    /// <summary>Takes parts of tests from evaluators that are far slower than idle ones, which have nothing else to do.</summary>
    private void LookForStragglers()
    {
        foreach (var worker in stragglers.Look(Now))
        {
            workers[worker] = workers[worker] with { TimesSlower = 0 };
            Match(workers[worker].Register.Skill);
        }

        // It may not have been heard.
        foreach (var one in stragglers.Taken)
        {
            Tell(one);
        }

        if (listening || waiting.Any(Skill.Evaluate) || !workers.AnyFree(Skill.Evaluate))
        {
            return;
        }

        var idle = workers.Free(Skill.Evaluate).TakeWhile(one => !workers[one].IsPassedOver).ToHashSet();
        foreach (var one in stragglers.Found())
        {
            if (idle.FirstOrDefault(other => !one.Given.IsBarred(other)) is { } other && idle.Remove(other))
            {
                stragglers.Take(one);
                workers[one.Worker] = workers[one.Worker] with { TimesSlower = one.TimesSlower };
                Tell(one);
            }
        }

        void Tell(Straggler one) =>
            (one.Given.Supervisor ?? supervisors.GetValueOrDefault(one.Given.Turn.RunId).Supervisor)?.Tell(
                new TooSlow(one.Given.Turn, one.Left.TotalSeconds, one.Anew.TotalSeconds),
                one.Worker
            );
    }

    /// <param name="failedOnly">Whether only what failed elsewhere is to be done.</param>
    private Given? Choose(IActorRef worker, Known known, bool failedOnly)
    {
        var skill = known.Register.Skill;
        bool May(Given given) => !given.IsBarred(worker) && (!failedOnly || given.HasFailed);
        var next = Next(skill, May);
        return
            skill == Skill.Evaluate
            && known.Last is { Stage: { } stage } last
            && waiting.FirstTest(last.Turn.RunId, stage, May) is { } test
            && test.Priority >= next!.Priority
            ? test
            : next;
    }

    /// <summary>What comes first of what may be done; null where nothing may.</summary>
    private Given? Next(Skill skill, Func<Given, bool> may) =>
        waiting
            .Firsts(skill, may)
            .MinBy(one => (-one.Given.Priority, workers.Working(one.Given.Turn.RunId, skill), Had(one.Given.Turn.RunId, skill), one.Number))
            ?.Given;

    /// <summary>Gives stages to free trainers, to each as many as it asks for.</summary>
    private void MatchTrainers()
    {
        while (waiting.Any(Skill.Train))
        {
            var free = workers.Free(Skill.Train).ToList();
            var all = workers.Count(Skill.Train);
            var fit =
                free.Count == 0 ? null : Next(Skill.Train, one => one.Trainers <= all && free.Exists(worker => !one.IsBarred(worker)));
            if (fit is not { Offer: { } offer } || free.Count < fit.Trainers)
            {
                return;
            }

            waiting.Remove(fit);
            var chosen = fit.Trainers == 1 ? [free.First(worker => !fit.IsBarred(worker))] : Near(free, fit.Trainers);
            foreach (var (rank, worker) in chosen.Index())
            {
                var part = fit.Part(fit.Turn.Rank is null ? null : rank);
                workers[worker] = workers[worker] with { Busy = part, Since = Now };
                Assign(worker, part, offer);
            }
        }
    }

    /// <summary>Trainers near each other: all of one host, the smallest that has enough, or else of as few hosts as can be.</summary>
    private IReadOnlyList<IActorRef> Near(IEnumerable<IActorRef> free, int count)
    {
        var hosts = free.GroupBy(worker => worker.Path.Address.Host ?? "")
            .Select(host => host.OrderBy(workers.Load).ThenBy(PathOf, StringComparer.Ordinal).ToList())
            .OrderByDescending(host => host.Count)
            .ThenBy(host => PathOf(host[0]), StringComparer.Ordinal)
            .ToList();
        return hosts.LastOrDefault(host => host.Count >= count)?.Take(count).ToList() ?? [.. hosts.SelectMany(host => host).Take(count)];
    }

    /// <summary>One of a team that nobody does; null where all are done, and for work of one.</summary>
    private Turn? Missing(Given given)
    {
        var ranks = workers.Doing(given).Where(one => one.Busy.Turn.IsOfSameTeam(given.Turn)).Select(one => one.Busy.Turn.Rank).ToHashSet();
        return Enumerable
            .Range(0, given.Trainers)
            .Where(rank => given.Trainers > 1 && !ranks.Contains(rank))
            .Select(rank => given.Turn with { Rank = rank })
            .FirstOrDefault();
    }

    private TimeSpan Had(string runId, Skill skill) => had.GetValueOrDefault((runId, skill)) + workers.Worked(runId, skill, Now);

    /// <summary>Tells metrics what waits, and who is there.</summary>
    private void Measure()
    {
        if (!RunMetrics.WantsScheduler)
        {
            return;
        }

        // What every worker says again and again is no news.
        var now = (workers.Changes, waiting.Changes);
        if (measured == now)
        {
            return;
        }

        measured = now;
        foreach (var skill in Enum.GetValues<Skill>())
        {
            RunMetrics.Waiting(NameOf(skill), waiting.Count(skill));
        }

        var there = workers
            .All.GroupBy(pair =>
                (pair.Value.Register.Skill, pair.Value.Register.Device, Host: pair.Key.Path.Address.Host ?? Environment.MachineName)
            )
            .ToDictionary(group => group.Key, group => (Working: group.Count(pair => pair.Value.Busy is not null), All: group.Count()));
        told.UnionWith(there.Keys);
        foreach (var kind in told)
        {
            var (working, all) = there.GetValueOrDefault(kind);
            RunMetrics.Known(NameOf(kind.Skill), kind.Device, kind.Host, working, all - working);
        }
    }

    private static string NameOf(Skill skill) => skill.ToString().ToLowerInvariant();

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    private static void Assign(IActorRef worker, Given given, Offer offer) =>
        worker.Tell(
            new Assignment(given.Turn, offer.RunFolder, offer.Options!, given.Item) { OptionsKey = offer.OptionsKey },
            given.Supervisor
        );

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }

    private sealed class Listened
    {
        public static readonly Listened Instance = new();
    }

    /// <param name="Supervisor">Null where only the worker has told of it, as is <paramref name="Offer"/>.</param>
    internal sealed record Given(Turn Turn, WorkItem Item, IActorRef? Supervisor, Offer? Offer)
    {
        /// <summary>Of two that are the same work it is the same.</summary>
        public (string RunId, object Work) Key { get; } = (Turn.RunId, Item.Key());

        public int Priority => Offer?.Priority ?? 0;

        /// <summary>Whose adapter is tested; null for other work.</summary>
        public int? Stage =>
            Item switch
            {
                AnswerShard shard => shard.Stage,
                ScoreCell cell => cell.Stage,
                _ => null,
            };

        /// <summary>Trainers that do it together; 1 for other work.</summary>
        public int Trainers => Item is TrainStage { Team: { } team } ? team.Trainers : 1;

        /// <summary>Whether it is also done by the same one of a team.</summary>
        public bool IsSamePart(Given other) => Key.Equals(other.Key) && Turn.Rank == other.Turn.Rank;

        /// <summary>
        /// Whether this is what another supervisor makes of work under way. A team that one supervisor offers again is to be put together
        /// anew.
        /// </summary>
        public bool IsInherited(Given now) =>
            (Turn.Rank is null) == (now.Turn.Rank is null) && (Turn.Rank is null || Turn.IsOfLaterTakeUp(now.Turn));

        /// <summary>The part of one of the team; null for all of it.</summary>
        public Given Part(int? rank) =>
            rank is not { } own || Item is not TrainStage { Team: { } team } stage
                ? this
                : this with
                {
                    Turn = Turn with { Rank = own },
                    Item = stage with { Team = team with { Rank = own } },
                };

        /// <summary>Whether it failed at some worker before.</summary>
        public bool HasFailed => Offer?.Not is not null;

        /// <summary>Whether it failed at this worker before.</summary>
        public bool IsBarred(IActorRef worker) => Offer?.Not is { } not && not.Contains(PathOf(worker));
    }

    internal sealed record Known(Register Register, Given? Busy)
    {
        /// <summary>When the work was given.</summary>
        public DateTimeOffset Since { get; init; }

        /// <summary>What was done before; null at first.</summary>
        public Given? Last { get; init; }

        /// <summary>How many times slower than others it was lately; 0 for a worker like others.</summary>
        public double TimesSlower { get; init; }

        public bool IsPassedOver => TimesSlower > 0;
    }
}
