using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Support;

/// <summary>
/// The scheduler's rules as plainly as they can be written: it looks through everything for every message. Listening first is left out.
/// </summary>
internal class PlainScheduler : ReceiveActor
{
    private readonly OrderedDictionary<IActorRef, Known> workers = [];
    private readonly List<Given> waiting = [];

    // Who drives each run, and since which turn.
    private readonly Dictionary<string, (IActorRef Supervisor, Turn Since)> supervisors = [];

    // The time that each run has had of the workers of a kind.
    private readonly Dictionary<(string RunId, Skill Skill), TimeSpan> had = [];

    public PlainScheduler()
    {
        Receive<Register>(Registered);
        Receive<Offer>(Offered);
        Receive<Supervises>(now =>
        {
            supervisors[now.Turn.RunId] = (Sender, now.Turn);
            Context.Watch(Sender);
        });
        Receive<Withdraw>(withdraw =>
        {
            waiting.RemoveAll(one => one.Turn.RunId == withdraw.RunId);
            Match();
            Sender.Tell(new Withdrawn(withdraw.RunId));
        });
        Receive<Terminated>(gone =>
        {
            waiting.RemoveAll(one => gone.ActorRef.Equals(one.Supervisor));
            foreach (var run in supervisors.Where(pair => pair.Value.Supervisor.Equals(gone.ActorRef)).Select(pair => pair.Key).ToList())
            {
                supervisors.Remove(run);
            }

            if (workers.Remove(gone.ActorRef, out var known) && known.Busy is { } lost)
            {
                lost.Supervisor?.Tell(new WorkLost(lost.Turn));
            }

            Match();
        });
    }

    private static Skill SkillFor(WorkItem item) =>
        item switch
        {
            TrainStage => Skill.Train,
            JudgeCell => Skill.Judge,
            _ => Skill.Evaluate,
        };

    private void Registered(Register register)
    {
        if (!workers.TryGetValue(Sender, out var known))
        {
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
            };
            if (!same)
            {
                Continued(workers[Sender]);
            }

            Inherited(workers[Sender].Busy!);
            return;
        }

        if (given?.Offer is { } offer && register.Last != given.Turn)
        {
            // On its way to the worker, or lost on it.
            workers[Sender] = new Known(register, given) { Since = known!.Since, Last = known.Last };
            Assign(Sender, given, offer);
            return;
        }

        if (given is not null)
        {
            var key = (given.Turn.RunId, register.Skill);
            had[key] = had.GetValueOrDefault(key) + (Now - known!.Since);
        }

