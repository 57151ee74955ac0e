using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin resume</c>: takes a run up where it ended.</summary>
internal static class ResumeCommand
{
    public static async Task<int> ExecuteAsync(Host host, string? run, string[] overrides, bool redo, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        var chosen = run is null ? await ResumableRuns.ChooseAsync(host, folders).ConfigureAwait(false) : null;
        if ((run is null ? chosen!.Experiment : folders.FindExperiment(run, host.Folder)) is { } experiment)
        {
            return await ExperimentCommand.ResumeAsync(host, experiment, overrides, redo).ConfigureAwait(false);
        }

        var (name, folder) = run is not null ? folders.Find(run, host.Folder) : chosen!.Run;
        var snapshot = await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false);
        var completed = snapshot is { Status: RunStatus.Completed, MissingJudgements: 0 } && !redo;
        if (completed && overrides.Length == 0)
        {
            return await CompletedAsync(host, name, folder, snapshot!).ConfigureAwait(false);
        }

        var settings = Path.Combine(folder, RunFolders.Settings);
        var text = Utf8Text.Read(settings);

        // What cannot be set is said of a completed run too, where nothing would come of it.
        var node = ConfigurationLoader.LoadNode(text, settings, overrides, host.Folder);
        if (completed)
        {
            return await CompletedAsync(host, name, folder, snapshot!).ConfigureAwait(false);
        }

        if (snapshot is { Status: RunStatus.Completed } && !redo)
        {
            // As for any judge that comes later: the first device of the run may be a GPU of another host.
            node = node with { Roles = ["supervisor", "judge"] };
        }

        if (run is not null)
        {
            host.Out.WriteLine($"Resuming {name}.");
        }

        if (snapshot is not null && snapshot.RunId != Path.GetFileName(folder))
        {
            host.Out.WriteLine($"Its folder was copied or renamed: it goes on as {snapshot.RunId}, which its journal calls it.");
        }

        // A process that was killed before its first event left the settings alone: then the run starts.
        return await RunDriver
            .DriveAsync(host, name, folder, node, (ticket, stop) =>
                snapshot is null
                    ? host.Engine.RunAsync(ticket, ConfigurationLoader.Load([settings], [], host.Folder).Options, stop)
                    : host.Engine.ResumeAsync(ticket, redo, stop)
            )
            .ConfigureAwait(false);
    }

    private static async Task<int> CompletedAsync(Host host, string name, string folder, RunSnapshot snapshot)
    {
        host.Engine.Verify(folder);
        host.Out.WriteLine($"The run {name} is completed; there is nothing to resume.");
        foreach (var line in Summary.Lines(snapshot, folder, host.Terminal.Width))
        {
            host.Out.WriteLine(line);
        }

        // The process may have ended right after the run, before its reports were written.
        await InspectCommands.WriteAsync(host, name, folder, null).ConfigureAwait(false);
        return ExitCodes.Done;
    }
}
