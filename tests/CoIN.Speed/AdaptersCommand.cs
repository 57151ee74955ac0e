using System.CommandLine;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed;

/// <summary>
/// Compares kinds of adapters with one another: forward and backward of a micro-batch, and answers, by the backend that this computer has.
/// All take their turns in every round, so that what else the computer does meets all alike.
/// </summary>
internal static class AdaptersCommand
{
    /// <summary>Its first word.</summary>
    public const string Name = "adapters";

    private static readonly LoraOptions Lora = new() { Rank = 64, Alpha = 128 };

    public static RootCommand Build()
    {
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 5, Description = "Measured rounds; figures are medians" };
        var root = new RootCommand(
            "Compares MoELoRA of 2, 4 and 8 experts with LoRA: training and answers of a LLaVA of hidden size 512 with 4 layers."
        )
        {
            rounds,
        };
        root.SetAction(parsed => Run(Math.Max(1, parsed.GetValue(rounds)), Console.Out));
        return root;
    }

    private static int Run(int rounds, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("coin-adapters-").FullName;
        try
        {
            MadeWork.WriteModel(folder, 512, 1376, 8);
            using var model = LlavaCheckpoint.Load(folder, ScalarType.Float32, CPU, _ => { });
            Measure(model, rounds, output);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(LlavaModel model, int rounds, TextWriter output)
    {
        using var plain = LoraAdapter.Initialize(model.Language, model.Projector, Lora, CPU, 1);
        var mixtures = new[] { 1, 2, 4, 8 }.ToDictionary(
            experts => experts,
            experts => MoeLoraAdapter.Initialize(model.Language, model.Projector, Lora, experts, CPU, 1)
        );
        var adapters = new List<(string Name, IAdapter Adapter)> { ("LoRA", plain) };
        adapters.AddRange(mixtures.Select(pair => ($"MoELoRA, E = {pair.Key}", (IAdapter)pair.Value)));
        var merged = (LlavaModel)model.Merged(plain);
        var work = adapters
            .Select(one => (one.Name, Run: (Action)(() => MadeWork.Answers(model, one.Adapter))))
            .Append(("LoRA, merged", () => MadeWork.Answers(merged, null)));
        Turns.Table(output, "answers (adapter beside the weights)", rounds, [.. work], "LoRA's");
        merged.Language.Dispose();
        foreach (var parameter in adapters.SelectMany(one => one.Adapter.Parameters()))
        {
            parameter.requires_grad_(true);
        }

        foreach (var dropout in new[] { 0, 0.05 })
        {
            Turns.Table(
                output,
                $"training, dropout {dropout}",
                rounds,
                [.. adapters.Select(one => (one.Name, (Action)(() => MadeWork.Train(model, one.Adapter, dropout))))],
                "LoRA's"
            );
        }

        foreach (var mixture in mixtures.Values)
        {
            mixture.Dispose();
        }
    }
}
