using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;
using CoIN.Configuration;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary><c>coin validate</c>: reads a configuration and its data as <c>run</c> would, and loads no model.</summary>
internal static class ValidateCommand
{
    public static int Execute(Host host, string[] files, string[] overrides, bool json)
    {
        if (files.Length == 0)
        {
            throw Usage.Fault("Name a configuration file, for example: ./run.sh validate hocon/mini.hocon");
        }

        if (json)
        {
            return Tell(host, files, overrides);
        }

        var (experiment, runs, notes) = ConfigurationLoader.LoadExperiment(
            files,
            overrides,
            host.Folder,
            Preparations.CheckOf(host, samples: true)
        );
        var (options, node, preparation, _) = runs[0];
        host.Out.WriteLine($"{string.Join(", ", files)}: valid.");
        host.Out.WriteLine(
            experiment is null
                ? $"  experiment  {options.Name}, {options.Method}, seed {options.Seed}"
                : Words.Text($"  experiment  {options.Name}, {runs.Count} {(runs.Count == 1 ? "run" : "runs")}")
        );
        host.Out.WriteLine($"  tasks       {string.Join(", ", options.Tasks.Select(task => task.Name))}");
        host.Out.WriteLine($"  model       {options.Model.Name()}");
        host.Out.WriteLine(
            $"  data        {options.Data.Instructions}" + (preparation is null ? "" : " (made when the run starts, if missing)")
        );
        host.Out.WriteLine($"  judge       {(options.Judge is { } judge ? $"{judge.Name}, {Words.Of(judge.Kind)}" : "none")}");
        host.Out.WriteLine($"  devices     {string.Join(", ", node.Devices)}");
        if (node.Placement is NodePlacement.Cluster { Warning: { } warning })
        {
            host.Out.WriteLine($"  warning     {warning}");
        }

        if (experiment is not null)
        {
            host.Out.WriteLine();
            foreach (var line in ExperimentTable.OfSettings(experiment, [.. runs.Select(run => run.Options)]).Concat(notes))
            {
                host.Out.WriteLine(line);
            }
        }

        return ExitCodes.Done;
    }

    /// <summary>For programs: problems are an answer too, each with a line of its own.</summary>
    private static int Tell(Host host, string[] files, string[] overrides)
    {
        try
        {
            var (_, runs, notes) = ConfigurationLoader.LoadExperiment(
                files,
                overrides,
                host.Folder,
                Preparations.CheckOf(host, samples: true)
            );
            host.Out.WriteLine(
                StatusJson.Text(
                    new JObject
                    {
                        ["valid"] = true,
                        ["runs"] = new JArray(
                            runs.Select(run => new JObject
                            {
                                ["name"] = run.Options.Name,
                                ["method"] = run.Options.Method,
                                ["seed"] = run.Options.Seed,
                                ["tasks"] = new JArray(run.Options.Tasks.Select(task => task.Name)),
                                ["model"] = run.Options.Model.Name(),
                                ["data"] = run.Options.Data.Instructions,
                                ["judge"] = run.Options.Judge?.Name,
                                ["devices"] = new JArray(run.Node.Devices),
                            })
                        ),
                        ["notes"] = new JArray(notes),
                        ["problems"] = new JArray(),
                    }
                )
            );
            return ExitCodes.Done;
        }
        catch (CoinException fault)
        {
            host.Out.WriteLine(
                StatusJson.Text(
                    new JObject
                    {
                        ["valid"] = false,
                        ["problems"] = new JArray(fault.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
                    }
                )
            );
            return fault.ExitCode == ExitCodes.Done ? ExitCodes.Fault : fault.ExitCode;
        }
    }
}
