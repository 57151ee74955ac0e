using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin run</c>: starts an experiment.</summary>
internal static class RunCommand
{
    public static async Task<int> ExecuteAsync(Host host, string[] files, string[] overrides, string? runId, string? runs)
    {
        if (files.Length == 0)
        {
            throw Usage.Fault("Name a configuration file, for example: ./run.sh run hocon/mini.hocon");
        }

        // Samples are read when the run starts: once.
        var all = ConfigurationLoader.LoadExperiment(files, overrides, host.Folder, Preparations.CheckOf(host, samples: false));
        if (all.Experiment is not null)
        {
            return await ExperimentCommand.StartAsync(host, all, runId, runs).ConfigureAwait(false);
        }

        var loaded = all.Runs[0];
        await Preparations.MakeAsync(host, loaded).ConfigureAwait(false);
        FileRules.Check(loaded);
        var folders = RunFolders.Resolve(runs, loaded.Node.Runs, host.Variable, host.Folder);
        var id = folders.Create(runId, loaded.Options.Name, loaded.Options.Seed, host.Clock.GetLocalNow());
        Durable.WriteText(Path.Combine(folders.PathOf(id), RunFolders.Settings), loaded.EffectiveText);
        return await RunDriver
            .DriveAsync(host, id, folders.PathOf(id), loaded.Node, (ticket, stop) => host.Engine.RunAsync(ticket, loaded.Options, stop))
            .ConfigureAwait(false);
    }
}
