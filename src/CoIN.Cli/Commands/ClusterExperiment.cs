using System.Globalization;
using CoIN.Actors.Nodes;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Newtonsoft.Json.Linq;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary>
/// An experiment of several runs in a cluster: each is given to it as a run, and the cluster does them side by side, has what they have in
/// common computed once, and writes their comparison.
/// </summary>
internal static class ClusterExperiment
{
    private static readonly TimeSpan ComparisonWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    /// <summary>What the experiment and its runs are called in the cluster.</summary>
    /// <param name="wanted">The experiment's id, by which theirs begin; null for a new one.</param>
    public static ExperimentRecord RecordOf(LoadedExperiment loaded, string? wanted, DateTimeOffset now) =>
        ExperimentFolder.RecordOf(
            wanted is not null
                ? RunFolders.CheckedId(wanted)
                : string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd-HHmmss}-{loaded.Runs[0].Options.Name}"),
            loaded,
            now
        );

    /// <summary>Gives all runs to the cluster, and looks on until all have ended or somebody has seen enough.</summary>
    /// <param name="contacts">As <c>--cluster</c> names them.</param>
    public static async Task<int> SubmitAsync(
        Host host,
        ClusterConnection cluster,
        LoadedExperiment loaded,
        ExperimentRecord experiment,
        string contacts
    )
    {
        using var signals = host.Signals(_ => { });
        loaded.Notes.ToList().ForEach(host.Out.WriteLine);
        var settings = experiment.Named().Zip(loaded.Runs, (run, one) => (run.Id, One: one)).ToDictionary(run => run.Id, run => run.One);
        return await BeginAsync(
                host,
                cluster,
                experiment,
                id =>
                    cluster.SubmitAsync(
                        id,
                        settings[id].Options,
                        settings[id].EffectiveText,
                        experiment,
                        host.Error.WriteLine,
                        signals.Stop
                    ),
                contacts,
                signals.Stop
            )
            .ConfigureAwait(false);
    }

    /// <summary>Has all runs go on that can, and looks on.</summary>
    public static async Task<int> ResumeAsync(Host host, ClusterConnection cluster, ExperimentRecord experiment, bool redo, string contacts)
    {
        using var signals = host.Signals(_ => { });
        return await BeginAsync(
                host,
                cluster,
                experiment,
                id => cluster.ResumeAsync(id, redo, host.Error.WriteLine, signals.Stop),
                contacts,
                signals.Stop
            )
            .ConfigureAwait(false);
    }

    /// <summary>Asks all runs to stop at their next resumable point.</summary>
    public static async Task<int> StopAsync(Host host, ClusterConnection cluster, ExperimentRecord experiment, string contacts)
    {
        var stopping = 0;
        foreach (var (_, id) in experiment.Named())
        {
            var last = await cluster.StopAsync(id, CancellationToken.None).ConfigureAwait(false);
            stopping += last.Snapshot is { Status: RunStatus.Running or RunStatus.Starting } ? 1 : 0;
        }

        host.Out.WriteLine(
            stopping == 0
                ? $"No run of the experiment {experiment.Id} is under way."
                : $"{Plural.Of(stopping, "run")} of the experiment {experiment.Id} stop{(stopping == 1 ? "s" : "")} at the next resumable point. "
                    + $"Go on with: ./run.sh resume {experiment.Id} --cluster {contacts}"
        );
        return ExitCodes.Done;
    }

    /// <summary>How each run stands.</summary>
    public static async Task<int> StatusAsync(Host host, ClusterConnection cluster, ExperimentRecord experiment, bool json, string contacts)
    {
        var seen = new List<ClusterRun>();
        foreach (var (_, id) in experiment.Named())
        {
            seen.Add(await cluster.LookAsync(id, CancellationToken.None).ConfigureAwait(false));
        }

        if (json)
        {
            host.Out.WriteLine(
                StatusJson.Text(
                    new JObject { ["experiment"] = experiment.Id, ["runs"] = new JArray(experiment.Runs.Runs.Zip(seen, (run, one) =>
                            {
                                var row = StatusJson.Of(one.RunId, one.RunFolder, one.Snapshot, IsDriven(one));
                                row["name"] = run.Name;
                                return row;
                            })) }
                )
            );
            return ExitCodes.Done;
        }

        var rows = Rows(experiment, seen);
        host.Out.WriteLine(Describe(experiment, seen));
        Write(host, ["", .. ExperimentTable.OfResults(rows), "", .. ExperimentTable.OfSeeds(experiment.Runs, rows)]);
        foreach (var node in seen.GroupBy(one => (one.Node, Path.GetDirectoryName(one.RunFolder))))
        {
            host.Out.WriteLine($"Files: {node.Key.Item2} on {node.Key.Node}: {string.Join(", ", node.Select(one => one.RunId))}");
        }

        if (seen.Find(one => one.Comparison is not null) is { } compared)
        {
            Write(host, Compared(compared));
        }

        if (seen.Exists(one => one.Snapshot is { Status: RunStatus.Stopped or RunStatus.Interrupted or RunStatus.Failed }))
        {
            host.Out.WriteLine($"Go on with: ./run.sh resume {experiment.Id} --cluster {contacts}");
        }

        return ExitCodes.Done;
    }

    /// <summary>An experiment in a line.</summary>
    /// <param name="seen">Its runs.</param>
    public static string Describe(ExperimentRecord experiment, IReadOnlyCollection<ClusterRun> seen) =>
        $"Experiment {experiment.Id}: {seen.Count(run => run.Snapshot?.Status == RunStatus.Completed)} of {Plural.Of(seen.Count, "run")} completed";

    /// <summary>The experiment that somebody means; null where a run is meant, or nothing is found.</summary>
    /// <param name="text">Its id, or the beginning of that and of nothing else.</param>
    /// <param name="ids">The cluster's runs, the latest first.</param>
    public static async Task<ExperimentRecord?> FindAsync(
        ClusterConnection cluster,
        string text,
        IReadOnlyList<string> ids,
        CancellationToken stop
    )
    {
        var begun = ids.Where(id => id.StartsWith(text, StringComparison.Ordinal)).ToList();
        if (begun.Contains(text))
        {
            return null;
        }

        var passed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in begun)
        {
            if (passed.Contains(id))
            {
                continue;
            }

            var experiment = (await cluster.LookAsync(id, stop).ConfigureAwait(false)).Experiment;
            if (experiment?.Id.StartsWith(text, StringComparison.Ordinal) != true)
            {
                continue;
            }

            passed.UnionWith(experiment.Named().Select(run => run.Id));
            if (experiment.Id == text || begun.TrueForAll(passed.Contains))
            {
                // Two experiments that begin so are none that is meant.
                return experiment.Id == text || begun.TrueForAll(run => experiment.Named().Any(own => own.Id == run)) ? experiment : null;
            }
        }

        return null;
    }

    /// <summary>Has the runs begin or go on, one after another; one that cannot does not stop the others.</summary>
    private static async Task<int> BeginAsync(
        Host host,
        ClusterConnection cluster,
        ExperimentRecord experiment,
        Func<string, Task<ClusterRun>> begin,
        string contacts,
        CancellationToken stop
    )
    {
        var refused = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (_, id) in experiment.Named())
        {
            try
            {
                var accepted = await begin(id).ConfigureAwait(false);
                host.Out.WriteLine($"Run {id} is in the cluster, driven by {accepted.Node}, with its files in {accepted.RunFolder}.");
            }
            catch (CoinException fault) when (fault.IsFinal)
            {
                refused[id] = fault.Message;
                host.Error.WriteLine($"Run {id} is refused: {fault.Message}");
            }
        }

        if (refused.Count < experiment.Runs.Runs.Count)
        {
            host.Out.WriteLine("They go on when this command ends.");
        }

        ClusterRun[] last;
        try
        {
            using var view = View(host, experiment);
            last = await Task.WhenAll(
                    experiment
                        .Named()
                        .Select(run =>
                            refused.ContainsKey(run.Id)
                                ? Task.FromResult(new ClusterRun(run.Id, null, "", ""))
                                : cluster.FollowAsync(run.Id, view, view.Tell, stop)
                        )
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            host.Out.WriteLine(
                $"The runs go on in the cluster. Look on again: ./run.sh resume {experiment.Id} --cluster {contacts}; stop them: ./run.sh stop {experiment.Id} --cluster {contacts}"
            );
            return ExitCodes.Stopped;
        }

        var rows = Rows(experiment, last).Select(row => refused.TryGetValue(row.Id, out var why) ? row with { Fault = why } : row).ToList();
        Write(host, ["", .. ExperimentTable.OfResults(rows), "", .. ExperimentTable.OfSeeds(experiment.Runs, rows)]);
        if (rows.Count(row => row.Last?.Status == RunStatus.Completed) > 1)
        {
            Write(host, await ComparedAsync(cluster, [.. last.Where(run => run.Snapshot is not null)], stop).ConfigureAwait(false));
        }

        host.Out.Flush();
        return End(host, rows, $"./run.sh resume {experiment.Id} --cluster {contacts}");
    }

    private static int End(Host host, IReadOnlyList<RunRow> rows, string resume)
    {
        var failed = rows.Where(row => row.Last?.Status is not (RunStatus.Completed or RunStatus.Stopped)).ToList();
        return failed.Count > 0
                ? Faults.Tell(
                    host,
                    new CoinException($"{string.Join('\n', failed.Select(row => $"{row.Name}: {row.Fault}"))}\nGo on with: {resume}"),
                    null
                )
            : rows.All(row => row.Last!.Status == RunStatus.Completed) ? ExitCodes.Done
            : ExitCodes.Stopped;
    }

    /// <summary>The cluster writes the comparison when the last run has ended.</summary>
    private static async Task<IReadOnlyList<string>> ComparedAsync(
        ClusterConnection cluster,
        IReadOnlyList<ClusterRun> ended,
        CancellationToken stop
    )
    {
        try
        {
            using var within = CancellationTokenSource.CreateLinkedTokenSource(stop);
            within.CancelAfter(ComparisonWithin);
            while (true)
            {
                foreach (var run in ended)
                {
                    if (await cluster.LookBrieflyAsync(run.RunId, within.Token).ConfigureAwait(false) is { Comparison: not null } seen)
                    {
                        return Compared(seen);
                    }
                }

                await Task.Delay(AskAgain, within.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or CoinException)
        {
            return ["Their comparison is not written yet; the log of the node of the last run says why, should it not come."];
        }
    }

    private static IReadOnlyList<string> Compared(ClusterRun run) =>
        [
            $"All runs side by side, on {run.Node}:",
            .. new[] { ComparisonFormat.Html, ComparisonFormat.Markdown, ComparisonFormat.Json }.Select(form =>
                Path.Combine(run.Comparison!, ComparisonText.FileName(form))
            ),
        ];

    private static IReadOnlyList<RunRow> Rows(ExperimentRecord experiment, IReadOnlyList<ClusterRun> seen) =>
        [.. experiment.Runs.Runs.Zip(seen, (run, one) => new RunRow(run.Name, one.RunId, one.Snapshot, one.Snapshot?.Message))];

    private static bool IsDriven(ClusterRun run) => run.Snapshot is { Status: RunStatus.Running or RunStatus.Starting };

    private static void Write(Host host, IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            host.Out.WriteLine(line);
        }
    }

    private static IRunView View(Host host, ExperimentRecord experiment)
    {
        var names = experiment.Named().ToDictionary(run => run.Id, run => run.Run.Name);
        return host.Terminal.Live
            ? new ExperimentLiveView(
                AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }),
                experiment.Name,
                names,
                () => null
            )
            : new ExperimentPlainView(TextWriter.Synchronized(host.Out), host.Clock, experiment.Name, names);
    }
}
