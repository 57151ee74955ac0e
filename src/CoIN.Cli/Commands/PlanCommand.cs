using System.CommandLine;
using System.Globalization;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using CoIN.Configuration;
using CoIN.Models.Inspection;
using CoIN.Models.Planning;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary>
/// <c>coin plan</c>: says what a run would do, how much memory, disk and time it would take, and what to change where it does not fit.
/// </summary>
internal static class PlanCommand
{
    private const double Giga = 1e9;

    public static Command Build(Host host, Option<string?> runs)
    {
        var files = CommandTree.FilesArgument();
        var set = CommandTree.SetOption();
        var memory = new Option<string?>("--memory")
        {
            HelpName = "24GB",
            Description = "Memory of the training device; by default what this computer's device has",
        };
        var speed = NumberOption.Number(
            "--tokens-per-second",
            "Training speed for the estimate of time; by default that of the latest run with the same model",
            value => value > 0,
            "a number greater than 0, such as 1500 or 1500.5"
        );
        var json = CommandTree.JsonOption();
        var command = new Command("plan", "Show steps, memory, disk and time of an experiment before it runs")
        {
            files,
            set,
            memory,
            speed,
            json,
        };
        command.SetAction(parsed =>
            Execute(
                host,
                parsed.GetValue(files) ?? [],
                parsed.GetValue(set) ?? [],
                parsed.GetValue(memory),
                parsed.GetValue(speed),
                parsed.GetValue(runs),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    private static int Execute(
        Host host,
        string[] files,
        string[] overrides,
        string? memory,
        double? tokensPerSecond,
        string? runs,
        bool json
    )
    {
        if (files.Length == 0)
        {
            throw Usage.Fault("Name a configuration file, for example: ./run.sh plan hocon/mini.hocon");
        }

        var check = CheckOf(host);
        var (experiment, loaded, notes) = ConfigurationLoader.LoadExperiment(files, overrides, host.Folder, check);
        var node = loaded[0].Node;
        var device = node.Devices[0];
        var capacity = memory is not null ? ParseMemory(memory) : Capacity(host, device);
        var folders = RunFolders.Resolve(runs, node.Runs, host.Variable, host.Folder);
        var plans = loaded.Select(one => Plan(one.Here, node)).ToList();
        var options = loaded.Select(one => one.Here).ToList();
        TrainingSpeed? SpeedOf(int place) =>
            tokensPerSecond is { } given ? new TrainingSpeed(given, "as given") : Measured(loaded[place].Options, folders);
        if (json)
        {
            var all = PlanJson.Of(device, capacity, experiment, options, plans, SpeedOf);
            host.Out.WriteLine(StatusJson.Text(all));
            return ExitCodes.Done;
        }

        if (experiment is not null)
        {
            var speeds = options.Select((_, place) => SpeedOf(place)).ToList();
            PlanText.Experiment(host.Out, experiment, options, plans, speeds, folders.Folder);
            notes.ToList().ForEach(host.Out.WriteLine);
            host.Out.WriteLine();
            var largest = plans.IndexOf(plans.MaxBy(one => one.DeviceBytes)!);
            host.Out.WriteLine($"The run that needs most memory, {experiment.Runs[largest].Name}:");
            PlanText.Stages(host.Out, plans[largest], options[largest]);
            PlanText.Memory(host.Out, plans[largest], device, capacity);
            return ExitCodes.Done;
        }

        var plan = plans[0];
        PlanText.Stages(host.Out, plan, options[0]);
        PlanText.Memory(host.Out, plan, device, capacity);
        PlanText.Disk(host.Out, plan.Stages.Count == 0 ? 0 : plan.CheckpointBytes, folders.Folder);
        PlanText.Time(host.Out, plan, SpeedOf(0));
        return ExitCodes.Done;
    }

    /// <summary>A plan is often made before there are weights: of a model's configuration alone, only that is looked at.</summary>
    private static Action<LoadedConfiguration, Problems> CheckOf(Host host)
    {
        var whole = Preparations.CheckOf(host, samples: false);
        var said = new HashSet<string>(StringComparer.Ordinal);
        return (one, problems) =>
        {
            if (ModelOutline.Missing(one.Here.Model) is not { } missing)
            {
                whole(Elsewhere(one), problems);
                return;
            }

            ModelOutline.Check(one.Here.Model, problems);
            if (said.Add(missing))
            {
                host.Error.WriteLine($"Warning: {missing}");
            }
        };
    }

    private static ExperimentPlan Plan(ExperimentOptions options, NodeSettings node)
    {
        var work = new BenchmarkWork();
        return ExperimentPlanner.Plan(options, node.Devices[0], node.Roles.Contains("evaluator") ? node.EvaluatorsPerDevice : 0, task =>
            File.Exists(Path.Combine(options.Data.Instructions, task.Folder, task.TrainFile)) ? work.Training(options, task) : null
        );
    }

    /// <summary>A plan is often made for another computer: this one need not have its devices.</summary>
    private static LoadedConfiguration Elsewhere(LoadedConfiguration loaded) => loaded with { Node = loaded.Node with { Devices = [] } };

    /// <summary>The training speed of the latest run with the same model and type that finished a stage.</summary>
    private static TrainingSpeed? Measured(ExperimentOptions options, RunFolders folders) =>
        TrainingSpeed.Of(
            folders
                .Ids()
                .Select(id => (Id: id, State: Readable(folders.PathOf(id))))
                .Where(run =>
                    run.State is { Trained.Count: > 0 } state
                    && state.Options.Model.Name() == options.Model.Name()
                    && state.Options.Model.Dtype == options.Model.Dtype
                    && state.Options.Model.Quantization == options.Model.Quantization
                )
                .Select(run =>
                    (run.Id, run.State!.Trained.Values.Sum(stage => stage.Tokens), run.State.Trained.Values.Sum(stage => stage.Seconds))
                )
        );

    /// <summary>A run that cannot be read has no speed to tell; <c>status</c> says what is wrong with it.</summary>
    private static RunState? Readable(string path)
    {
        try
        {
            return RunJournal.Read(path);
        }
        catch (CoinException)
        {
            return null;
        }
    }

    /// <summary>Memory of a device of this computer; null where it has none of that name.</summary>
    private static long? Capacity(Host host, string device) =>
        device == "cpu"
            ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes
            : host.GraphicsProcessors().FirstOrDefault(gpu => device == $"cuda:{gpu.Index}")?.TotalBytes;

    /// <summary>Reads 24GB, 24GiB or 24000MB.</summary>
    internal static long ParseMemory(string text)
    {
        foreach (var (unit, bytes) in new[] { ("GiB", (double)(1L << 30)), ("MiB", 1 << 20), ("GB", Giga), ("MB", 1e6) })
        {
            if (
                text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(
                    text.AsSpan(0, text.Length - unit.Length),
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var number
                )
                && number > 0
            )
            {
                return (long)(number * bytes);
            }
        }

        throw Usage.Fault($"--memory {text}: write a number with GB, GiB, MB or MiB, such as 24GB.");
    }
}
