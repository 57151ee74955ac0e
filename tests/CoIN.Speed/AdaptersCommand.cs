using System.CommandLine;
using System.Diagnostics;
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

    private const int Words = 8000,
        Samples = 8,
        Length = 160,
        Labelled = 24,
        Answer = 24;

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
            LlavaInitializer.Write(
                folder,
                new LlavaConfig(
                    new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                    new DecoderConfig(512, 1376, 4, 8, 8, Words, 1e-5, 10000, 512, false),
                    -2,
                    false
                ),
                Words - 1,
                1
            );
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
            .Select(one => (one.Name, Run: (Action)(() => Answers(model, one.Adapter))))
            .Append(("LoRA, merged", () => Answers(merged, null)));
        Table(output, "answers (adapter beside the weights)", rounds, [.. work]);
        merged.Language.Dispose();
        foreach (var parameter in adapters.SelectMany(one => one.Adapter.Parameters()))
        {
            parameter.requires_grad_(true);
        }

        foreach (var dropout in new[] { 0, 0.05 })
        {
            Table(
                output,
                $"training, dropout {dropout}",
                rounds,
                [.. adapters.Select(one => (one.Name, (Action)(() => Train(model, one.Adapter, dropout))))]
            );
        }

        foreach (var mixture in mixtures.Values)
        {
            mixture.Dispose();
        }
    }

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

        output.WriteLine(title);
        for (var i = 0; i < work.Count; i++)
        {
            var ratios = seconds[i].Zip(seconds[0], (own, first) => own / first).Order().ToList();
            output.WriteLine(
                FormattableString.Invariant(
                    $"  {work[i].Name, -18} {1000 * Median(seconds[i]), 8:0} ms   {Median(ratios), 5:0.00} of LoRA's ({ratios[0]:0.00}-{ratios[^1]:0.00})"
                )
            );
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private static void Train(LlavaModel model, IAdapter adapter, double probability)
    {
        using var scope = NewDisposeScope();
        var dropout = probability == 0 ? null : new Dropout(probability, CPU);
        dropout?.Seed(1);
        var rows = Enumerable
            .Range(0, Samples)
            .Select(row => new TokenSequence(
                [.. Enumerable.Range(0, Length).Select(i => Id(row, i))],
                [.. Enumerable.Range(0, Length).Select(i => i < Length - Labelled ? -100 : Id(row, i))]
            ))
            .ToList();
        using var batch = SequenceBatch.Create(rows, 4, 512, CPU);
        model.Backend.Training(model, adapter, dropout, checkpointing: false).Run(batch, null, 1);
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
