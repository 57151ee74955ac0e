using CoIN.Benchmark.Experiments;
using CoIN.Configuration;
using CoIN.Models.Planning;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Views;

/// <summary>Plans for programs.</summary>
internal static class PlanJson
{
    /// <summary>The plans of all runs.</summary>
    /// <param name="capacity">Bytes of the device; null where that is not known.</param>
    /// <param name="speedOf">Of a run, by its place.</param>
    public static JObject Of(
        string device,
        long? capacity,
        ExperimentRuns? experiment,
        IReadOnlyList<ExperimentOptions> options,
        IReadOnlyList<ExperimentPlan> plans,
        Func<int, TrainingSpeed?> speedOf
    )
    {
        var all = new JObject
        {
            ["device"] = device,
            ["deviceBytes"] = capacity,
            ["runs"] = new JArray(
                plans.Select((plan, place) => OfRun(experiment?.Runs[place].Name ?? options[place].Name, plan, capacity, speedOf(place)))
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
                ["trainingSeconds"] = shared.Time(speedOf)?.TotalSeconds,
                ["sharedStages"] = shared.SharedStages,
                ["sharedTests"] = shared.SharedTests,
            };
        }

        return all;
    }

    /// <summary>A run's plan for programs; what is not known is null.</summary>
    private static JObject OfRun(string name, ExperimentPlan plan, long? capacity, TrainingSpeed? speed) =>
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
            ["trainedTokens"] = plan.Tokens + (plan.MethodTokens ?? 0),
            ["tokensPerSecond"] = speed?.TokensPerSecond,
            ["trainingSeconds"] = TrainingSpeed.Time(plan.Tokens + (plan.MethodTokens ?? 0), speed)?.TotalSeconds,
        };
}
