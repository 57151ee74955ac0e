using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using static CoIN.Actors.Protocol.NodeProtocol;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Has each node make sure that it goes together with the oldest: program, journal, clock, and one folder of runs, which each proves by a
/// file that the other must see (or, where each is to have its own, must not see). One that does not goes, and both say why. What all have
/// in common with the oldest, they have in common with each other.
/// </summary>
internal sealed class Introductions : ReceiveActor, IWithTimers
{
    /// <summary>Where it is on every node.</summary>
    public const string Name = "introductions";

    private const string Folder = ".nodes";

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>For the other one to go by itself.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    /// <summary>For the others to find out too, so that their logs tell it.</summary>
    public static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);

    // A network file system may show a new file only after a while.
    private const int Looks = 15;

    private readonly Cluster cluster = Cluster.Get(Context.System);
    private readonly ILoggingAdapter log = Context.GetLogger().WithContext("Part", "cluster");
    private readonly HashSet<Address> unknown = [];
    private readonly Dictionary<Address, int> looks = [];
    private readonly HashSet<Address> refused = [];
    private readonly string program;
    private readonly string journal;
    private readonly string runs;
    private readonly bool shared;
    private readonly TimeProvider clock;
    private readonly Action<CoinException> goes;
    private readonly string proof = $"{Guid.NewGuid():N}.seen";
    private readonly string proofText = RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <param name="journal">Identity of the journal's database.</param>
    /// <param name="runs">Absolute path of the folder of runs.</param>
    /// <param name="shared">Whether it is to be the same one on all nodes; otherwise each is to have its own.</param>
    /// <param name="goes">Told when this node has to go: it should leave the cluster after <see cref="Farewell"/>.</param>
    public Introductions(string program, string journal, string runs, bool shared, TimeProvider clock, Action<CoinException> goes)
    {
        (this.program, this.journal, this.runs, this.shared, this.clock, this.goes) = (program, journal, runs, shared, clock, goes);
        Receive<ClusterEvent.MemberUp>(message => Came(message.Member));
        Receive<ClusterEvent.MemberRemoved>(message => Gone(message.Member.Address));
        Receive<Introduce>(message =>
        {
            Sender.Tell(new Introduced(Facts()));
            Look(Sender.Path.Address, message.Facts);
        });
        Receive<Introduced>(message => Look(Sender.Path.Address, message.Facts));
        Receive<Ask>(_ => AskAll());
        Receive<Insist>(message => cluster.Down(message.Node));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        var folder = Path.Combine(runs, Folder);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, proof), proofText);
        cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.MemberUp),
            typeof(ClusterEvent.MemberRemoved)
        );
        Timers.StartPeriodicTimer("ask", Ask.Instance, TimeSpan.Zero, Again);
    }

    protected override void PostStop()
    {
        cluster.Unsubscribe(Self);
        try
        {
            File.Delete(Path.Combine(runs, Folder, proof));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is a few bytes that nobody reads.
            log.Debug("{Proof} stays: {Reason}", proof, e.Message);
        }
    }

    private NodeFacts Facts() =>
        new(program, journal, clock.GetUtcNow().ToUnixTimeMilliseconds(), proof, proofText) { SharedFolder = shared };

    private void Came(Member member)
    {
        if (!member.UniqueAddress.Equals(cluster.SelfUniqueAddress))
        {
            unknown.Add(member.Address);
            looks.Remove(member.Address);
            AskAll();
        }
    }

    private void Gone(Address node)
    {
        unknown.Remove(node);
        looks.Remove(node);
        refused.Remove(node);
        Timers.Cancel(node);
    }

    private void AskAll()
    {
        // Also those that are refused: they are to find out themselves.
        foreach (var node in unknown.Where(Concerns))
        {
            Context.ActorSelection(new RootActorPath(node) / "user" / Name).Tell(new Introduce(Facts()));
        }
    }

    private bool IsOldest(Address node) =>
        cluster
            .State.Members.Where(member => member.Status is MemberStatus.Up or MemberStatus.Leaving)
            .Aggregate((Member?)null, (oldest, member) => oldest is null || member.IsOlderThan(oldest) ? member : oldest)
            ?.Address.Equals(node)
        ?? false;

    /// <summary>Should the oldest leave, the next one is compared with.</summary>
    private bool Concerns(Address node) => IsOldest(node) || IsOldest(cluster.SelfAddress);

    private void Look(Address node, NodeFacts facts)
    {
        if (refused.Contains(node) || !unknown.Contains(node) || !Concerns(node))
        {
            return;
        }

        var seen = Sees(facts);
        var mismatch = NodeMismatch.Between(Facts(), facts, seen, runs, clock.GetUtcNow());
        if (mismatch is null)
        {
            unknown.Remove(node);
            return;
        }

        // What is wrong stays wrong, but for a file that is just being written and a message that was long on its way.
        looks[node] = looks.GetValueOrDefault(node) + 1;
        if (looks[node] < (seen ? 3 : Looks))
        {
            return;
        }

        refused.Add(node);
        var name = FormattableString.Invariant($"{node.Host}:{node.Port}");
        if (IsOldest(cluster.SelfAddress))
        {
            log.Warning("{Mismatch}", mismatch.Told(name));
            Timers.StartSingleTimer(node, new Insist(node), Grace);
        }
        else
        {
            var fault = mismatch.Fault(name);
            log.Error("{Mismatch}", fault.Message);
            goes(fault);
        }
    }

    private bool Sees(NodeFacts facts)
    {
        try
        {
            return facts.Proof.Length > 0
                && facts.Proof == Path.GetFileName(facts.Proof)
                && InnerPath.Of(runs, $"{Folder}/{facts.Proof}") is var path
                && File.Exists(path)
                && File.ReadAllText(path) == facts.ProofText;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CoinException)
        {
            return false;
        }
    }

    private sealed record Insist(Address Node);

    private sealed class Ask
    {
        public static readonly Ask Instance = new();
    }
}
