using System.CommandLine;
using System.Diagnostics;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed;

/// <summary>
/// Compares a base model in four bits with the same as it is, in float32 and bfloat16: loading, forward and backward of a micro-batch, and
/// answers. All take their turns in every round, so that what else the computer does meets all alike.
/// </summary>
internal static class QuantizationCommand
{
    /// <summary>Its first word.</summary>
    public const string Name = "quantization";

    public static RootCommand Build()
    {
        var rounds = new Option<int>("--rounds") { DefaultValueFactory = _ => 3, Description = "Measured rounds; figures are medians" };
        var hidden = new Option<int>("--hidden") { DefaultValueFactory = _ => 1024, Description = "Hidden size, a multiple of 128" };
        var root = new RootCommand(
            "Compares a LLaVA of 4 layers whose linear maps are held in four bits with the same as it is: memory, answers, training."
        )
        {
            rounds,
            hidden,
        };
        root.SetAction(parsed => Run(Math.Max(1, parsed.GetValue(rounds)), parsed.GetValue(hidden), Console.Out));
        return root;
    }

    private static int Run(int rounds, int hidden, TextWriter output)
    {
        var folder = Directory.CreateTempSubdirectory("coin-quantization-").FullName;
        try
        {
            MadeWork.WriteModel(folder, hidden, hidden * 43 / 16, hidden / 64);
            foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                Measure(folder, dtype, rounds, output);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(string folder, ScalarType dtype, int rounds, TextWriter output)
    {
        var models = new[] { null, new Nf4Settings(), new Nf4Settings(64, false) }
            .Select(nf4 =>
            {
                var clock = Stopwatch.StartNew();
                var model = LlavaCheckpoint.Load(LlavaSource.Of(folder), dtype, CPU, _ => { }, nf4);
                var name =
                    nf4 is null ? "as it is"
                    : nf4.DoubleQuantization ? "nf4, double"
                    : "nf4";
                output.WriteLine(
                    FormattableString.Invariant(
                        $"{dtype}, {name, -12} {Bytes(model) / 1e6, 8:n1} MB of linear maps, loaded in {clock.Elapsed.TotalSeconds:n2} s"
                    )
                );
                var adapter = LoraAdapter.Initialize(model.Language, model.Projector, new LoraOptions { Rank = 64, Alpha = 128 }, CPU, 1);
                return (Name: name, Model: model, Adapter: adapter);
            })
            .ToList();
        Turns.Table(
            output,
            "answers, the adapter beside the weights",
            rounds,
            [.. models.Select(one => (one.Name, (Action)(() => MadeWork.Answers(one.Model, one.Adapter))))],
            "the plain one's"
        );
        foreach (var parameter in models.SelectMany(one => one.Adapter.Parameters()))
        {
            parameter.requires_grad_(true);
        }

        foreach (var checkpointing in new[] { false, true })
        {
            Turns.Table(
                output,
                checkpointing ? "training with checkpointing" : "training",
                rounds,
                [.. models.Select(one => (one.Name, (Action)(() => MadeWork.Train(one.Model, one.Adapter, checkpointing: checkpointing))))],
                "the plain one's"
            );
        }

        models.ForEach(one => one.Adapter.Dispose());
        models.ForEach(one => one.Model.Dispose());
    }

    private static long Bytes(LlavaModel model) =>
        model
            .Language.Layers.SelectMany(layer => layer.Linears)
            .SelectMany(linear => linear.Parameters())
            .Sum(tensor => tensor.numel() * tensor.element_size());
}
