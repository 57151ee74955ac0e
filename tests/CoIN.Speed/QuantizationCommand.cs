using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
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

    private const int Words = 8000,
        Samples = 8,
        Length = 160,
        Labelled = 24,
        Answer = 24;

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
            var text = new DecoderConfig(hidden, hidden * 43 / 16, 4, hidden / 64, hidden / 64, Words, 1e-5, 10000, 512, false);
            var vision = new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5);
            LlavaInitializer.Write(folder, new LlavaConfig(vision, text, -2, false), Words - 1, 1);
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
        Table(
            output,
            "answers, the adapter beside the weights",
            rounds,
            [.. models.Select(one => (one.Name, (Action)(() => Answers(one.Model, one.Adapter))))]
        );
        foreach (var parameter in models.SelectMany(one => one.Adapter.Parameters()))
        {
            parameter.requires_grad_(true);
        }

        foreach (var checkpointing in new[] { false, true })
        {
            Table(
                output,
                checkpointing ? "training with checkpointing" : "training",
                rounds,
                [.. models.Select(one => (one.Name, (Action)(() => Train(one.Model, one.Adapter, checkpointing))))]
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

    private static void Table(TextWriter output, string title, int rounds, IReadOnlyList<(string Name, Action Run)> work)
    {
        var seconds = work.Select(_ => new List<double>()).ToList();
        for (var round = -1; round < rounds; round++)
        {
            for (var i = 0; i < work.Count; i++)
            {
                var clock = Stopwatch.StartNew();
                work[i].Run();
                if (round >= 0)
                {
                    seconds[i].Add(clock.Elapsed.TotalSeconds);
                }
            }
        }

        output.WriteLine($"  {title}");
        for (var i = 0; i < work.Count; i++)
        {
            var ratios = seconds[i].Zip(seconds[0], (own, first) => own / first).Order().ToList();
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"    {work[i].Name, -12} {1000 * seconds[i].Order().ElementAt(rounds / 2), 8:0} ms   {ratios[rounds / 2], 5:0.00} "
                        + $"({ratios[0]:0.00}-{ratios[^1]:0.00})"
                )
            );
        }
    }

    private static void Train(LlavaModel model, IAdapter adapter, bool checkpointing)
    {
        using var scope = NewDisposeScope();
        var rows = Enumerable
            .Range(0, Samples)
            .Select(row => new TokenSequence(
                [.. Enumerable.Range(0, Length).Select(i => Id(row, i))],
                [.. Enumerable.Range(0, Length).Select(i => i < Length - Labelled ? -100 : Id(row, i))]
            ))
            .ToList();
        using var batch = SequenceBatch.Create(rows, 4, 512, CPU);
        model.Backend.Training(model, adapter, null, checkpointing).Run(batch, null, 1);
    }

    private static void Answers(LlavaModel model, IAdapter? adapter)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var prompts = Enumerable
            .Range(0, 2 * Samples)
            .Select(row => new TokenSequence([.. Enumerable.Range(0, Length / 2).Select(i => Id(row, i))], null))
            .ToList();
        GreedyGenerator.Generate(
            model,
            new GenerationRequest(prompts, null, Answer) { Lengths = [.. prompts.Select(_ => Answer)] },
            adapter
        );
    }

    private static int Id(int row, int place) => 1 + (((row * 7919) + (place * 104729)) % (Words - 2));
}
