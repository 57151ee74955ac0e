using System.CommandLine;
using Newtonsoft.Json;

namespace CoIN.Speed.Scheduling;

/// <summary>Simulates clusters of rising size, and shows what of the scheduling grows faster than they do.</summary>
internal static class SchedulingCommand
{
    /// <summary>Its first word.</summary>
    public const string Name = "scheduling";

    public static RootCommand Build()
    {
        var like = new SimulationOptions { Gpus = 0, Runs = 0 };
        var gpus = new Option<int[]>("--gpus")
        {
            DefaultValueFactory = _ => [10, 100, 1000],
            AllowMultipleArgumentsPerToken = true,
            Description = "Sizes of the cluster, one simulation each",
        };
        var perHost = Number("--gpus-per-host", like.GpusPerHost, "GPUs of a host");
        var runs = new Option<int[]>("--runs")
        {
            AllowMultipleArgumentsPerToken = true,
            Description = "Runs at a time, one number for each size; a fifth of the GPUs where it is not said",
        };
        var stages = Number("--stages", like.Stages, "Stages of a run, each tested on all tasks so far");
        var samples = Number("--samples", like.Samples, "Test samples of a task");
        var shard = Number("--shard-size", like.ShardSize, "Test samples that one evaluator answers as one piece of work");
        var steps = Number("--steps", like.Steps, "Optimizer steps of a stage");
        var step = Real("--step-seconds", like.StepSeconds, "Seconds of a step");
        var answer = Real("--answer-seconds", like.AnswerSeconds, "Seconds of an answer");
        var load = Real("--load-seconds", like.LoadSeconds, "Seconds to load the base model, once on each GPU");
        var judge = Real("--judge-seconds", like.JudgeSeconds, "Seconds in which a judge gives marks to a cell; 0 for no judges");
        var slow = Number("--slow-evaluators", like.SlowEvaluators, "Evaluators that are slower than the others");
        var slower = Real("--slower", like.Slower, "How many times as long they need");
        var limit = Real("--limit", like.Limit, "Processor seconds of this computer after which a simulation is left");
        var file = new Option<FileInfo?>("--out") { Description = "All figures as JSON" };
        var root = new RootCommand(
            "Simulates clusters: the product's scheduler and supervisors with simulated workers in virtual time. Needs no GPU, and no model."
        )
        {
            gpus,
            perHost,
            runs,
            stages,
            samples,
            shard,
            steps,
            step,
            answer,
            load,
            judge,
            slow,
            slower,
            limit,
            file,
        };
        root.SetAction(parsed =>
        {
            var sizes = parsed.GetValue(gpus)!;
            var several = parsed.GetValue(runs) is { Length: > 0 } given ? given : [.. sizes.Select(size => Math.Max(1, size / 5))];
            if (several.Length != sizes.Length)
            {
                throw new Benchmark.CoinException(
                    $"--runs has {several.Length} numbers, and --gpus has {sizes.Length}: give one for each size."
                );
            }

            return Run([.. sizes.Zip(several, (size, at) => new SimulationOptions
                        {
                            Gpus = size,
                            Runs = at,
                            GpusPerHost = parsed.GetValue(perHost),
                            Stages = parsed.GetValue(stages),
                            Samples = parsed.GetValue(samples),
                            ShardSize = parsed.GetValue(shard),
                            Steps = parsed.GetValue(steps),
                            StepSeconds = parsed.GetValue(step),
                            AnswerSeconds = parsed.GetValue(answer),
                            LoadSeconds = parsed.GetValue(load),
                            JudgeSeconds = parsed.GetValue(judge),
                            SlowEvaluators = parsed.GetValue(slow),
                            Slower = parsed.GetValue(slower),
                            Limit = parsed.GetValue(limit),
                        })], parsed.GetValue(file), Console.Out);
        });
        return root;
    }

    private static Option<int> Number(string name, int usual, string description) =>
        new(name) { DefaultValueFactory = _ => usual, Description = description };

    private static Option<double> Real(string name, double usual, string description) =>
        new(name) { DefaultValueFactory = _ => usual, Description = description };

    private static int Run(IReadOnlyList<SimulationOptions> sizes, FileInfo? file, TextWriter output)
    {
        var results = new List<SimulationResult>();
        foreach (var options in sizes)
        {
            using var simulation = new ClusterSimulation(options);
            results.Add(simulation.Run());
        }

        SimulationTable.Show(output, results);
        if (file is not null)
        {
            File.WriteAllText(file.FullName, JsonConvert.SerializeObject(results, Formatting.Indented));
        }

        return results.TrueForAll(one => one.Done) ? 0 : 1;
    }
}
