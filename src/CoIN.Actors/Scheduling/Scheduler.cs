using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Matches work items with free workers: one for the whole cluster. It decides nothing for good and remembers nothing beyond its life: workers say again and again what they
/// do, supervisors offer again what nobody has begun, and a worker that is given stale work is refused by the supervisor.
/// </summary>
internal class Scheduler : ReceiveActor
{
    private readonly Dictionary<IActorRef, Known> workers = [];
    private readonly List<Given> waiting = [];
    private readonly ILoggingAdapter log = Context.GetLogger();

    public Scheduler()
    {
        Receive<Register>(Registered);
        Receive<Offer>(Offered);
        Receive<Withdraw>(withdraw =>
        {
            waiting.RemoveAll(one => one.Turn.RunId == withdraw.RunId);
            Sender.Tell(new Withdrawn(withdraw.RunId));
        });
        Receive<Terminated>(gone =>
        {
            waiting.RemoveAll(one => gone.ActorRef.Equals(one.Supervisor));
            if (workers.Remove(gone.ActorRef, out var known) && known.Busy is { } lost)
            {
                // What it did may have gone further than the offer says: the supervisor asks its plan again.
                log.Warning("Worker {Worker} is gone in the middle of its work", gone.ActorRef.Path);
                lost.Supervisor?.Tell(new WorkLost(lost.Turn));
            }
        });
    }

    private static Skill SkillFor(WorkItem item) => item switch
    {
        TrainStage => Skill.Train,
        JudgeCell => Skill.Judge,
        _ => Skill.Evaluate,
    };

    private void Registered(Register register)
    {
        if (!workers.TryGetValue(Sender, out var known))
        {
            log.Info("Worker {Worker} can {Skill} on {Device}", Sender.Path, register.Skill, register.Device);
            Context.Watch(Sender);
        }

        var given = known?.Busy;
        if (register.Turn is { } turn)
        {
            workers[Sender] = new Known(register, given?.Turn == turn ? given : new Given(turn, register.Item!, null, null));
            return;
        }

        if (given?.Offer is { } offer && register.Last != given.Turn)
        {
            // On its way to the worker, or lost on it.
            workers[Sender] = new Known(register, given);
            Assign(Sender, given, offer);
            return;
        }

        workers[Sender] = new Known(register, null);
        Match();
    }

    private void Offered(Offer offer)
    {
        var given = new Given(offer.Turn, offer.Item, Sender, offer);
        Context.Watch(Sender);
        var (worker, known) = workers.FirstOrDefault(pair => pair.Value.Busy is { } busy && busy.IsSameWork(given));
        if (known?.Busy is { } now)
        {
            if (given.Turn.IsAfter(now.Turn))
            {
                // A supervisor that was recovered goes on with what is under way.
                waiting.RemoveAll(given.IsSameWork);
                workers[worker] = known with { Busy = given };
                Assign(worker, given, offer);
            }

            return;
        }

        var place = waiting.FindIndex(given.IsSameWork);
        if (place < 0)
        {
            waiting.Add(given);
            Match();
        }
        else if (given.Turn.IsAfter(waiting[place].Turn))
        {
            waiting[place] = given;
        }
    }

    /// <summary>Gives every free worker the first item that it can do, of the run that has least in work.</summary>
    private void Match()
    {
        foreach (var (worker, known) in workers.Where(pair => pair.Value.Busy is null).ToList())
        {
            var fit = waiting.Where(one => SkillFor(one.Item) == known.Register.Skill)
                .OrderBy(one => workers.Values.Count(other => other.Busy?.Turn.RunId == one.Turn.RunId))
                .FirstOrDefault();
            if (fit is { Offer: { } offer })
            {
                waiting.Remove(fit);
                workers[worker] = known with { Busy = fit };
                Assign(worker, fit, offer);
            }
        }
    }

    private static void Assign(IActorRef worker, Given given, Offer offer) =>
        worker.Tell(new Assignment(offer.Turn, offer.RunFolder, offer.Options, offer.Item), given.Supervisor);

    /// <param name="Supervisor">Null where only the worker has told of it, as is <paramref name="Offer"/>.</param>
    private sealed record Given(Turn Turn, WorkItem Item, IActorRef? Supervisor, Offer? Offer)
    {
        public bool IsSameWork(Given other) => Turn.RunId == other.Turn.RunId && Item.IsSameWork(other.Item);
    }

    private sealed record Known(Register Register, Given? Busy);
}
