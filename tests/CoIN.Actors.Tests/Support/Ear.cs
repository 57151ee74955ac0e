using Akka.Actor;

namespace CoIN.Actors.Tests.Support;

/// <summary>Somebody who keeps what he is told, without an actor system.</summary>
internal sealed class Ear(string name, string? host = null) : MinimalActorRef
{
    private readonly List<object> told = [];

    public override ActorPath Path { get; } =
        new RootActorPath(host is null ? new Address("akka", "coin") : new Address("akka.tcp", "coin", host, 1)) / "user" / name;

    public override IActorRefProvider Provider => throw new NotSupportedException();

    /// <summary>What was told since this was asked last.</summary>
    public IReadOnlyList<object> Told()
    {
        object[] all = [.. told];
        told.Clear();
        return all;
    }

    protected override void TellInternal(object message, IActorRef sender) => told.Add(message);
}