        workers[Sender] = new Known(register, null) { Last = given ?? known?.Last };
        Match();
    }

    /// <summary>A worker tells of work of which this scheduler did not know.</summary>
    private void Continued(Known known)
    {
        var now = known.Busy!;
        if (
            workers.Any(pair =>
                !pair.Key.Equals(Sender) && pair.Value.Busy is { } busy && busy.IsSamePart(now) && busy.Turn.IsAfter(now.Turn)
            )
        )
        {
            // It was lost to the others for a while, and has been done anew since.
            Sender.Tell(new Refused(now.Turn));
        }
        else if (waiting.Find(one => one.IsSameWork(now) && one.Turn.IsAfter(now.Turn)) is { Offer: { } offer } given)
        {
            // A supervisor that was recovered goes on with what is under way.
            if (given.IsInherited(now))
            {
                waiting.Remove(given);
                var part = given.Part(now.Turn.Rank);
                workers[Sender] = known with { Busy = part };
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
        var doing = workers.Where(pair => pair.Value.Busy is { } busy && busy.IsSameWork(given)).ToList();
        var goesOn = doing.Exists(pair => pair.Value.Busy!.Turn.IsOfSameTeam(given.Turn));
        foreach (
            var (worker, known) in doing.Where(pair => given.Turn.IsAfter(pair.Value.Busy!.Turn) && given.IsInherited(pair.Value.Busy!))
        )
        {
            // A supervisor that was recovered goes on with what is under way.
            goesOn = true;
            waiting.RemoveAll(given.IsSameWork);
            var part = given.Part(known.Busy!.Turn.Rank);
            workers[worker] = known with { Busy = part };
            Assign(worker, part, offer);
        }

        if (goesOn && Missing(given) is { } missing)
        {
            // The others of its team cannot go on without it.
            Sender.Tell(new WorkLost(missing));
        }

        if (goesOn || doing.Exists(pair => !given.Turn.IsAfter(pair.Value.Busy!.Turn)))
        {
            return;
        }

        var place = waiting.FindIndex(given.IsSameWork);
        if (place < 0)
        {
            Greet(given);
            waiting.Add(given);
            Match();
        }
        else if (given.Turn.IsAfter(waiting[place].Turn))
        {
            waiting[place] = given;
            Match();
        }
        else if (given.Trainers > Trainers())
        {
            // The offer was made before: time enough for others to come.
            Sender.Tell(new TooFewTrainers(given.Turn, Trainers()));
        }

        if (
            offer.Not is not null
            && waiting.Find(given.IsSameWork)?.Turn == given.Turn
            && workers.Where(pair => pair.Value.Register.Skill == SkillFor(offer.Item)).ToList() is { Count: > 0 } able
            && able.All(pair => given.IsBarred(pair.Key))
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
        var key = (given.Turn.RunId, Skill: SkillFor(given.Item));
        if (!had.ContainsKey(key))
        {
            var present = waiting
                .Concat(workers.Values.Select(known => known.Busy).OfType<Given>())
                .Select(one => one.Turn.RunId)
                .ToHashSet();
            had[key] = had
                .Keys.Where(known => known.Skill == key.Skill && present.Contains(known.RunId))
                .Select(known => Had(known.RunId, key.Skill))
                .DefaultIfEmpty()
                .Min();
        }
    }

    /// <summary>Gives every free worker an item that it can do.</summary>
    private void Match()
    {
        MatchTrainers();

        var passed = new HashSet<IActorRef>();
        while (
            workers
                .Where(pair => pair.Value.Busy is null && pair.Value.Register.Skill != Skill.Train && !passed.Contains(pair.Key))
                .OrderBy(pair => pair.Value.Register.Skill)
                .ThenBy(pair => Load(pair.Key))
                .Select(pair => pair.Key)
                .FirstOrDefault()
                is { } worker
        )
        {
            passed.Add(worker);
            var known = workers[worker];
            var skill = known.Register.Skill;
            var fit = waiting
                .Where(one => SkillFor(one.Item) == skill && !one.IsBarred(worker))
                .OrderByDescending(one => one.Offer!.Priority)
                .ThenByDescending(one => skill == Skill.Evaluate && known.Last?.IsOfSameStage(one) == true)
                .ThenBy(one => workers.Values.Count(other => other.Register.Skill == skill && other.Busy?.Turn.RunId == one.Turn.RunId))
                .ThenBy(one => Had(one.Turn.RunId, skill))
                .FirstOrDefault();
            if (fit is { Offer: { } offer })
            {
                waiting.Remove(fit);
                workers[worker] = known with { Busy = fit, Since = Now };
                Assign(worker, fit, offer);
            }
        }
    }

    /// <summary>Gives stages to free trainers, to each as many as it asks for.</summary>
    private void MatchTrainers()
    {
        while (true)
        {
            var free = workers
                .Where(pair => pair.Value is { Busy: null, Register.Skill: Skill.Train })
                .Select(pair => pair.Key)
                .OrderBy(Load)
                .ToList();
            var all = Trainers();
            var fit =
                free.Count == 0
                    ? null
                    : waiting
                        .Where(one => one.Item is TrainStage && one.Trainers <= all && free.Exists(worker => !one.IsBarred(worker)))
                        .OrderByDescending(one => one.Offer!.Priority)
                        .ThenBy(one =>
                            workers.Values.Count(other => other.Register.Skill == Skill.Train && other.Busy?.Turn.RunId == one.Turn.RunId)
                        )
                        .ThenBy(one => Had(one.Turn.RunId, Skill.Train))
                        .FirstOrDefault();
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
            .Select(host => host.OrderBy(Load).ThenBy(PathOf, StringComparer.Ordinal).ToList())
            .OrderByDescending(host => host.Count)
            .ThenBy(host => PathOf(host[0]), StringComparer.Ordinal)
            .ToList();
        return hosts.LastOrDefault(host => host.Count >= count)?.Take(count).ToList() ?? [.. hosts.SelectMany(host => host).Take(count)];
    }

    /// <summary>One of a team that nobody does; null where all are done, and for work of one.</summary>
    private Turn? Missing(Given given)
    {
        var ranks = workers
            .Values.Select(known => known.Busy)
            .OfType<Given>()
            .Where(busy => busy.Turn.IsOfSameTeam(given.Turn))
            .Select(busy => busy.Turn.Rank)
            .ToHashSet();
        return Enumerable
            .Range(0, given.Trainers)
            .Where(rank => given.Trainers > 1 && !ranks.Contains(rank))
            .Select(rank => given.Turn with { Rank = rank })
            .FirstOrDefault();
    }

    /// <summary>How many work on a worker's device.</summary>
    private int Load(IActorRef worker) =>
        workers.Count(pair => pair.Value.Busy is not null && pair.Value.Register.Device == workers[worker].Register.Device);

    private int Trainers() => workers.Values.Count(known => known.Register.Skill == Skill.Train);

    private TimeSpan Had(string runId, Skill skill) =>
        had.GetValueOrDefault((runId, skill))
        + workers
            .Values.Where(known => known.Register.Skill == skill && known.Busy?.Turn.RunId == runId)
            .Aggregate(TimeSpan.Zero, (sum, known) => sum + (Now - known.Since));

    private static DateTimeOffset Now => Context.System.Scheduler.Now;

    private static void Assign(IActorRef worker, Given given, Offer offer) =>
        worker.Tell(new Assignment(given.Turn, offer.RunFolder, offer.Options!, given.Item), given.Supervisor);

    /// <param name="Supervisor">Null where only the worker has told of it, as is <paramref name="Offer"/>.</param>
    private sealed record Given(Turn Turn, WorkItem Item, IActorRef? Supervisor, Offer? Offer)
    {
        public bool IsSameWork(Given other) => Turn.RunId == other.Turn.RunId && Item.IsSameWork(other.Item);

        /// <summary>Trainers that do it together; 1 for other work.</summary>
        public int Trainers => Item is TrainStage { Team: { } team } ? team.Trainers : 1;

        /// <summary>Whether it is also done by the same one of a team.</summary>
        public bool IsSamePart(Given other) => IsSameWork(other) && Turn.Rank == other.Turn.Rank;

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

        /// <summary>Whether it failed at this worker before.</summary>
        public bool IsBarred(IActorRef worker) => Offer?.Not is { } not && not.Contains(PathOf(worker));

        /// <summary>Whether both test the same adapter.</summary>
        public bool IsOfSameStage(Given other) => Turn.RunId == other.Turn.RunId && Stage(Item) == Stage(other.Item);

        private static int Stage(WorkItem item) =>
            item switch
            {
                AnswerShard shard => shard.Stage,
                ScoreCell cell => cell.Stage,
                _ => -1,
            };
    }

    private sealed record Known(Register Register, Given? Busy)
    {
        /// <summary>When the work was given.</summary>
        public DateTimeOffset Since { get; init; }

        /// <summary>What was done before; null at first.</summary>
        public Given? Last { get; init; }
    }
}
