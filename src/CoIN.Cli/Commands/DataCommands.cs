using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Configuration;

namespace CoIN.Cli.Commands;

/// <summary><c>coin data</c>: looks at the data of an experiment, without running it.</summary>
internal static class DataCommands
{
    public static Command Build(Host host) =>
        new("data", "Check, look at or make an experiment's data")
        {
            DataCheckCommand.Build(host),
            DataPreviewCommand.Build(host),
            DataBuildCommand.Build(host),
        };

    /// <summary>The option that picks tasks.</summary>
    public static Option<string[]> TaskOption() =>
        new("--task")
        {
            HelpName = "X",
            Description = "Only this task; may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };

    /// <summary>Reads the configuration of a look at data, with the tasks that were picked, and makes data that are to be made.</summary>
    /// <exception cref="CoinException">Something is wrong with it, or a data folder is missing.</exception>
    public static async Task<LoadedConfiguration> LoadAsync(Host host, string verb, string[] files, string[] overrides, string[] tasks)
    {
        if (files.Length == 0)
        {
            throw Usage.Fault($"Name a configuration file, for example: ./run.sh data {verb} hocon/mini.hocon");
        }

        var loaded = ConfigurationLoader.LoadForData(files, overrides, host.Folder, tasks);
        await Preparations.MakeAsync(host, loaded).ConfigureAwait(false);
        FileRules.CheckDataFolders(loaded.Here);
        return loaded;
    }
}
