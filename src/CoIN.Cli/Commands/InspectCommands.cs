using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary><c>coin runs</c>, <c>status</c> and <c>report</c>: look at runs without driving them.</summary>
internal static class InspectCommands
{
    public static async Task<int> RunsAsync(Host host, string? runs, bool json)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        var ids = folders.Ids();
        var experiments = folders.Experiments();
        if (json)
        {
            host.Out.WriteLine(StatusJson.Text(await RunsJsonAsync(host, folders).ConfigureAwait(false)));
            return ExitCodes.Done;
        }

        if (ids.Count + experiments.Count == 0)
        {
            host.Out.WriteLine($"There are no runs in {folders.Folder} yet. ./run.sh starts the miniature experiment.");
            return ExitCodes.Done;
        }

        var width = ids.Concat(experiments).Append("run").Max(id => id.Length);
        host.Out.WriteLine($"{"run".PadRight(width)}  {"status", -11} {"stages", 7} {"MAA", 9} {"BWT", 9}  ({Words.TruthAlignment})");
        foreach (var id in ids)
        {
            host.Out.WriteLine($"{id.PadRight(width)}  {await RowAsync(host, folders.PathOf(id)).ConfigureAwait(false)}".TrimEnd());
        }

        foreach (var id in experiments)
        {
            host.Out.WriteLine($"{id.PadRight(width)}  {await ExperimentRowAsync(host, folders.PathOf(id)).ConfigureAwait(false)}");
        }

        return ExitCodes.Done;
    }

    public static async Task<int> StatusAsync(Host host, string? run, string? runs, bool json)
    {
        if (LocateExperiment(host, run, runs) is { } experiment)
        {
            return await ExperimentCommand.StatusAsync(host, experiment, json).ConfigureAwait(false);
        }

        var (id, folder) = Locate(host, run, runs);
        var found = await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false);
        if (json)
        {
            host.Out.WriteLine(StatusJson.Text(StatusJson.Of(id, folder, found, host.Engine.IsDriven(folder))));
            return ExitCodes.Done;
        }

        if (found is not { } snapshot)
        {
            host.Out.WriteLine(
                host.Engine.IsDriven(folder)
                    ? $"Run {id} is being started: nothing has happened yet."
                    : $"Run {id} has not begun yet. ./run.sh resume {id} starts it."
            );
            return ExitCodes.Done;
        }

        foreach (var line in Summary.Lines(snapshot, folder, host.Terminal.Width))
        {
            host.Out.WriteLine(line);
        }

        if (snapshot.Status == RunStatus.Interrupted)
        {
            host.Out.WriteLine($"Nobody drives it: its process was killed, or its computer went down. Go on with: ./run.sh resume {id}");
        }

        return ExitCodes.Done;
    }

    private static async Task<JObject> RunsJsonAsync(Host host, RunFolders folders)
    {
        var rows = new JArray();
        foreach (var id in folders.Ids())
        {
            var folder = folders.PathOf(id);
            try
            {
                var snapshot = await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false);
                rows.Add(StatusJson.Row(id, folder, snapshot, host.Engine.IsDriven(folder), null));
            }
            catch (CoinException fault)
            {
                rows.Add(StatusJson.Row(id, folder, null, driven: false, fault.Message));
            }
        }

        return new JObject
        {
            ["folder"] = folders.Folder,
            ["runs"] = rows,
            ["experiments"] = new JArray(folders.Experiments()),
        };
    }

    public static async Task<int> ReportAsync(Host host, string? run, string? target, string? runs)
    {
        if (LocateExperiment(host, run, runs) is { } experiment)
        {
            return await ExperimentCommand
                .ReportAsync(host, experiment, target is null ? null : Path.GetFullPath(Path.Combine(host.Folder, target)))
                .ConfigureAwait(false);
        }

        var (id, folder) = Locate(host, run, runs);
        foreach (
            var file in await WriteAsync(host, id, folder, target is null ? null : Path.GetFullPath(Path.Combine(host.Folder, target)))
                .ConfigureAwait(false)
        )
        {
            host.Out.WriteLine(file);
        }

        return ExitCodes.Done;
    }

    /// <summary>Writes a run's reports.</summary>
    /// <exception cref="CoinException">They cannot be written there; the message says where else they can.</exception>
    internal static async Task<IReadOnlyList<string>> WriteAsync(Host host, string name, string folder, string? target)
    {
        try
        {
            return await host.Engine.ReportAsync(folder, target, CancellationToken.None).ConfigureAwait(false);
        }
        catch (CoinException fault)
            when (fault.InnerException is IOException or UnauthorizedAccessException && target is null && !fault.IsFinal)
        {
            throw new CoinException(
                $"The reports cannot be written into {folder}: {fault.InnerException.Message.TrimEnd('.')}. Write them elsewhere: ./run.sh report {name} --out DIR",
                fault
            );
        }
    }

    private static async Task<string> RowAsync(Host host, string folder)
    {
        try
        {
            return await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) is { } snapshot ? Row(snapshot)
                : host.Engine.IsDriven(folder) ? "starting"
                : "not begun";
        }
        catch (CoinException fault)
        {
            // One broken run must not hide the others.
            return $"unreadable: {fault.Message}";
        }
    }

    /// <summary>A run in a line of a table.</summary>
    internal static string Row(RunSnapshot snapshot)
    {
        var stages = snapshot.ZeroShot.Count > 0 ? "-" : Words.Text($"{snapshot.StagesTrained}/{snapshot.Stages.Count}");
        var maa = MatrixMetrics.MeanAverageAccuracy(snapshot) is { } mean ? Words.Text($"{mean:0.00}") : "";
        var bwt =
            MatrixMetrics.BackwardTransfer(snapshot) is { } transfer ? Words.Text($"{transfer:0.00}")
            : MatrixMetrics.IsJoint(snapshot) ? "–"
            : "";
        return $"{Words.Of(snapshot.Status), -11} {stages, 7} {maa, 9} {bwt, 9}";
    }

    private static async Task<string> ExperimentRowAsync(Host host, string folder)
    {
        try
        {
            var rows = await ExperimentCommand.ReadAsync(host, ExperimentFolder.Read(folder)).ConfigureAwait(false);
            return Words.Text($"experiment: {rows.Count(row => row.Last?.Status == RunStatus.Completed)} of {rows.Count} runs completed");
        }
        catch (CoinException fault)
        {
            return $"unreadable: {fault.Message}";
        }
    }

    /// <summary>The experiment that is meant: by default that of the latest run, if it belongs to one; null where a run is meant.</summary>
    internal static ExperimentFolder? LocateExperiment(Host host, string? run, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        return run is not null ? folders.FindExperiment(run, host.Folder)
            : folders.Ids().FirstOrDefault() is { } latest ? folders.ExperimentOf(latest)
            : null;
    }

    /// <summary>The run that is meant: by default the latest.</summary>
    /// <exception cref="CoinException">There is none, or an experiment of several runs is named.</exception>
    internal static FoundRun Locate(Host host, string? run, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        return run is not null
            ? folders.FindExperiment(run, host.Folder) is { } experiment
                ? throw new CoinException(
                    $"{run} is an experiment of {Plural.Of(experiment.Runs.Count, "run")}. Name one of them: {string.Join(", ", experiment.Runs.Select(one => one.Id))}."
                )
                : folders.Find(run, host.Folder)
            : folders.Of(
                folders.Ids().FirstOrDefault()
                    ?? throw new CoinException($"There are no runs in {folders.Folder} yet. ./run.sh starts the miniature experiment.")
            );
    }
}
