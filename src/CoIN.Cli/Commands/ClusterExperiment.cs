using System.Globalization;
using CoIN.Actors.Nodes;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Spectre.Console;

namespace CoIN.Cli.Commands;

/// <summary>An experiment of several runs in a cluster: each is given to it as a run, and the cluster does them side by side.</summary>
internal static class ClusterExperiment
{
    /// <summary>What its runs are called in the cluster, in their order.</summary>
    /// <param name="wanted">The experiment's id, by which theirs begin; null for a new one.</param>
    public static IReadOnlyList<string> Ids(LoadedExperiment loaded, string? wanted, DateTimeOffset now)
    {
        var id = wanted is not null
            ? RunFolders.CheckedId(wanted)
            : string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMdd-HHmmss}-{loaded.Runs[0].Options.Name}");
        return [.. loaded.Experiment!.Runs.Select(run => run.IdIn(id))];
    }

    /// <summary>Gives all runs to the cluster, and looks on until all have ended or somebody has seen enough.</summary>
    /// <param name="contacts">As <c>--cluster</c> names them.</param>
    public static async Task<int> SubmitAsync(
        Host host,
        ClusterConnection cluster,
        LoadedExperiment loaded,
        IReadOnlyList<string> ids,
        string contacts
    )
    {
        using var signals = host.Signals(_ => { });
        loaded.Notes.ToList().ForEach(host.Out.WriteLine);
        foreach (var (run, id) in loaded.Runs.Zip(ids))
        {
            var accepted = await cluster
                .SubmitAsync(id, run.Options, run.EffectiveText, host.Error.WriteLine, signals.Stop)
                .ConfigureAwait(false);
            host.Out.WriteLine($"Run {id} is in the cluster, driven by {accepted.Node}, with its files in {accepted.RunFolder}.");
        }

        host.Out.WriteLine("They go on when this command ends.");
        ClusterRun[] last;
        try
        {
            using var view = View(host, loaded, ids);
            last = await Task.WhenAll(ids.Select(id => cluster.FollowAsync(id, view, view.Tell, signals.Stop))).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            host.Out.WriteLine(
                $"The runs go on in the cluster. Look at them: ./run.sh status --cluster {contacts}; stop one: ./run.sh stop <run> --cluster {contacts}"
            );
            return ExitCodes.Stopped;
        }

        return Tell(host, loaded, last, contacts);
    }

    private static int Tell(Host host, LoadedExperiment loaded, IReadOnlyList<ClusterRun> last, string contacts)
    {
        List<RunRow> rows =
        [
            .. loaded.Experiment!.Runs.Zip(last, (run, seen) => new RunRow(run.Name, seen.RunId, seen.Snapshot, seen.Snapshot?.Message)),
        ];
        foreach (
            var line in new[] { "" }
                .Concat(ExperimentTable.OfResults(rows))
                .Append("")
                .Concat(ExperimentTable.OfSeeds(loaded.Experiment, rows))
        )
        {
            host.Out.WriteLine(line);
        }

        // Where nodes have folders of their own, the runs may lie on several.
        host.Out.WriteLine(
            "Put them side by side where their files are (copy together what lies on several nodes): "
                + $"./run.sh compare {string.Join(' ', last.Select(run => run.RunFolder))} --out DIR"
        );
        host.Out.Flush();
        var failed = rows.Where(row => row.Last?.Status is not (RunStatus.Completed or RunStatus.Stopped)).ToList();
        return failed.Count > 0
                ? Faults.Tell(
                    host,
                    new CoinException(
                        string.Join(
                            '\n',
                            failed.Select(row => $"{row.Name}: {row.Fault} Go on with: ./run.sh resume {row.Id} --cluster {contacts}")
                        )
                    ),
                    null
                )
            : rows.All(row => row.Last!.Status == RunStatus.Completed) ? ExitCodes.Done
            : ExitCodes.Stopped;
    }

    private static IRunView View(Host host, LoadedExperiment loaded, IReadOnlyList<string> ids)
    {
        var names = loaded.Experiment!.Runs.Index().ToDictionary(run => ids[run.Index], run => run.Item.Name);
        var name = loaded.Runs[0].Options.Name;
        return host.Terminal.Live
            ? new ExperimentLiveView(
                AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Out) }),
                name,
                names,
                () => null
            )
            : new ExperimentPlainView(TextWriter.Synchronized(host.Out), host.Clock, name, names);
    }
}
