using System.Globalization;
using System.Net;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>Where a process stands: alone, without any socket, or as a node of a cluster.</summary>
public abstract record NodePlacement
{
    private NodePlacement() { }

    /// <summary>Whether a text is <c>host:port</c>.</summary>
    public static bool IsEndpoint(string text) =>
        text.LastIndexOf(':') is > 0 and var at
        && int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
        && port is >= 1 and <= 65535;

    /// <summary>Whether a host is this computer, out of the reach of all others.</summary>
    public static bool IsLoopback(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    /// <summary>The process works alone: nobody can connect to it, and it loads nothing that could listen.</summary>
    public sealed record Alone : NodePlacement;

    /// <summary>The process is a node of a cluster.</summary>
    /// <param name="Hostname">The name under which other nodes reach this one, and to which it binds.</param>
    /// <param name="Port">TCP port; 0 for any free one.</param>
    /// <param name="SeedNodes">
    /// Addresses <c>host:port</c> of the nodes that a new one asks to join; empty for one that founds a cluster.
    /// </param>
    /// <param name="Certificate">
    /// What it shows to other nodes and what it asks of them; null for clear text, which stays on loopback.
    /// </param>
    public sealed record Cluster(string Hostname, int Port, IReadOnlyList<string> SeedNodes, NodeCertificate? Certificate) : NodePlacement
    {
        /// <summary>What has to be said every time; null where nothing has.</summary>
        public string? Warning =>
            Certificate is not null
                ? null
                : $"The cluster port of {Hostname} speaks clear text: every user of this computer can steer its runs. Use node.cluster = \"tls\" but for trials.";
    }
}

/// <summary>A node's certificate and whom it trusts.</summary>
/// <param name="Path">PFX (.pfx, .p12), or PEM with certificate and key.</param>
/// <param name="PasswordVariable">Environment variable that holds the password of that file; null for a file without one.</param>
/// <param name="Authority">PEM of the certificate authority whose certificates other nodes must show.</param>
public sealed record NodeCertificate(string Path, string? PasswordVariable, string Authority)
{
    /// <summary>
    /// A host's certificate in a folder that <see cref="ClusterCertificates"/> made: that host's own folder, or the one with the folders of
    /// all.
    /// </summary>
    public static NodeCertificate In(string folder, string host)
    {
        var place = System.IO.Path.Combine(folder, host);
        place = File.Exists(System.IO.Path.Combine(folder, ClusterCertificates.NodeFile)) || !Directory.Exists(place) ? folder : place;
        return new NodeCertificate(
            System.IO.Path.Combine(place, ClusterCertificates.NodeFile),
            null,
            System.IO.Path.Combine(place, ClusterCertificates.AuthorityFile)
        );
    }

    /// <summary>Opens the files once, so that what is wrong with them is told before anything starts.</summary>
    /// <exception cref="CoinException">One cannot be read, or other nodes would refuse the certificate.</exception>
    public void Check() => NodeIdentity.Open(this).Dispose();

    /// <summary>As the other, and whether the certificate is for the name under which other nodes call this one.</summary>
    /// <exception cref="CoinException">As the other, or it is for another host.</exception>
    public void Check(string host)
    {
        using var identity = NodeIdentity.Open(this);
        if (!identity.Own.MatchesHostname(host, allowCommonName: false))
        {
            throw new CoinException(
                $"{Path} is not for {host}, which coin.node.hostname calls this node: other nodes would not speak to it. Give the name that the certificate has, or make one: "
                    + $"./run.sh cluster certs --out DIR --hosts {host}"
            );
        }
    }
}
