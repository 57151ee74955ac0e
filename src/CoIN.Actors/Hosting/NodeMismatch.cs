using CoIN.Benchmark;
using static CoIN.Actors.Protocol.NodeProtocol;

namespace CoIN.Actors.Hosting;

/// <summary>In what two nodes do not go together.</summary>
/// <param name="What">What is not the same, as the subject of a sentence.</param>
/// <param name="Here">How it is with this node.</param>
/// <param name="There">How it is with the other.</param>
/// <param name="Remedy">A sentence.</param>
internal sealed record NodeMismatch(string What, string Here, string There, string Remedy)
{
    /// <summary>Clocks that differ by more make times in journals, logs and leases wrong.</summary>
    public static readonly TimeSpan ClocksApart = TimeSpan.FromMinutes(1);

    /// <param name="seesProof">Whether the file that the other one wrote is in this node's folder of runs.</param>
    /// <param name="runs">That folder.</param>
    /// <param name="now">This node's clock when the other one's message came.</param>
    /// <returns>Null where they go together.</returns>
    public static NodeMismatch? Between(NodeFacts own, NodeFacts other, bool seesProof, string runs, DateTimeOffset now)
    {
        if (own.Program != other.Program)
        {
            return new NodeMismatch("the program's version", own.Program, other.Program, "Install the same build on all hosts.");
        }

        if (own.Journal != other.Journal)
        {
            return new NodeMismatch("the journal's database", own.Journal, other.Journal, "Give all nodes the same coin.cluster.journal.");
        }

        var apart = DateTimeOffset.FromUnixTimeMilliseconds(other.UnixMilliseconds) - now;
        return apart.Duration() > ClocksApart
                ? new NodeMismatch(
                    "the clock",
                    $"{now.UtcDateTime:HH:mm:ss}",
                    FormattableString.Invariant(
                        $"{(now + apart).UtcDateTime:HH:mm:ss} ({apart.Duration().TotalSeconds:F0} s {(apart > TimeSpan.Zero ? "ahead" : "behind")})"
                    ),
                    "Set the clocks by NTP (timedatectl set-ntp true)."
                )
            : own.SharedFolder != other.SharedFolder
                ? new NodeMismatch(
                    "coin.cluster.shared-folder",
                    Words(own.SharedFolder),
                    Words(other.SharedFolder),
                    "Give all nodes the same value."
                )
            : seesProof == own.SharedFolder ? null
            : own.SharedFolder
                ? new NodeMismatch(
                    "the folder of the runs",
                    runs,
                    $"another folder ({other.Proof} is not seen here)",
                    "Mount one folder on all hosts, and name it with --runs or coin.node.runs; or set coin.cluster.shared-folder = false on all, and nodes fetch from each other what they lack."
                )
            : new NodeMismatch(
                "the folder of the runs",
                runs,
                "the same folder, though coin.cluster.shared-folder is false",
                "Set it true on all nodes, or give each node a folder of its own with --runs or coin.node.runs."
            );
    }

    private static string Words(bool value) => value ? "true" : "false";

    /// <summary>For the log of the node that stays.</summary>
    public string Told(string node) => $"{node} is not taken into this cluster: {What} is {Here} here and {There} there. {Remedy}";

    /// <summary>For the node that goes.</summary>
    public CoinException Fault(string node) =>
        new($"This node does not go with {node}: {What} is {Here} here and {There} there. {Remedy}") { IsFinal = true };
}
