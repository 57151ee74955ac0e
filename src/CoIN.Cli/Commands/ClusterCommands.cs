using System.CommandLine;
using CoIN.Actors.Hosting;
using CoIN.Actors.Nodes;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Logging;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Newtonsoft.Json.Linq;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary><c>coin run|resume|status|stop … --cluster</c>: commands that speak with the runs of a cluster.</summary>
internal static class ClusterCommands
{
    private const int ListedRuns = 30;

    public static Option<string?> ClusterOption() =>
        new("--cluster") { HelpName = "HOST:PORT[,…]", Description = "Nodes of a running cluster that has the run or experiment" };

    public static Option<string[]> WithOption() =>
        new("--with")
        {
            HelpName = "FILE",
            Description = "Configuration with the cluster's certificates (node.…); may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };

    public static Command Stop(Host host)
    {
        var run = new Argument<string>("run") { Description = "The id of a run or an experiment, or the beginning of it" };
        var (cluster, recipes, set) = (ClusterOption(), WithOption(), CommandTree.SetOption());
        cluster.Required = true;
        var command = new Command(
            "stop",
            "Stop a run, or all of an experiment, of a cluster at the next resumable point; on this computer Ctrl-C does"
        )
        {
            run,
            cluster,
            recipes,
            set,
        };
        command.SetAction(
            (parsed, _) =>
                StopAsync(
                    host,
                    parsed.GetValue(run)!,
                    new Way(parsed.GetValue(cluster)!, parsed.GetValue(recipes) ?? [], parsed.GetValue(set) ?? [])
                )
        );
        return command;
    }

    /// <summary>
    /// Gives a new run, or those of an experiment, to a cluster and looks on until it has ended, or somebody has seen enough.
    /// </summary>
    public static async Task<int> SubmitAsync(Host host, string[] files, string[] overrides, string? runId, string contacts)
    {
        if (files.Length == 0)
        {
            throw Usage.Fault("Name a configuration file, for example: ./run.sh run hocon/mini.hocon --cluster gpu-1:5300");
        }

        var all = ConfigurationLoader.LoadExperiment(files, overrides, host.Folder, Preparations.CheckOfOthers(host), elsewhere: true);
        foreach (var run in all.Runs)
        {
            await Preparations.MakeAsync(host, run).ConfigureAwait(false);
            var problems = new Problems();
            _ = FileRules.CheckThere(run, problems, prepared: true);
            problems.ThrowIfAny("The experiment's files");
        }

        var loaded = all.Runs[0];
        if (all.Experiment is not null)
        {
            var record = ClusterExperiment.RecordOf(all, runId, host.Clock.GetLocalNow());
            return await SpeakAsync(host, loaded.Node, contacts, cluster =>
                    ClusterExperiment.SubmitAsync(host, cluster, all, record, contacts)
                )
                .ConfigureAwait(false);
        }

        var id = runId is null
            ? RunFolders.NewId(loaded.Options.Name, loaded.Options.Seed, host.Clock.GetLocalNow())
            : RunFolders.CheckedId(runId);
        return await SpeakAsync(host, loaded.Node, contacts, async cluster =>
            {
                using var signals = host.Signals(_ => { });
                var run = await cluster
                    .SubmitAsync(id, loaded.Options, loaded.EffectiveText, null, host.Error.WriteLine, signals.Stop)
                    .ConfigureAwait(false);
                host.Out.WriteLine(
                    $"Run {id} is in the cluster, driven by {run.Node}, with its files in {run.RunFolder}. It goes on when this command ends."
                );
                return await FollowAsync(host, cluster, id, contacts, signals.Stop).ConfigureAwait(false);
            })
            .ConfigureAwait(false);
    }

    public static Task<int> ResumeAsync(Host host, string? run, bool redo, Way way) =>
        SpeakAsync(host, way.Node(host), way.Contacts, async cluster =>
        {
            using var signals = host.Signals(_ => { });
            var (id, experiment) = await FindAsync(cluster, run, signals.Stop).ConfigureAwait(false);
            if (experiment is not null)
            {
                return await ClusterExperiment.ResumeAsync(host, cluster, experiment, redo, way.Contacts).ConfigureAwait(false);
            }

            var accepted = await cluster.ResumeAsync(id, redo, host.Error.WriteLine, signals.Stop).ConfigureAwait(false);
            host.Out.WriteLine(
                $"Run {id} is driven by {accepted.Node}, with its files in {accepted.RunFolder}. It goes on when this command ends."
            );
            return await FollowAsync(host, cluster, id, way.Contacts, signals.Stop).ConfigureAwait(false);
        });

    public static Task<int> StopAsync(Host host, string run, Way way) => SpeakAsync(host, way.Node(host), way.Contacts, async cluster =>
        {
            var (id, experiment) = await FindAsync(cluster, run, CancellationToken.None).ConfigureAwait(false);
            if (experiment is not null)
            {
                return await ClusterExperiment.StopAsync(host, cluster, experiment, way.Contacts).ConfigureAwait(false);
            }

            var last = await cluster.StopAsync(id, CancellationToken.None).ConfigureAwait(false);
            var goesOn = last.Snapshot is { Status: RunStatus.Running or RunStatus.Starting };
            host.Out.WriteLine(
                goesOn
                    ? $"Run {id} stops at its next resumable point. Go on with: ./run.sh resume {id} --cluster {way.Contacts}"
                    : $"Run {id} is not under way{(last.Snapshot is { } snapshot ? $": {Words.Of(snapshot.Status)}" : "")}."
            );
            return ExitCodes.Done;
        });

    public static Task<int> StatusAsync(Host host, string? run, bool json, Way way) =>
        SpeakAsync(host, way.Node(host), way.Contacts, async cluster =>
        {
            if (run is null)
            {
                return await ListAsync(host, cluster, json).ConfigureAwait(false);
            }

            var (id, experiment) = await FindAsync(cluster, run, CancellationToken.None).ConfigureAwait(false);
            if (experiment is not null)
            {
                return await ClusterExperiment.StatusAsync(host, cluster, experiment, json, way.Contacts).ConfigureAwait(false);
            }

            var seen = await cluster.LookAsync(id, CancellationToken.None).ConfigureAwait(false);
            if (json)
            {
                host.Out.WriteLine(StatusJson.Text(StatusJson.Of(id, seen.RunFolder, seen.Snapshot, IsDriven(seen.Snapshot))));
                return ExitCodes.Done;
            }

            if (seen.Snapshot is not { } snapshot)
            {
                host.Out.WriteLine($"The cluster's journal holds nothing of the run {id}.");
                return ExitCodes.Fault;
            }

            Tell(host, snapshot, seen.RunFolder);
            return ExitCodes.Done;
        });

    private static bool IsDriven(RunSnapshot? snapshot) => snapshot is { Status: RunStatus.Running or RunStatus.Starting };

    private static async Task<JObject> JsonAsync(ClusterConnection cluster, ClusterContents contents)
    {
        var (runs, experiments) = (new JArray(), new Dictionary<string, ExperimentRecord>(StringComparer.Ordinal));
        foreach (var id in contents.RunIds)
        {
            var seen = await cluster.LookAsync(id, CancellationToken.None).ConfigureAwait(false);
            if (seen.Experiment is { } experiment)
            {
                experiments.TryAdd(experiment.Id, experiment);
            }

            runs.Add(StatusJson.Row(id, seen.RunFolder, seen.Snapshot, IsDriven(seen.Snapshot), null));
        }

        return new JObject
        {
            ["nodes"] = new JArray(
                contents.Nodes.Select(node => new JObject
                {
                    ["name"] = node.Name,
                    ["status"] = node.Status,
                    ["answers"] = node.Answers,
                    ["roles"] = new JArray(node.Roles),
                })
            ),
            ["runs"] = runs,
            ["experiments"] = new JArray(
                experiments.Values.Select(experiment => new JObject
                {
                    ["experiment"] = experiment.Id,
                    ["runs"] = new JArray(experiment.Named().Select(run => run.Id)),
                })
            ),
        };
    }

    private static async Task<int> ListAsync(Host host, ClusterConnection cluster, bool json)
    {
        var contents = await cluster.ListAsync(CancellationToken.None).ConfigureAwait(false);
        var experiments = new Dictionary<string, ExperimentRecord>(StringComparer.Ordinal);
        if (json)
        {
            host.Out.WriteLine(StatusJson.Text(await JsonAsync(cluster, contents).ConfigureAwait(false)));
            return ExitCodes.Done;
        }

        host.Out.WriteLine(contents.Nodes.Count == 1 ? "1 node:" : $"{contents.Nodes.Count} nodes:");
        foreach (var node in contents.Nodes)
        {
            host.Out.WriteLine($"  {node.Name}  {node.Status}{(node.Answers ? "" : ", does not answer")}  {string.Join(", ", node.Roles)}");
        }

        host.Out.WriteLine(
            contents.RunIds.Count == 0 ? "no runs yet"
            : contents.RunIds.Count == 1 ? "1 run:"
            : $"{contents.RunIds.Count} runs, the latest first:"
        );
        foreach (var id in contents.RunIds.Take(ListedRuns))
        {
            var seen = await cluster.LookAsync(id, CancellationToken.None).ConfigureAwait(false);
            if (seen.Experiment is { } experiment)
            {
                experiments.TryAdd(experiment.Id, experiment);
            }

            host.Out.WriteLine(
                $"  {id}  {(seen.Snapshot is { } snapshot ? InspectCommands.Row(snapshot).TrimEnd() : "not of this cluster")}"
            );
        }

        foreach (var experiment in experiments.Values)
        {
            var seen = new List<ClusterRun>();
            foreach (var (_, id) in experiment.Named())
            {
                seen.Add(await cluster.LookAsync(id, CancellationToken.None).ConfigureAwait(false));
            }

            host.Out.WriteLine(ClusterExperiment.Describe(experiment, seen));
        }

        return ExitCodes.Done;
    }

    private static async Task<int> FollowAsync(Host host, ClusterConnection cluster, string id, string contacts, CancellationToken stop)
    {
        ClusterRun last;
        try
        {
            using var view = View(host);
            last = await cluster.FollowAsync(id, view, view.Tell, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            host.Out.WriteLine(
                $"Run {id} goes on in the cluster. Look on again: ./run.sh resume {id} --cluster {contacts}; stop it: ./run.sh stop {id} --cluster {contacts}"
            );
            return ExitCodes.Stopped;
        }

        var snapshot = last.Snapshot!;
        host.Out.WriteLine();
        Tell(host, snapshot, last.RunFolder);
        return snapshot.Status switch
        {
            RunStatus.Completed => ExitCodes.Done,
            RunStatus.Stopped => ExitCodes.Stopped,
            _ => Faults.Tell(host, new CoinException($"{snapshot.Message} Go on with: ./run.sh resume {id} --cluster {contacts}"), null),
        };
    }

    private static IRunView View(Host host) =>
        host.Terminal.Live
            ? new LiveView(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }), null, () => null)
            : new PlainView(TextWriter.Synchronized(host.Out), host.Clock);

