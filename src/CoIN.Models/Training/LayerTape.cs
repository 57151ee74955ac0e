using CoIN.Models.Adapters;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>What is the same for all layers of a pass.</summary>
/// <param name="Sequences">Whole sequences, one behind the other.</param>
/// <param name="Rotations">Rotary cosines and sines by position.</param>
/// <param name="Scaling">α / r.</param>
internal sealed record LayerPass(
    LlamaConfig Config, IReadOnlyList<AttendedSequence> Sequences, (Tensor Cos, Tensor Sin) Rotations, double Scaling, Dropout? Dropout)
{
    public HeadLayout Layout => new(Config.Heads, Config.KeyValueHeads, Config.HeadSize);
}

/// <summary>
/// One decoder layer's way there and back by <see cref="CpuKernels"/>, without a graph. It keeps what is costly to compute again; norms and the product of the gated units are made anew on the way
/// back.
/// </summary>
internal sealed class LayerTape : IDisposable
{
    private readonly LlamaLayer layer;
    private readonly LayerPass pass;
    private readonly Tensor? rows;
    private readonly Tensor input;
    private Tensor qkv = null!;
    private Tensor attended = null!;
    private Tensor logSums = null!;
    private Tensor middle = null!;
    private Tensor gateUp = null!;
    private LoraTape qkvTape = null!;
    private LoraTape outputTape = null!;
    private LoraTape gateUpTape = null!;
    private LoraTape downTape = null!;

    private LayerTape(LlamaLayer layer, LayerPass pass, Tensor input, Tensor? rows)
    {
        this.layer = layer;
        this.pass = pass;
        this.rows = rows;
        this.input = input.alias().DetachFromDisposeScope();
    }

    /// <summary>The way there.</summary>
    /// <param name="x">[N, hidden size]; not changed.</param>
    /// <param name="rows">int64: the only positions whose output is wanted, which are the sequences' queries; null for all.</param>
    /// <param name="tape">What the way back needs.</param>
    /// <returns>[N or wanted positions, hidden size].</returns>
    public static Tensor Forward(LlamaLayer layer, LoraLayer lora, LayerPass pass, Tensor x, Tensor? rows, out LayerTape tape)
    {
        using var scope = NewDisposeScope();
        var made = new LayerTape(layer, pass, x, rows);
        var output = made.Forward(lora, x).MoveToOuterDisposeScope();
        foreach (var kept in made.Kept)
        {
            kept.DetachFromDisposeScope();
        }

        tape = made;
        return output;
    }

    /// <summary>The way back: adds to the gradients of the low-rank matrices. What was kept is used up.</summary>
    /// <param name="gradient">Of the output. Its memory is used.</param>
    /// <param name="wanted">Whether the input's gradient is.</param>
    /// <returns>[N, hidden size], or null; <paramref name="gradient"/> itself where the sizes are the same.</returns>
    public Tensor? Backward(Tensor gradient, bool wanted)
    {
        using var scope = NewDisposeScope();
        var config = pass.Config;
        var inner = RowKernels.SwiGlu(gateUp);
        var innerGradient = downTape.Backward(inner, gradient)!;
        inner.Dispose();
        RowGradients.SwiGlu(gateUp, innerGradient);
        innerGradient.Dispose();
        var normalized = RowKernels.RmsNorm(middle, layer.PostNorm, config.RmsNormEps);
        var normalizedGradient = gateUpTape.Backward(normalized, gateUp)!;
        normalized.Dispose();
        gateUp.Dispose();
        RowGradients.AddRmsNorm(middle, layer.PostNorm, config.RmsNormEps, normalizedGradient, gradient);
        normalizedGradient.Dispose();

        var attendedGradient = outputTape.Backward(attended, gradient)!;
        var qkvGradient = AttentionGradient.Run(qkv, attended, logSums, attendedGradient, pass.Layout, pass.Sequences, pass.Rotations);
        attendedGradient.Dispose();
        qkv.Dispose();
        var first = RowKernels.RmsNorm(input, layer.InputNorm, config.RmsNormEps);
        var firstGradient = qkvTape.Backward(first, qkvGradient, wanted);
        if (!wanted)
        {
            return null;
        }

        qkvGradient.Dispose();
        first.Dispose();
        var sum = rows is null ? gradient : zeros_like(input).index_copy_(0, rows, gradient).MoveToOuterDisposeScope();
        RowGradients.AddRmsNorm(input, layer.InputNorm, config.RmsNormEps, firstGradient!, sum);
        return sum;
    }

    public void Dispose()
    {
        foreach (var tensor in Kept)
        {
            tensor.Dispose();
        }

        foreach (var tape in new[] { qkvTape, outputTape, gateUpTape, downTape })
        {
            tape.Dispose();
        }

        input.Dispose();
    }

    private IEnumerable<Tensor> Kept => [qkv, attended, logSums, middle, gateUp];

    private Tensor Forward(LoraLayer lora, Tensor x)
    {
        var config = pass.Config;
        var normalized = RowKernels.RmsNorm(x, layer.InputNorm, config.RmsNormEps);
        qkv = LoraTape.Forward(layer.Qkv, lora.Qkv, normalized, pass.Scaling, pass.Dropout, sum: null, out qkvTape);
        normalized.Dispose();
        Attend();

        middle = rows is null ? x.clone() : x.index_select(0, rows);
        middle = LoraTape.Forward(layer.Output, lora.Output, attended, pass.Scaling, pass.Dropout, middle, out outputTape);
        normalized = RowKernels.RmsNorm(middle, layer.PostNorm, config.RmsNormEps);
        gateUp = LoraTape.Forward(layer.GateUp, lora.GateUp, normalized, pass.Scaling, pass.Dropout, sum: null, out gateUpTape);
        normalized.Dispose();
        using var inner = RowKernels.SwiGlu(gateUp);
        return LoraTape.Forward(layer.Down, lora.Down, inner, pass.Scaling, pass.Dropout, middle.clone(), out downTape);
    }

    private void Attend()
    {
        var layout = pass.Layout;
        var spans = pass.Sequences.Select(one => new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, one.Length, null)).ToList();
        try
        {
            var all = pass.Sequences.Zip(spans, (one, span) => new NewPositions(one.From, one.Length, span, span.Extend(one.Length))).ToList();
            Attention.Store(qkv, layout, all, layer: 0, pass.Rotations);
            var queries = rows is null ? all : [.. pass.Sequences.Zip(spans).SelectMany(pair => Runs(pair.First, pair.Second))];
            logSums = empty([queries.Sum(one => one.Count), layout.Heads], ScalarType.Float32);
            attended = Attention.Attend(qkv, layout, queries, layer: 0, causal: true, logSums);
        }
        finally
        {
            spans.ForEach(span => span.Dispose());
        }
    }

    /// <summary>A sequence's queries, those together that follow one another.</summary>
    private static IEnumerable<NewPositions> Runs(AttendedSequence sequence, KeyValueSpan span)
    {
        for (int first = 0, end; first < sequence.Queries.Count; first = end)
        {
            end = first + 1;
            while (end < sequence.Queries.Count && sequence.Queries[end] == sequence.Queries[end - 1] + 1)
            {
                end++;
            }

            yield return new NewPositions(sequence.From + sequence.Queries[first], end - first, span, sequence.Queries[first]);
        }
    }
}
