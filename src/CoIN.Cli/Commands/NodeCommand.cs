using System.CommandLine;
using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin node</c>: makes this host a node of a cluster, and serves runs until it is told to stop.</summary>
internal static class NodeCommand
{
    public static Command Build(Host host, Option<string?> runs)
    {
        var files = CommandTree.FilesArgument();
        var set = CommandTree.SetOption();
        var join = new Option<string?>("--join")
        {
            HelpName = "HOST:PORT[,…]",
            Description = "Nodes of the cluster to join, the same on every node; none to begin a cluster",
        };
        var roles = new Option<string?>("--roles")
        {
            HelpName = "ROLE[,…]",
            Description = "What this node does: supervisor, trainer, evaluator, judge; all by default",
        };
        var gpus = new Option<string?>("--gpus") { HelpName = "N[,…]", Description = "GPUs to use; all of this host by default" };
        var cpus = new Option<int?>("--cpus") { HelpName = "N", Description = "N trainers and evaluators on the CPU in the place of GPUs" };
        var name = new Option<string?>("--host")
        {
            HelpName = "NAME",
            Description = "Name or address under which the other nodes reach this one",
        };
        var port = new Option<int?>("--port") { HelpName = "N", Description = "TCP port; 0 for any free one" };
        var command = new Command("node", "Make this host a node of a cluster, until it is stopped")
        {
            files,
            set,
            join,
            roles,
            gpus,
            cpus,
            name,
            port,
        };
        command.SetAction(
            (parsed, _) =>
            {
                if (parsed.GetValue(gpus) is not null && parsed.GetValue(cpus) is not null)
                {
                    throw Usage.Fault("--gpus and --cpus exclude each other: name the devices of this node with one of them.");
                }

                var keys = new List<string>(parsed.GetValue(set) ?? []);
                void Set(string key, string? value)
                {
                    if (value is not null)
                    {
                        keys.Add($"node.{key}={value}");
                    }
                }

                Set("seed-nodes", List(parsed.GetValue(join), one => $"\"{one}\""));
                Set("roles", List(parsed.GetValue(roles), one => one));
                Set("devices", List(parsed.GetValue(gpus), one => $"\"cuda:{one}\""));
                Set("hostname", parsed.GetValue(name));
                Set("port", Number(parsed.GetValue(port)));
                if (parsed.GetValue(cpus) is { } count)
                {
                    Set("devices", "[cpu]");
                    Set("trainers-per-device", Number(count));
                    Set("evaluators-per-device", Number(count));
                }

                return ExecuteAsync(
                    host,
                    parsed.GetValue(files) ?? [],
                    keys,
                    devicesNamed: parsed.GetValue(gpus) is not null || parsed.GetValue(cpus) is not null,
                    parsed.GetValue(runs)
                );
            }
        );
        return command;
    }

    private static async Task<int> ExecuteAsync(Host host, string[] files, IReadOnlyList<string> overrides, bool devicesNamed, string? runs)
    {
        var node = ConfigurationLoader.LoadCluster(files, overrides, host.Folder);
        if (!devicesNamed && host.GraphicsProcessors() is { Count: > 0 } cards && node.Devices is ["cpu"])
        {
            node = node with { Devices = [.. cards.Select(card => FormattableString.Invariant($"cuda:{card.Index}"))] };
        }

        var folder = RunFolders.Resolve(runs, node.Runs, host.Variable, host.Folder).Folder;
        var placement = node.Placement as NodePlacement.Cluster;
        var name = placement?.Hostname ?? "localhost";
        var file = Path.Combine(folder, LogReader.NodeLogs, FormattableString.Invariant($"{name}-{placement?.Port ?? 0}.clef"));
        using var log = RunLog.OfNode(file, name, string.Join(',', node.Roles), node.LogLevel, TextWriter.Synchronized(host.Out));
        using var signals = host.Signals(_ => { });
        try
        {
            await using var telemetry = await RunDriver.TelemetryAsync(host, node, log).ConfigureAwait(false);
            await host.Cluster.RunNodeAsync(new NodeRequest(node, folder), log.Factory, () => { }, signals.Stop).ConfigureAwait(false);
            return ExitCodes.Done;
        }
        catch (Exception fault)
        {
            log.Fatal(fault);
            return Faults.Tell(host, fault, file);
        }
    }

    private static string? List(string? text, Func<string, string> item) =>
        text is null
            ? null
            : $"[{string.Join(", ", text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(item))}]";

    private static string? Number(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