    private static void Tell(Host host, RunSnapshot snapshot, string folder)
    {
        foreach (var line in Summary.Lines(snapshot, folder, host.Terminal.Width))
        {
            host.Out.WriteLine(line);
        }

        host.Out.Flush();
    }

    /// <summary>The run or, where there is one, the experiment that somebody means: by default the latest.</summary>
    private static async Task<(string Id, ExperimentRecord? Experiment)> FindAsync(
        ClusterConnection cluster,
        string? text,
        CancellationToken stop
    )
    {
        var ids = (await cluster.ListAsync(stop).ConfigureAwait(false)).RunIds;
        if (text is null && ids is [var latest, ..])
        {
            return (latest, (await cluster.LookAsync(latest, stop).ConfigureAwait(false)).Experiment);
        }

        var experiment = text is null ? null : await ClusterExperiment.FindAsync(cluster, text, ids, stop).ConfigureAwait(false);
        return experiment is not null ? (experiment.Id, experiment) : (OneOf(ids, text), null);
    }

    private static string OneOf(IReadOnlyList<string> ids, string? text) =>
        ids.Where(id => text is null || id.StartsWith(text, StringComparison.Ordinal)).ToList() switch
        {
            _ when text is not null && ids.Contains(text) => text,
            [] when text is null => throw new CoinException("There are no runs in the cluster yet."),

            // Its folder may be out of the sight of the node that answers.
            [] => text,
            [var one] => one,
            var several => throw new CoinException($"Several runs begin with {text}: {string.Join(", ", several)}. Write more of the id."),
        };

