using CoIN.Actors.Hosting;

namespace CoIN.Configuration;

/// <summary>Turns the keys of <c>coin.node</c> that concern the cluster into a placement, and notes what does not fit together.</summary>
internal static class PlacementBinder
{
    private const string Localhost = "localhost";

    private static readonly Dictionary<string, Mode> Modes = new()
    {
        ["off"] = Mode.Off,
        ["tls"] = Mode.Tls,
        ["clear-text"] = Mode.ClearText,
    };

    /// <summary>Full names of the keys that are paths.</summary>
    public static IEnumerable<string> Paths => ["coin.node.certificate.path", "coin.node.certificate.authority"];

    private enum Mode
    {
        Off,
        Tls,
        ClearText,
    }

    /// <param name="certificates">As <see cref="ClusterSettings.Certificates"/>.</param>
    public static NodePlacement Placement(Section node, string? certificates)
    {
        var mode = node.OneOf("cluster", Modes);
        var cluster = new NodePlacement.Cluster(node.Text("hostname", Localhost), node.Int("port"), node.List("seed-nodes"), null);
        cluster = cluster with
        {
            Certificate = Certificate(
                node.Child("certificate"),
                mode == Mode.Tls,
                certificates is null ? null : NodeCertificate.In(certificates, cluster.Hostname)
            ),
        };
        node.Require(cluster.Port is >= 0 and <= 65535, "port", cluster.Port, "between 0 and 65535");
        foreach (var seed in cluster.SeedNodes.Where(seed => HostOf(seed) is null))
        {
            node.Require(false, "seed-nodes", $"'{seed}'", "host:port");
        }

        switch (mode)
        {
            case Mode.Off:
                const string Remedy = "To make this process part of a cluster, set node.cluster to tls.";
                node.Require(
                    cluster.Hostname == Localhost,
                    "hostname",
                    $"'{cluster.Hostname}'",
                    $"{Localhost} while node.cluster is off",
                    Remedy
                );
                node.Require(cluster.Port == 0, "port", cluster.Port, "0 while node.cluster is off", Remedy);
                node.Require(
                    cluster.SeedNodes.Count == 0,
                    "seed-nodes",
                    string.Join(", ", cluster.SeedNodes),
                    "empty while node.cluster is off",
                    Remedy
                );
                return new NodePlacement.Alone();
            case Mode.ClearText:
                const string Why = "Clear text never leaves the computer: set node.cluster to tls and name the certificates.";
                node.Require(
                    IsLoopback(cluster.Hostname),
                    "hostname",
                    $"'{cluster.Hostname}'",
                    "a loopback address while node.cluster is clear-text",
                    Why
                );
                foreach (var seed in cluster.SeedNodes.Where(seed => HostOf(seed) is { } host && !IsLoopback(host)))
                {
                    node.Require(false, "seed-nodes", $"'{seed}'", "on a loopback address while node.cluster is clear-text", Why);
                }

                return cluster with
                {
                    Certificate = null,
                };
            default:
                return cluster;
        }
    }

    private static NodeCertificate? Certificate(Section section, bool needed, NodeCertificate? usual)
    {
        var (path, variable, authority) = (
            section.OptionalPath("path"),
            section.OptionalVariable("password-env"),
            section.OptionalPath("authority")
        );
        section.NoOtherKeys();
        if (needed && path is null && authority is null && usual is not null)
        {
            return usual;
        }

        if (needed)
        {
            path ??= section.RequiredPath("path", "/etc/coin/node.pfx");
            authority ??= section.RequiredPath("authority", "/etc/coin/ca.pem");
        }

        return needed && path is { Length: > 0 } && authority is { Length: > 0 } ? new NodeCertificate(path, variable, authority) : null;
    }

    /// <summary>The host of <c>host:port</c>, or null.</summary>
    private static string? HostOf(string text) => NodePlacement.IsEndpoint(text) ? text[..text.LastIndexOf(':')] : null;

    private static bool IsLoopback(string host) => NodePlacement.IsLoopback(host);
}
