using Akka.Actor;
using Akka.Cluster;
using CoIN.Actors.Artifacts;
using static CoIN.Actors.Protocol.NodeProtocol;

namespace CoIN.Actors.Nodes;

/// <summary>Finds out where the other nodes give files.</summary>
internal sealed class FilePeers : ReceiveActor, IWithTimers
{
    /// <summary>Where it is on every node.</summary>
    public const string Name = "files";

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private readonly Cluster cluster = Cluster.Get(Context.System);
    private readonly HashSet<Address> unknown = [];

    /// <param name="port">At which this node gives files.</param>
    public FilePeers(ArtifactPeers peers, int port)
    {
        Receive<ClusterEvent.MemberUp>(message =>
        {
            if (!message.Member.UniqueAddress.Equals(cluster.SelfUniqueAddress))
            {
                unknown.Add(message.Member.Address);
                AskAll();
            }
        });
        Receive<ClusterEvent.MemberRemoved>(message =>
        {
            unknown.Remove(message.Member.Address);
            peers.Remove(ClusterWatch.NameOf(message.Member.Address));
        });
        Receive<WhereAreFiles>(_ => Sender.Tell(new FilesAt(port)));
        Receive<FilesAt>(message =>
        {
            if (unknown.Remove(Sender.Path.Address))
            {
                peers.Add(new ArtifactPeers.Peer(ClusterWatch.NameOf(Sender.Path.Address), Sender.Path.Address.Host!, message.Port));
            }
        });
        Receive<Ask>(_ => AskAll());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.MemberUp),
            typeof(ClusterEvent.MemberRemoved)
        );
        Timers.StartPeriodicTimer("ask", Ask.Instance, Again, Again);
    }

    protected override void PostStop() => cluster.Unsubscribe(Self);

    private void AskAll()
    {
        foreach (var node in unknown)
        {
            Context.ActorSelection(new RootActorPath(node) / "user" / Name).Tell(new WhereAreFiles());
        }
    }

    private sealed class Ask
    {
        public static readonly Ask Instance = new();
    }
}
