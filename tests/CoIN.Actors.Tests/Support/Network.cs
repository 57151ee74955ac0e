using Akka.Actor;
using CoIN.Actors.Scheduling;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Support;

/// <summary>
/// Holds the messages between scheduler, supervisor and workers until one of them is let through: in any order, more than once, or not at
/// all.
/// </summary>
internal sealed class Network(Random random)
{
    private readonly List<(IActorRef To, object Message, IActorRef From)> underWay = [];

    /// <summary>What an actor gets of a message that reaches it: nothing yet while it is under way.</summary>
    public object? Arrives(IActorRef to, object message, IActorRef from)
    {
        if (message is not IMessage)
        {
            return message is LetThrough { Message: var inner } ? inner : message;
        }

        lock (underWay)
        {
            underWay.Add((to, message, from));
        }

        return null;
    }

    /// <param name="rough">Whether messages may be lost or come twice.</param>
    /// <returns>Whether there was one.</returns>
    public bool LetOneThrough(bool rough)
    {
        (IActorRef To, object Message, IActorRef From) one;
        lock (underWay)
        {
            if (underWay.Count == 0)
            {
                return false;
            }

            var place = random.Next(underWay.Count);
            var fate = rough ? random.Next(100) : 99;
            one = underWay[place];
            if (fate >= 15)
            {
                underWay.RemoveAt(place);
            }

            if (fate is >= 15 and < 20)
            {
                return true;
            }
        }

        one.To.Tell(new LetThrough(one.Message), one.From);
        return true;
    }

    private sealed record LetThrough(object Message);
}

internal sealed class NetworkedScheduler(Network network) : Scheduler
{
    protected override bool AroundReceive(Receive receive, object message) =>
        network.Arrives(Self, message, Sender) is not { } arrived || base.AroundReceive(receive, arrived);
}

internal sealed class NetworkedSupervisor(Network network, SupervisorSettings settings) : RunSupervisor(settings)
{
    protected override bool AroundReceive(Receive receive, object message) =>
        network.Arrives(Self, message, Sender) is not { } arrived || base.AroundReceive(receive, arrived);
}

internal sealed class NetworkedWorker(Network network, IActorRef scheduler, Skill skill, Doings doings)
    : SimulatedWorker(scheduler, skill, doings)
{
    protected override bool AroundReceive(Receive receive, object message) =>
        network.Arrives(Self, message, Sender) is not { } arrived || base.AroundReceive(receive, arrived);
}

/// <summary>Stands for a scheduler that may move.</summary>
internal sealed class SchedulerProxy : ReceiveActor
{
    private IActorRef current = ActorRefs.Nobody;

    public SchedulerProxy()
    {
        Receive<IActorRef>(moved => current = moved);
        ReceiveAny(message => current.Tell(message, Sender));
    }
}