    private static async Task<int> SpeakAsync(Host host, NodeSettings node, string contacts, Func<ClusterConnection, Task<int>> speak)
    {
        var nodes = contacts.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (nodes.Length == 0 || nodes.FirstOrDefault(one => !NodePlacement.IsEndpoint(one)) is not null)
        {
            throw Usage.Fault($"--cluster {contacts}: write host:port of one node or several, with commas between them.");
        }

        var placement = node.Placement as NodePlacement.Cluster ?? new NodePlacement.Cluster("localhost", 0, [], null);
        if (placement.Certificate is null && nodes.FirstOrDefault(one => !NodePlacement.IsLoopback(one[..one.LastIndexOf(':')])) is { } far)
        {
            throw new CoinException(
                $"{far} is another computer, and clear text never leaves this one: name the cluster's certificates, as hocon/cluster.hocon does."
            );
        }

        using var log = RunLog.OfCommand(host.Error);
        await using var cluster = await host.Cluster.OpenAsync(placement, nodes, log.Factory).ConfigureAwait(false);
        return await speak(cluster).ConfigureAwait(false);
    }

    /// <summary>How a command finds its cluster.</summary>
    /// <param name="Contacts">As written.</param>
    internal sealed record Way(string Contacts, string[] Files, string[] Overrides)
    {
        public NodeSettings Node(Host host) =>
            Files.Length + Overrides.Length == 0 ? new NodeSettings() : ConfigurationLoader.LoadCluster(Files, Overrides, host.Folder);
    }
}
