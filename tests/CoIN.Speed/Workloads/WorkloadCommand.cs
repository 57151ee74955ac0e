using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.Llava;
using CoIN.Models.Planning;
using CoIN.Speed.Comparison;
using CoIN.Speed.Sides;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Speed.Workloads;

/// <summary>
/// Writes what a device is measured with (<c>tests/gpu/check.sh</c>): one model in LLaVA-1.5-7B's sizes, trained in one micro-batch of all
/// samples (<c>batch</c>) and sample by sample (<c>single</c>), with the operations that each needs and the memory that <c>coin plan</c>
/// foretells (<c>plan.json</c>).
/// </summary>
internal static class WorkloadCommand
{
    public const string Name = "workload";

    /// <summary>Layers of LLaVA-1.5-7B.</summary>
    private const int AllLayers = 32;

    private const int Seed = 42;

    public static RootCommand Build()
    {
        var folder = new Option<string>("--out")
        {
            Required = true,
            HelpName = "DIR",
            Description = "A folder that does not exist yet",
        };
        var device = Text("--device", "cpu", "cpu or cuda:N");
        var dtype = Text("--dtype", "bfloat16", "Type of the base model's weights");
        dtype.AcceptOnlyFromAmong("float32", "bfloat16");
        var layers = Number("--layers", 8, $"Layers of the language model, of {AllLayers}");
        var rank = Number("--rank", 128, "Rank of the low-rank matrices");
        var positions = Number("--positions", 9000, "Positions of the training samples together");
        var tokens = Number("--image-tokens", 576, "Image tokens of a picture");
        var questions = Number("--questions", 32, "Test questions of each of four tasks");
        var batch = Number("--batch-size", 32, "Prompts per batch of the product's evaluation");
        var threads = Number("--threads", Environment.ProcessorCount, "Compute threads of each side");
        var small = new Option<bool>("--small") { Description = "A model too small to tell how fast anything is, in place of the layers" };
        var root = new RootCommand("Writes a model with random weights and what it is to do, for measurements on a device.")
        {
            folder,
            device,
            dtype,
            layers,
            rank,
            positions,
            tokens,
            questions,
            batch,
            threads,
            small,
        };
        root.SetAction(parsed =>
        {
            var options = new CompareOptions(
                null,
                1,
                parsed.GetValue(threads),
                parsed.GetValue(small),
                [parsed.GetValue(tokens)],
                null,
                parsed.GetValue(dtype)!,
                Seed,
                parsed.GetValue(batch),
                null
            )
            {
                Device = parsed.GetValue(device)!,
                Layers = parsed.GetValue(small) ? null : parsed.GetValue(layers),
                Rank = parsed.GetValue(rank),
                Checkpointing = true,
                Positions = parsed.GetValue(positions),
                Questions = parsed.GetValue(questions),
                Stored = parsed.GetValue(dtype)!,
            };
            Write(options, Path.GetFullPath(parsed.GetValue(folder)!));
            return 0;
        });
        return root;
    }

    private static Option<string> Text(string name, string value, string what) =>
        new(name) { DefaultValueFactory = _ => value, Description = what };

    private static Option<int> Number(string name, int value, string what) =>
        new(name) { DefaultValueFactory = _ => value, Description = what };

    private static void Write(CompareOptions options, string folder)
    {
        if (Directory.Exists(folder))
        {
            throw new CoinException($"--out: {folder} exists. Name a folder that does not exist yet.");
        }

        var together = Path.Combine(folder, "batch");
        var tokens = options.ImageTokens[0];
        var drawn = new WorkloadWriter(options, tokens).Write(together);
        WriteSettings(together, Workload.ModelOf(together), drawn.ImageSize);
        var apart = Directory.CreateDirectory(Path.Combine(folder, "single")).FullName;
        Link(together, apart);
        (drawn with { BatchSize = 1 }).Write(apart);

        // The whole model, of which only its settings are needed.
        var whole = Directory.CreateDirectory(Path.Combine(folder, "whole")).FullName;
        var config = SpeedFamily.LlavaSpeed.Config(options.SizeOf(tokens) with { Layers = AllLayers });
        LlavaInitializer.WriteConfig(whole, config, config.Text.VocabularySize - 1, options.Dtype);
        WriteSettings(together, whole, config.Vision.ImageSize);

        var work = new Work(drawn, SpeedFamily.Of(drawn.Family).Shape(options.SizeOf(tokens)));
        var plans = new JObject { ["layers"] = options.Layers, ["evaluationGflop"] = drawn.Evaluation.Sum(work.Evaluation) / 1e9 };
        foreach (var (name, workload) in new[] { ("batch", drawn), ("single", drawn with { BatchSize = 1 }) })
        {
            var plan = Plan(workload, Workload.ModelOf(Path.Combine(folder, name)));
            plans[name] = new JObject
            {
                ["samples"] = workload.Training.Count,
                ["positions"] = workload.TrainingTokens,
                ["largestMicroBatch"] = plan.Stages[0].LargestMicroBatch,
                ["gflop"] = work.Training() / 1e9,
                ["deviceBytes"] = plan.DeviceBytes,
                ["memory"] = new JObject(plan.Memory.Select(part => new JProperty(part.Name, part.Bytes))),
                ["wholeModelBytes"] = options.Quick ? null : Plan(workload, whole).DeviceBytes,
            };
        }

        File.WriteAllText(Path.Combine(folder, "plan.json"), plans.ToString(Formatting.Indented) + "\n");
    }

    private static ExperimentPlan Plan(Workload workload, string model) =>
        ExperimentPlanner.Plan(OurTraining.Options(workload, model), workload.Device, evaluators: 0, _ => OurTraining.Samples(workload));

    /// <summary>What a model's folder needs beside its weights for a plan.</summary>
    private static void WriteSettings(string workload, string model, int size)
    {
        File.Copy(Path.Combine(workload, "tokenizer.model"), Path.Combine(model, "tokenizer.model"));
        File.WriteAllText(
            Path.Combine(model, "preprocessor_config.json"),
            $$"""{"size": {{size}}, "crop_size": {{size}}, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"""
        );
    }

    /// <summary>The same files in a folder beside the first, but for the workload itself.</summary>
    private static void Link(string from, string to)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(from).Where(path => path != Workload.FileOf(from)))
        {
            var name = Path.GetFileName(path);
            File.CreateSymbolicLink(Path.Combine(to, name), Path.Combine("..", Path.GetFileName(from), name));
        }
    }
}
