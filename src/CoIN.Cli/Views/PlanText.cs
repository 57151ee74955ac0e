using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Configuration;
using CoIN.Models.Planning;

namespace CoIN.Cli.Views;

/// <summary>Plans for people.</summary>
internal static class PlanText
{
    /// <summary>A row for each run, and what all of them take.</summary>
    public static void Experiment(
        TextWriter output,
        ExperimentRuns experiment,
        IReadOnlyList<ExperimentOptions> options,
        IReadOnlyList<ExperimentPlan> plans,
        IReadOnlyList<TrainingSpeed?> speeds,
        string folder
    )
    {
        var rows = experiment
            .Runs.Select((run, place) => (Run: run, Plan: plans[place], Tokens: plans[place].Tokens, Speed: speeds[place]))
            .ToList();
        foreach (
            var line in ExperimentTable.Lines([
                ["run", "method", "stages", "steps", "tests", "tokens trained", "training time", "disk"],
                .. rows.Select(
                    (row, place) =>
                        (IReadOnlyList<string>)
                            [
                                row.Run.Name,
                                options[place].Method,
                                Text($"{row.Plan.Stages.Count}"),
                                Known(row.Plan.Steps),
                                Text($"{options[place].Curriculum().Cells.Count()}"),
                                row.Tokens is { } tokens ? Text($"{tokens:n0}") : "?",
                                TrainingSpeed.Time(row.Tokens, row.Speed) is { } time ? Words.Duration(time) : "?",
                                ByteSize.Text(row.Plan.CheckpointBytes, 2),
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

        Disk(output, plans.Sum(plan => plan.CheckpointBytes), folder);
    }

    /// <summary>What is trained, stage by stage.</summary>
    public static void Stages(TextWriter output, ExperimentPlan plan, ExperimentOptions options)
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
                Text($"Micro-batches of up to {tokens:n0} token{(tokens == 1 ? "" : "s")} (training.micro-batch-tokens)")
                    + (
                        plan.Stages.All(stage => stage.MicroBatches is not null)
                            ? Text(
                                $": {string.Join(", ", plan.Stages.Select(stage => Text($"{stage.MicroBatches:0.0}")))} a step on the average."
                            )
                            : "."
                    )
                    + (
                        plan.Stages.Any(stage => stage.LargestMicroBatch > tokens)
                            ? " Samples that are longer are micro-batches by themselves."
                            : ""
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
                        $" In a step, {ByteSize.Text(team.GradientBytes, 2)} go to the first trainer for each share of the others, and {ByteSize.Text(team.ParameterBytes, 2)} back to each of them."
                    )
                    + (
                        team.ShardedBytes == 0
                            ? ""
                            : Text(
                                $" Each keeps a part of AdamW's moments (training.optimizer-state = sharded): {ByteSize.Text(team.ShardedBytes, 2)} less on each device where there are {team.WorldSize} trainers."
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

    /// <summary>The memory that it takes, and what to change where there is too little.</summary>
    public static void Memory(TextWriter output, ExperimentPlan plan, string device, long? capacity)
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
            output.WriteLine($"It fits into {ByteSize.Text(bytes)}.");
            return;
        }

        output.WriteLine($"It does NOT fit into {ByteSize.Text(bytes)}. What it would need with");
        foreach (var remedy in plan.Remedies.Where(remedy => remedy.DeviceBytes < plan.DeviceBytes))
        {
            output.WriteLine(
                Text($"  {ByteSize.Text(remedy.DeviceBytes, 2), 12} {(remedy.DeviceBytes <= bytes ? "(fits)" : "      ")}  {remedy.Keys}")
            );
        }
    }

    private static void Parts(TextWriter output, IReadOnlyList<MemoryPart> parts)
    {
        foreach (var part in parts)
        {
            output.WriteLine($"  {ByteSize.Text(part.Bytes, 2), 12}  {part.Name}");
        }

        output.WriteLine($"  {ByteSize.Text(parts.Sum(part => part.Bytes), 2), 12}  together");
    }

    /// <summary>The disk that it takes.</summary>
    public static void Disk(TextWriter output, double bytes, string folder)
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
            $"Disk: {ByteSize.Text(bytes, 2)} for two checkpoints and all adapters; {ByteSize.Text(free)} are free in {existing}"
                + (free < bytes ? ". NOT enough: name another folder with --runs." : ".")
        );
    }

    /// <summary>The time that training takes.</summary>
    public static void Time(TextWriter output, ExperimentPlan plan, TrainingSpeed? speed)
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

    private static string Known(int? number) => number is { } known ? Text($"{known:n0}") : "?";

    private static string Text(FormattableString text) => Words.Text(text);
}
