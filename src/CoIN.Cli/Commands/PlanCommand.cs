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
        var plans = loaded.Select(one => Plan(one.Options, node)).ToList();
        var options = loaded.Select(one => one.Options).ToList();
        if (json)
        {
            (double TokensPerSecond, string Source)? SpeedOf(int place) =>
                tokensPerSecond is { } speed ? (speed, "as given") : Measured(options[place], folders);
            var all = new JObject
            {
                ["device"] = device,
                ["deviceBytes"] = capacity,
                ["runs"] = new JArray(
                    plans.Select((plan, place) => Json(experiment?.Runs[place].Name ?? options[place].Name, plan, capacity, SpeedOf(place)))
                ),
            };
            if (experiment is not null)
            {
                var shared = PlannedTogether.Of(experiment, options, plans);
                all["together"] = new JObject
                {
                    ["steps"] = shared.Steps,
                    ["tests"] = shared.Tests,
                    ["trainedTokens"] = shared.Tokens,
                    ["trainingSeconds"] = shared.Time(SpeedOf)?.TotalSeconds,
                    ["sharedStages"] = shared.SharedStages,
                    ["sharedTests"] = shared.SharedTests,
                };
            }

            host.Out.WriteLine(StatusJson.Text(all));
            return ExitCodes.Done;
        }

        if (experiment is not null)
        {
            WriteExperiment(host.Out, experiment, options, plans, folders, tokensPerSecond);
            notes.ToList().ForEach(host.Out.WriteLine);
            host.Out.WriteLine();
            var largest = plans.IndexOf(plans.MaxBy(one => one.DeviceBytes)!);
            host.Out.WriteLine($"The run that needs most memory, {experiment.Runs[largest].Name}:");
            WriteStages(host.Out, plans[largest], options[largest]);
            WriteMemory(host.Out, plans[largest], device, capacity);
            return ExitCodes.Done;
        }

        var plan = plans[0];
        WriteStages(host.Out, plan, options[0]);
        WriteMemory(host.Out, plan, device, capacity);
        WriteDisk(host.Out, plan.Stages.Count == 0 ? 0 : plan.CheckpointBytes, folders.Folder);
        WriteTime(host.Out, plan, tokensPerSecond is { } speed ? (speed, "as given") : Measured(options[0], folders));
        return ExitCodes.Done;
    }

    /// <summary>A run's plan for programs; what is not known is null.</summary>
    private static JObject Json(string name, ExperimentPlan plan, long? capacity, (double TokensPerSecond, string Source)? speed) =>
        new()
        {
            ["name"] = name,
            ["baseParameters"] = plan.BaseParameters,
            ["trainedParameters"] = plan.TrainedParameters,
            ["stages"] = new JArray(
                plan.Stages.Select(stage => new JObject
                {
                    ["task"] = stage.Task,
                    ["samples"] = stage.Samples,
                    ["steps"] = stage.Steps,
                    ["warmupSteps"] = stage.WarmupSteps,
                    ["batchSize"] = stage.BatchSize,
                    ["accumulation"] = stage.Accumulation,
                    ["globalBatch"] = stage.GlobalBatch,
                    ["tokens"] = stage.Tokens,
                    ["largestMicroBatchTokens"] = stage.LargestMicroBatch,
                    ["microBatchesPerStep"] = stage.MicroBatches ?? stage.Accumulation,
                })
            ),
            ["worldSize"] = plan.Team?.WorldSize ?? 1,
            ["microBatchesPerTrainer"] = plan.Team?.MicroBatches,
            ["gradientBytesPerShare"] = plan.Team?.GradientBytes,
            ["parameterBytesPerTrainer"] = plan.Team?.ParameterBytes,
            ["shardedOptimizerBytes"] = plan.Team?.ShardedBytes,
            ["memory"] = new JArray(plan.Memory.Select(part => new JObject { ["name"] = part.Name, ["bytes"] = part.Bytes })),
            ["hostMemory"] = new JArray(plan.Host.Select(part => new JObject { ["name"] = part.Name, ["bytes"] = part.Bytes })),
            ["peakDeviceBytes"] = plan.DeviceBytes,
            ["fits"] = capacity is { } bytes ? plan.DeviceBytes <= bytes : null,
            ["remedies"] = new JArray(
                plan.Remedies.Select(remedy => new JObject { ["keys"] = remedy.Keys, ["peakDeviceBytes"] = remedy.DeviceBytes })
            ),
            ["diskBytes"] = plan.CheckpointBytes,
            ["trainedTokens"] = Tokens(plan) + (plan.MethodTokens ?? 0),
            ["tokensPerSecond"] = speed?.TokensPerSecond,
            ["trainingSeconds"] = Time(Tokens(plan) + (plan.MethodTokens ?? 0), speed)?.TotalSeconds,
        };

    /// <summary>A plan is often made before there are weights: of a model's configuration alone, only that is looked at.</summary>
    private static Action<LoadedConfiguration, Problems> CheckOf(Host host)
    {
        var whole = Preparations.CheckOf(host, samples: false);
        var said = new HashSet<string>(StringComparer.Ordinal);
        return (one, problems) =>
        {
            if (ModelOutline.Missing(one.Options.Model) is not { } missing)
            {
                whole(Elsewhere(one), problems);
                return;
            }

            ModelOutline.Check(one.Options.Model, problems);
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

    /// <summary>A row for each run, and what all of them take.</summary>
    private static void WriteExperiment(
        TextWriter output,
        ExperimentRuns experiment,
        IReadOnlyList<ExperimentOptions> options,
        IReadOnlyList<ExperimentPlan> plans,
        RunFolders folders,
        double? tokensPerSecond
    )
    {
        var speeds = options.Select(one => tokensPerSecond is { } speed ? (speed, "as given") : Measured(one, folders)).ToList();
        var rows = experiment
            .Runs.Select((run, place) => (Run: run, Plan: plans[place], Tokens: Tokens(plans[place]), Speed: speeds[place]))
            .ToList();
        foreach (
            var line in ExperimentTable.Lines([
                ["run", "method", "stages", "steps", "tests", "tokens trained", "training time", "disk GB"],
                .. rows.Select(
                    (row, place) =>
                        (IReadOnlyList<string>)
                            [
                                row.Run.Name,
                                options[place].Method,
                                Text($"{row.Plan.Stages.Count}"),
                                Known(Steps(row.Plan)),
                                Text($"{options[place].Curriculum().Cells.Count()}"),
                                row.Tokens is { } tokens ? Text($"{tokens:n0}") : "?",
                                Time(row.Tokens, row.Speed) is { } time ? Words.Duration(time) : "?",
                                Text($"{row.Plan.CheckpointBytes / Giga:0.00}"),
                            ]
                ),
            ])
        )
        {
            output.WriteLine(line);
        }

        var together = PlannedTogether.Of(experiment, options, plans);
        output.WriteLine();
        output.WriteLine(
            Text($"{rows.Count} runs on one trainer: {Known(together.Steps)} steps, {together.Tests} tests, ")
                + (
                    together.Time(place => speeds[place]) is { } all
                        ? $"about {Words.Duration(all)} for training"
                        : "time not known (--tokens-per-second N, or a run with this model, would say)"
                )
                + "; evaluation goes on beside it."
        );
        if (together.SharedStages + together.SharedTests > 0)
        {
            output.WriteLine(
                Text(
                    $"What runs have in common is computed once and counted once here: {Plural.Of(together.SharedStages, "stage")} and {Plural.Of(together.SharedTests, "test")} are taken over."
                )
            );
        }

        WriteDisk(output, plans.Sum(plan => plan.CheckpointBytes), folders.Folder);
    }

    /// <summary>What the runs of an experiment compute, each result counted once where they share results.</summary>
    /// <param name="Steps">Null where it depends on data that are not there yet.</param>
    /// <param name="Stages">Those that are trained: of which run, and the positions to train on.</param>
    /// <param name="SharedStages">Stages that a run takes over from another.</param>
    private sealed record PlannedTogether(
        int? Steps,
        int Tests,
        IReadOnlyList<(int Run, double? Tokens)> Stages,
        int SharedStages,
        int SharedTests
    )
    {
        public double? Tokens => Stages.Aggregate((double?)0, (sum, stage) => sum + stage.Tokens);

        public static PlannedTogether Of(
            ExperimentRuns experiment,
            IReadOnlyList<ExperimentOptions> options,
            IReadOnlyList<ExperimentPlan> plans
        )
        {
            var (trained, tested) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
            var (stages, steps, tests, sharedStages, sharedTests) = (new List<(int, double?)>(), (int?)0, 0, 0, 0);
            foreach (var (run, plan) in plans.Index())
            {
                var work = SharedForecast.Of(options[run]);
                foreach (var (place, stage) in plan.Stages.Index())
                {
                    if (trained.Add(work.Stages[place]) || !experiment.Reuse)
                    {
                        // What a method computes beside the steps is told for the run as a whole: each stage has its part.
                        stages.Add((run, stage.Tokens + (plan.MethodTokens / (double)plan.Stages.Count)));
                        steps += stage.Steps;
                    }
                    else
                    {
                        sharedStages++;
                    }
                }

                var own = work.Tests.Count(key => tested.Add(key) || !experiment.Reuse);
                (tests, sharedTests) = (tests + own, sharedTests + work.Tests.Count - own);
            }

            return new PlannedTogether(steps, tests, stages, sharedStages, sharedTests);
        }

        /// <summary>Time for training; null where tokens or a run's speed are not known.</summary>
        public TimeSpan? Time(Func<int, (double TokensPerSecond, string Source)?> speed)
        {
            var times = Stages.Select(stage => PlanCommand.Time(stage.Tokens, speed(stage.Run))).ToList();
            return times.Contains(null) ? null : TimeSpan.FromSeconds(Math.Ceiling(times.Sum(time => time!.Value.TotalSeconds)));
        }
    }

    private static int? Steps(ExperimentPlan plan) => plan.Stages.Aggregate((int?)0, (sum, stage) => sum + stage.Steps);

    private static double? Tokens(ExperimentPlan plan) => plan.Stages.Aggregate((double?)0, (sum, stage) => sum + stage.Tokens);

    private static TimeSpan? Time(double? tokens, (double TokensPerSecond, string Source)? speed) =>
        tokens is 0 ? TimeSpan.Zero
        : speed is { } known && tokens is { } count ? TimeSpan.FromSeconds(Math.Ceiling(count / known.TokensPerSecond))
        : null;

    /// <summary>A plan is often made for another computer: this one need not have its devices.</summary>
    private static LoadedConfiguration Elsewhere(LoadedConfiguration loaded) => loaded with { Node = loaded.Node with { Devices = [] } };

    private static void WriteStages(TextWriter output, ExperimentPlan plan, ExperimentOptions options)
    {
        var held =
            options.Model.Dtype
            + (options.Model.Quantization == BaseQuantization.None ? "" : ", linear maps of the language model in 4 bits");
        output.WriteLine(Text($"{plan.BaseParameters:n0} parameters, frozen ({held}); {plan.TrainedParameters:n0} trained (float32)"));
        if (plan.Stages.Count == 0)
        {
            output.WriteLine(
                options.Lora.From is { } adapter
                    ? $"Nothing is trained: the base model with the adapter {adapter} is tested on every task."
                    : "Nothing is trained: the base model is tested on every task."
            );
            return;
        }

        var training = options.Training;
        output.WriteLine(
            Text(
                $"Schedule: {training.Schedule.ToString().ToLowerInvariant()} from {training.LearningRate:g} after warmup, afresh in every stage"
            )
        );
        output.WriteLine();
        output.WriteLine(
            $"{"stage", -16} {"samples", 9} {"steps", 8} {"warmup", 7} {"batch", 6} {"x accumulated", 14} {"= per step", 11} {"largest micro-batch", 20}"
        );
        foreach (var (stage, number) in plan.Stages.Select((stage, i) => (stage, i + 1)))
        {
            output.WriteLine(
                Text(
                    $"{$"{number} {stage.Task}", -16} {Known(stage.Samples), 9} {Known(stage.Steps), 8} {Known(stage.WarmupSteps), 7} {stage.BatchSize, 6} {stage.Accumulation, 14} {stage.GlobalBatch, 11} {Text($"{stage.LargestMicroBatch:n0} tokens"), 20}"
                )
            );
        }

        if (training.MicroBatchTokens is { } tokens)
        {
            output.WriteLine(
                Text($"Micro-batches of up to {tokens:n0} tokens (training.micro-batch-tokens)")
                    + (
                        plan.Stages.All(stage => stage.MicroBatches is not null)
                            ? Text(
                                $": {string.Join(", ", plan.Stages.Select(stage => Text($"{stage.MicroBatches:0.0}")))} a step on the average."
                            )
                            : "."
                    )
            );
        }

        if (plan.Team is { } team)
        {
            output.WriteLine(
                Text(
                    $"World size {team.WorldSize}: of the {(training.MicroBatchTokens is null ? Text($"{plan.Stages.Max(stage => stage.Accumulation)} ") : "")}micro-batches of a step, a trainer does {team.MicroBatches} at most where there are {team.WorldSize} trainers, each with the memory below."
                )
                    + Text(
                        $" In a step, {team.GradientBytes / Giga:0.000} GB go to the first trainer for each share of the others, and {team.ParameterBytes / Giga:0.000} GB back to each of them."
                    )
                    + (
                        team.ShardedBytes == 0
                            ? ""
                            : Text(
                                $" Each keeps a part of AdamW's moments (training.optimizer-state = sharded): {team.ShardedBytes / Giga:0.000} GB less on each device where there are {team.WorldSize} trainers."
                            )
                    )
            );
        }

        if (options.Data.Validation > 0 || options.Tasks.Any(task => task.ValidationFile is not null))
        {
            output.WriteLine(
                "Besides, held-out samples go forward at every checkpoint and at each stage's end (data.validation); the time for it is not counted."
            );
        }

        if (plan.MethodPasses is { } passes)
        {
            output.WriteLine($"Method {options.Method}: {passes}.");
        }

        if (plan.Stages.Any(stage => stage.Samples is null))
        {
            output.WriteLine("?: depends on data that are not there yet; memory is worked out for samples of model.max-length.");
        }
    }

    private static void WriteMemory(TextWriter output, ExperimentPlan plan, string device, long? capacity)
    {
        output.WriteLine();
        output.WriteLine($"Memory of {device} at its peak (1 GB = 1,000,000,000 bytes)");
        Parts(output, plan.Memory);
        if (plan.Host.Count > 0)
        {
            output.WriteLine("Memory of the host");
            Parts(output, plan.Host);
        }

        if (capacity is not { } bytes)
        {
            output.WriteLine($"How much {device} has is not known here: --memory 24GB compares.");
            return;
        }

        if (plan.DeviceBytes <= bytes)
        {
            output.WriteLine(Text($"It fits into {bytes / Giga:0.0} GB."));
            return;
        }

        output.WriteLine(Text($"It does NOT fit into {bytes / Giga:0.0} GB. What it would need with"));
        foreach (var remedy in plan.Remedies.Where(remedy => remedy.DeviceBytes < plan.DeviceBytes))
        {
            output.WriteLine(
                Text($"  {remedy.DeviceBytes / Giga, 9:0.00} GB {(remedy.DeviceBytes <= bytes ? "(fits)" : "      ")}  {remedy.Keys}")
            );
        }
    }

    private static void Parts(TextWriter output, IReadOnlyList<MemoryPart> parts)
    {
        foreach (var part in parts)
        {
            output.WriteLine(Text($"  {part.Bytes / Giga, 9:0.00} GB  {part.Name}"));
        }

        output.WriteLine(Text($"  {parts.Sum(part => part.Bytes) / Giga, 9:0.00} GB  together"));
    }

    private static void WriteDisk(TextWriter output, double bytes, string folder)
    {
        if (bytes == 0)
        {
            return;
        }

        var existing = folder;
        while (!Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing)!;
        }

        var free = new DriveInfo(existing).AvailableFreeSpace;
        output.WriteLine();
        output.WriteLine(
            Text($"Disk: {bytes / Giga:0.00} GB for two checkpoints and all adapters; {free / Giga:0.0} GB are free in {existing}")
                + (free < bytes ? ". NOT enough: name another folder with --runs." : ".")
        );
    }

    private static void WriteTime(TextWriter output, ExperimentPlan plan, (double TokensPerSecond, string Source)? speed)
    {
        if (plan.Stages.Count == 0)
        {
            return;
        }

        var tokens = plan.Stages.Sum(stage => stage.Tokens) + (plan.MethodTokens ?? 0);
        output.WriteLine(
            (speed, plan.MethodTokens is not null && plan.Stages.All(stage => stage.Tokens is not null)) switch
            {
                (_, false) => "Time: not known before the data are there.",
                (null, _) => Text(
                    $"Time: {tokens:n0} tokens are trained on; --tokens-per-second N, or a run with this model, would say how long that takes."
                ),
                ({ } known, _) => Text(
                    $"Time: about {Words.Duration(TimeSpan.FromSeconds(Math.Ceiling(tokens!.Value / known.TokensPerSecond)))} for training on {tokens:n0} tokens at {known.TokensPerSecond:n0} per second ({known.Source}); evaluation comes on top."
                ),
            }
        );
    }

    /// <summary>The training speed of the latest run with the same model and type that finished a stage.</summary>
    private static (double TokensPerSecond, string Source)? Measured(ExperimentOptions options, RunFolders folders)
    {
        foreach (var id in folders.Ids())
        {
            try
            {
                if (
                    RunJournal.Read(folders.PathOf(id)) is { Trained.Count: > 0 } state
                    && state.Options.Model.Name() == options.Model.Name()
                    && state.Options.Model.Dtype == options.Model.Dtype
                    && state.Options.Model.Quantization == options.Model.Quantization
                    && state.Trained.Values.Sum(stage => stage.Seconds) is > 0 and var seconds
                )
                {
                    return (state.Trained.Values.Sum(stage => stage.Tokens) / seconds, $"run {id}");
                }
            }
            catch (CoinException)
            {
                // A run that cannot be read has no speed to tell; `status` says what is wrong with it.
                continue;
            }
        }

        return null;
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

    private static string Known(int? number) => number is { } known ? Text($"{known:n0}") : "?";

    private static string Text(FormattableString text) => Words.Text(text);
}
