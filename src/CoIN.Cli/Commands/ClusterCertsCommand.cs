using System.CommandLine;
using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Commands;

/// <summary><c>coin cluster certs</c>: a private authority, and a certificate for each host of a cluster.</summary>
internal static class ClusterCertsCommand
{
    private const int Days = 730;

    public static Command Build(Host host) => new("cluster", "Prepare a cluster of several hosts") { Certs(host) };

    private static Command Certs(Host host)
    {
        var folder = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "Where the authority is, or is made, and a folder for each host",
            Required = true,
        };
        var hosts = new Option<string>("--hosts")
        {
            HelpName = "HOST[,…]",
            Description = "Names or addresses under which the nodes reach each other",
            Required = true,
        };
        var days = NumberOption.Whole("--days", "Days for which the hosts' certificates are valid", usual: Days, least: 1);
        var force = new Option<bool>("--force") { Description = "Replace certificates that hosts have" };
        var command = new Command("certs", "Make an authority of your own and certificates for the hosts of a cluster")
        {
            folder,
            hosts,
            days,
            force,
        };
        command.SetAction(parsed =>
        {
            var place = Path.GetFullPath(Path.Combine(host.Folder, parsed.GetValue(folder)!));
            var names = parsed
                .GetValue(hosts)!
                .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Distinct()
                .ToList();
            if (names.Count == 0)
            {
                throw Usage.Fault("--hosts names no host.");
            }

            foreach (
                var made in ClusterCertificates.Issue(place, names, parsed.GetValue(days), parsed.GetValue(force), DateTimeOffset.UtcNow)
            )
            {
                host.Out.WriteLine(made);
            }

            host.Out.WriteLine(
                $"""
                Copy each host's folder to that host alone (scp -pr), and name it there: cluster.certificates = "…", node.cluster = "tls".
                Keep {Path.Combine(place, "authority")} to yourself: whoever has its key can let anybody into the cluster.
                """
            );
            return ExitCodes.Done;
        });
        return command;
    }
}
