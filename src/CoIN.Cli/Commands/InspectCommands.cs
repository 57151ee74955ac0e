using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin runs</c>, <c>status</c> and <c>report</c>: look at runs without driving them.</summary>
internal static class InspectCommands
{
    public static async Task<int> RunsAsync(Host host, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        var ids = folders.Ids();
        var experiments = folders.Experiments();
        if (ids.Count + experiments.Count == 0)
        {
            host.Out.WriteLine($"There are no runs in {folders.Folder} yet. ./run.sh starts the miniature experiment.");
            return ExitCodes.Done;
        }

        var width = ids.Concat(experiments).Append("run").Max(id => id.Length);
        host.Out.WriteLine($"{"run".PadRight(width)}  {"status",-11} {"stages",7} {"MAA",9} {"BWT",9}  ({Words.TruthAlignment})");
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

    public static async Task<int> StatusAsync(Host host, string? run, string? runs)
    {
        if (LocateExperiment(host, run, runs) is { } experiment)
        {
            return await ExperimentCommand.StatusAsync(host, experiment).ConfigureAwait(false);
        }

        var (id, folder) = Locate(host, run, runs);
        if (await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) is not { } snapshot)
        {
            host.Out.WriteLine(host.Engine.IsDriven(folder)
                ? $"Run {id} is being started: nothing has happened yet."
                : $"Run {id} has not begun yet. ./run.sh resume {id} starts it.");
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

    public static async Task<int> ReportAsync(Host host, string? run, string? target, string? runs)
    {
        if (LocateExperiment(host, run, runs) is { } experiment)
        {
            return await ExperimentCommand.ReportAsync(host, experiment, target is null ? null : Path.GetFullPath(Path.Combine(host.Folder, target))).ConfigureAwait(false);
        }

        var (id, folder) = Locate(host, run, runs);
        foreach (var file in await WriteAsync(host, id, folder, target is null ? null : Path.GetFullPath(Path.Combine(host.Folder, target))).ConfigureAwait(false))
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
        catch (CoinException fault) when (fault.InnerException is IOException or UnauthorizedAccessException && target is null && !fault.IsFinal)
        {
            throw new CoinException(
                $"The reports cannot be written into {folder}: {fault.InnerException.Message.TrimEnd('.')}. Write them elsewhere: ./run.sh report {name} --out DIR", fault);
        }
    }

    private static async Task<string> RowAsync(Host host, string folder)
    {
        try
        {
            return await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) is { } snapshot
                ? Row(snapshot)
                : host.Engine.IsDriven(folder) ? "starting" : "not begun";
        }
        catch (CoinException fault)
        {
            // One broken run must not hide the others.
            return $"unreadable: {fault.Message}";
        }
    }

    private static string Row(RunSnapshot snapshot)
    {
        var stages = snapshot.ZeroShot.Count > 0 ? "-" : Words.Text($"{snapshot.StagesTrained}/{snapshot.Stages.Count}");
        var maa = MatrixMetrics.MeanAverageAccuracy(snapshot) is { } mean ? Words.Text($"{mean:0.00}") : "";
        var bwt = MatrixMetrics.BackwardTransfer(snapshot) is { } transfer ? Words.Text($"{transfer:0.00}") : MatrixMetrics.IsJoint(snapshot) ? "–" : "";
        return $"{Words.Of(snapshot.Status),-11} {stages,7} {maa,9} {bwt,9}";
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
    private static ExperimentFolder? LocateExperiment(Host host, string? run, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        return run is not null ? folders.FindExperiment(run, host.Folder) : folders.Ids().FirstOrDefault() is { } latest ? folders.ExperimentOf(latest) : null;
    }

    /// <summary>The run that is meant: by default the latest.</summary>
    internal static FoundRun Locate(Host host, string? run, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        return run is not null
            ? folders.Find(run, host.Folder)
            : folders.Of(folders.Ids().FirstOrDefault()
                ?? throw new CoinException($"There are no runs in {folders.Folder} yet. ./run.sh starts the miniature experiment."));
    }
}
