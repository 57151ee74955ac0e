using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed;

/// <summary>A LLaVA of made-up values in a folder, and made-up texts for it.</summary>
internal static class MadeWork
{
    private const int Words = 8000,
        Samples = 8,
        Length = 160,
        Labelled = 24,
        Answer = 24;

    /// <summary>Writes a model of 4 layers.</summary>
    public static void WriteModel(string folder, int hidden, int intermediate, int heads) =>
        LlavaInitializer.Write(
            folder,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(hidden, intermediate, 4, heads, heads, Words, 1e-5, 10000, 512, false),
                -2,
                false
            ),
            Words - 1,
            1
        );

    /// <summary>Forward and backward of a micro-batch.</summary>
    public static void Train(LlavaModel model, IAdapter adapter, double probability = 0, bool checkpointing = false)
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
        model.Backend.Training(model, adapter, dropout, checkpointing).Run(batch, null, 1);
    }

    /// <summary>Answers to prompts, all of one length.</summary>
    public static void Answers(LlavaModel model, IAdapter? adapter)
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
