using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>A decoder's forward pass by <see cref="CpuKernels"/>, for answers as for training.</summary>
internal static class CpuDecoder
{
    /// <summary>Hidden states of new positions of several sequences, before the final norm.</summary>
    /// <param name="embedded">[N, hidden size]. Its memory is used for the result.</param>
    /// <param name="wanted">The positions whose states are wanted.</param>
    /// <param name="axes">int64 [N, 3]: each position in time, height and width; null where their places in their sequences say it.</param>
    /// <returns>[wanted positions, hidden size].</returns>
    public static Tensor Infer(
        DecoderModel language,
        IDecoderUpdates? updates,
        Tensor embedded,
        IReadOnlyList<NewPositions> stored,
        IReadOnlyList<NewPositions> wanted,
        Tensor? axes = null
    )
    {
        using var scope = NewDisposeScope();
        var table = RotationTable.Of(language, axes);
        SpanAttention Attention(IReadOnlyList<NewPositions>? queries) => new(language.Config, table, stored, queries, language.QueryScale);
        SpanAttention all = Attention(null),
            last = Attention(wanted);
        var x = embedded;
        for (var i = 0; i < language.Layers.Count; i++)
        {
            x = Layer(language, i, updates?.Layer(i), x, i == language.Layers.Count - 1 ? last : all);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <summary>One layer.</summary>
    /// <param name="x">[N, hidden size]. Its memory is used for the result, unless there is a tape.</param>
    /// <param name="tape">Receives what the backward pass needs; null where there will be none.</param>
    /// <returns>[N or wanted positions, hidden size].</returns>
    public static Tensor Layer(
        DecoderModel language,
        int number,
        ILayerUpdates? updates,
        Tensor x,
        CpuAttention attention,
        LayerTape? tape = null
    ) => Run(language, number, updates, x, attention, tape, wanted: true)!;

    /// <summary>A layer once more for the tape alone: its last product is left out.</summary>
    /// <param name="x">[N, hidden size]; not changed.</param>
    public static void Again(DecoderModel language, int number, ILayerUpdates? updates, Tensor x, CpuAttention attention, LayerTape tape) =>
        Run(language, number, updates, x, attention, tape, wanted: false);

    private static Tensor? Run(
        DecoderModel language,
        int number,
        ILayerUpdates? updates,
        Tensor x,
        CpuAttention attention,
        LayerTape? tape,
        bool wanted
    )
    {
        using var scope = NewDisposeScope();
        var (layer, eps) = (language.Layers[number], language.Config.RmsNormEps);
        var normalized = RowKernels.RmsNorm(x, layer.InputNorm, eps);
        var qkv = Linear(layer.Qkv, updates?.Qkv, normalized, sum: null, tape, out var qkvTape);
        normalized.Dispose();
        var (attended, logSums) = attention.Attend(number, qkv, logSums: tape is not null);
        tape?.Keep(qkv, attended, logSums!, qkvTape!);
        if (tape is null)
        {
            qkv.Dispose();
        }

        var middle =
            attention.Rows is { } rows ? x.index_select(0, rows)
            : tape is null ? x
            : x.clone();
        middle = Linear(layer.Output, updates?.Output, attended, middle, tape, out var outputTape);
        normalized = RowKernels.RmsNorm(middle, layer.PostNorm, eps);
        var gateUp = Linear(layer.GateUp, updates?.GateUp, normalized, sum: null, tape, out var gateUpTape);
        normalized.Dispose();
        using var inner = RowKernels.SwiGlu(gateUp);
        if (tape is null)
        {
            gateUp.Dispose();
        }

        Tensor? output = null;
        LinearTape? downTape;
        if (wanted)
        {
            output = Linear(layer.Down, updates?.Down, inner, tape is null ? middle : middle.clone(), tape, out downTape);
        }
        else
        {
            downTape = CpuLinear.Again(layer.Down, updates?.Down, inner);
        }

        tape?.Keep(middle, gateUp, outputTape!, gateUpTape!, downTape!);
        return output?.MoveToOuterDisposeScope();
    }

    /// <param name="kept">What the backward pass needs; null where there will be none.</param>
    private static Tensor Linear(Linear linear, ILinearUpdate? update, Tensor x, Tensor? sum, LayerTape? tape, out LinearTape? kept)
    {
        var y = CpuLinear.Forward(linear, update, x, sum, keeps: tape is not null, out var made);
        if (tape is null)
        {
            made.Dispose();
        }

        kept = tape is null ? null : made;
        return y;
    }
}
