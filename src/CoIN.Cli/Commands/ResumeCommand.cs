using CoIN.Actors.Configuration;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin resume</c>: takes a run up where it ended.</summary>
internal static class ResumeCommand
{
    public static async Task<int> ExecuteAsync(Host host, string? run, string[] overrides, string? runs)
    {
        var folders = RunFolders.Resolve(runs, null, host.Variable, host.Folder);
        var id = run is not null ? folders.Find(run) : await LatestAsync(host, folders).ConfigureAwait(false);
        var folder = folders.PathOf(id);
        var snapshot = await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false);
        if (snapshot is { Status: RunStatus.Completed })
        {
            // The process may have ended right after the run, before its reports were written.
            await host.Engine.ReportAsync(folder, CancellationToken.None).ConfigureAwait(false);
            host.Out.WriteLine($"The run {id} is completed; there is nothing to resume.");
            foreach (var line in Summary.Lines(snapshot, folder, host.Terminal.Width))
            {
                host.Out.WriteLine(line);
            }

            return ExitCodes.Done;
        }

        var settings = Path.Combine(folder, RunFolders.Settings);
        var text = Utf8Text.Read(settings);
        var node = ConfigurationLoader.LoadNode(text, settings, overrides, host.Folder);
        host.Out.WriteLine($"Resuming {id}.");

        // A process that was killed before its first event left the settings alone: then the run starts.
        return await RunDriver.DriveAsync(host, id, folder, node, (ticket, stop) => snapshot is null
            ? host.Engine.RunAsync(ticket, ConfigurationLoader.Load([settings], [], host.Folder).Options, stop)
            : host.Engine.ResumeAsync(ticket, stop)).ConfigureAwait(false);
    }

    private static async Task<string> LatestAsync(Host host, RunFolders folders)
    {
        foreach (var id in folders.Ids())
        {
            var snapshot = await host.Engine.ReadAsync(folders.PathOf(id), CancellationToken.None).ConfigureAwait(false);
            if (snapshot?.Status != RunStatus.Completed)
            {
                return id;
            }
        }

        throw new CoinException($"There is no run in {folders.Folder} that could be resumed. ./run.sh runs lists those there are.");
    }
}
