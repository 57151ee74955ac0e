using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace CoIN.Actors.Nodes;

/// <summary>Says in one line each what becomes of the cluster's nodes, and what it lacks.</summary>
internal sealed class ClusterWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly string[] Needed = ["supervisor", "trainer", "evaluator"];

    private readonly Cluster cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter log = Context.GetLogger().WithContext("Part", "cluster");
    private readonly IReadOnlyList<string> seeds;
    private readonly Action up;
    private readonly DateTimeOffset since = DateTimeOffset.UtcNow;
    private bool isUp;
    private string lacking = "";

    /// <param name="seeds">Whom this node asks to join.</param>
    /// <param name="patience">Seconds after which a silent node is given up.</param>
    /// <param name="up">Called once, when this node is in the cluster.</param>
    public ClusterWatch(IReadOnlyList<string> seeds, int patience, Action up)
    {
        (this.seeds, this.up) = (seeds, up);
        Receive<ClusterEvent.MemberUp>(message => Joined(message.Member));
        Receive<ClusterEvent.MemberLeft>(message =>
            Say(message.Member, () => log.Info("{Node} leaves the cluster", NameOf(message.Member.Address)))
        );
        Receive<ClusterEvent.MemberRemoved>(message => Say(message.Member, () =>
            {
                if (message.PreviousStatus == MemberStatus.Down)
                {
                    log.Warning("{Node} is lost: its work goes on elsewhere", NameOf(message.Member.Address));
                }
                else
                {
                    log.Info("{Node} has left the cluster", NameOf(message.Member.Address));
                }
            }));
        Receive<ClusterEvent.UnreachableMember>(message =>
            log.Warning("{Node} does not answer; it is given up if that lasts {Seconds} seconds", NameOf(message.Member.Address), patience)
        );
        Receive<ClusterEvent.ReachableMember>(message => log.Info("{Node} answers again", NameOf(message.Member.Address)));
        Receive<Look>(_ => LookAround());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>A node as people call it.</summary>
    public static string NameOf(Address address) => FormattableString.Invariant($"{address.Host}:{address.Port}");

    /// <summary>Its roles, without those that Akka adds.</summary>
    public static IEnumerable<string> RolesOf(Member member) =>
        member.Roles.Where(role => !role.StartsWith("dc-", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    protected override void PreStart()
    {
        cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.MemberUp),
            typeof(ClusterEvent.MemberLeft),
            typeof(ClusterEvent.MemberRemoved),
            typeof(ClusterEvent.IReachabilityEvent)
        );
        Timers.StartPeriodicTimer("look", Look.Instance, LookEvery, LookEvery);
    }

    protected override void PostStop() => cluster.Unsubscribe(Self);

    private void Joined(Member member)
    {
        if (member.UniqueAddress.Equals(cluster.SelfUniqueAddress))
        {
            isUp = true;
            log.Info("This node {Node} is in the cluster as {Roles}", NameOf(member.Address), string.Join(", ", RolesOf(member)));
            up();
        }
        else
        {
            log.Info("{Node} is in the cluster as {Roles}", NameOf(member.Address), string.Join(", ", RolesOf(member)));
        }
    }

    private void Say(Member member, Action say)
    {
        if (!member.UniqueAddress.Equals(cluster.SelfUniqueAddress))
        {
            say();
        }
    }

    private void LookAround()
    {
        if (!isUp)
        {
            log.Warning(
                "None of {Seeds} has let this node into its cluster for {Seconds:F0} s. Is a node up there, on that port, with a certificate of the same authority?",
                string.Join(", ", seeds),
                (DateTimeOffset.UtcNow - since).TotalSeconds
            );
            return;
        }

        var missing = string.Join(
            ", ",
            Needed.Where(role => !cluster.State.Members.Any(member => member.Status == MemberStatus.Up && member.HasRole(role)))
        );
        if (missing != lacking)
        {
            lacking = missing;
            if (missing.Length > 0)
            {
                log.Warning("The cluster has no {Roles}: runs wait until a node with that role joins", missing);
            }
            else
            {
                log.Info("The cluster has nodes for every role again");
            }
        }
    }

    private sealed class Look
    {
        public static readonly Look Instance = new();
    }
}
