using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Work;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Work.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Matches work items with free workers: one for the whole cluster. It remembers nothing beyond its life; workers register and supervisors offer again and again, so that a
/// new one knows everything within seconds.
/// </summary>
internal sealed class Scheduler : ReceiveActor
{
    private readonly Dictionary<IActorRef, Known> workers = [];
    private readonly List<(IActorRef Supervisor, Offer Offer)> waiting = [];

    // An offer may be repeated while the result of its work is on its way to the supervisor.
    private readonly HashSet<(string RunId, WorkItem Item)> done = [];
    private readonly ILoggingAdapter log = Context.GetLogger();

    public Scheduler()
    {
        Receive<Register>(register =>
        {
            if (workers.TryAdd(Sender, new Known(register, null)))
            {
                log.Info("Worker {Worker} can {Skill} on {Device}", Sender.Path, register.Skill, register.Device);
                Context.Watch(Sender);
                Match();
            }

            Sender.Tell(new Registered());
        });
        Receive<Offer>(offer =>
        {
            if (!IsKnown(offer))
            {
                waiting.Add((Sender, offer));
                Match();
            }
        });
        Receive<Free>(free =>
        {
            if (workers.TryGetValue(Sender, out var known) && known.Busy is { } finished)
            {
                if (free.Failed != true)
                {
                    done.Add((finished.Offer.RunId, finished.Offer.Item));
                }

                workers[Sender] = known with { Busy = null };
                Match();
            }
        });
        Receive<Withdraw>(Withdrawn);
        Receive<Terminated>(gone =>
        {
            if (workers.Remove(gone.ActorRef, out var known) && known.Busy is { } lost)
            {
                log.Warning("Worker {Worker} is gone; its work is offered again", gone.ActorRef.Path);
                waiting.Insert(0, lost);
                Match();
            }
        });
    }

    private static Skill SkillFor(WorkItem item) => item switch
    {
        TrainStage => Skill.Train,
        JudgeCell => Skill.Judge,
        _ => Skill.Evaluate,
    };

    private bool IsKnown(Offer offer) =>
        done.Contains((offer.RunId, offer.Item)) ||
        waiting.Any(one => one.Offer.RunId == offer.RunId && one.Offer.Item == offer.Item) ||
        workers.Values.Any(one => one.Busy is { } busy && busy.Offer.RunId == offer.RunId && busy.Offer.Item == offer.Item);

    private void Withdrawn(Withdraw withdraw)
    {
        foreach (var (supervisor, offer) in waiting.Where(one => one.Offer.RunId == withdraw.RunId))
        {
            supervisor.Tell(new WorkStopped(offer.Item));
        }

        waiting.RemoveAll(one => one.Offer.RunId == withdraw.RunId);
        done.RemoveWhere(one => one.RunId == withdraw.RunId);
        foreach (var (worker, known) in workers)
        {
            if (known.Busy?.Offer.RunId == withdraw.RunId)
            {
                worker.Tell(new StopWork(withdraw.RunId));
            }
        }
    }

    /// <summary>Gives every free worker the first item that it can do, of the run that has least in work.</summary>
    private void Match()
    {
        foreach (var (worker, known) in workers.Where(pair => pair.Value.Busy is null).ToList())
        {
            var fit = waiting.Where(one => SkillFor(one.Offer.Item) == known.Register.Skill)
                .OrderBy(one => workers.Values.Count(other => other.Busy?.Offer.RunId == one.Offer.RunId))
                .FirstOrDefault();
            if (fit.Offer is { } offer)
            {
                waiting.Remove(fit);
                workers[worker] = known with { Busy = fit };
                worker.Tell(new Assignment(offer.RunId, offer.RunFolder, offer.Options, offer.Item), fit.Supervisor);
            }
        }
    }

    private sealed record Known(Register Register, (IActorRef Supervisor, Offer Offer)? Busy);
}
