using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>How the positions of a pass attend to one another and to those before them.</summary>
/// <param name="rotations">How queries and keys are turned.</param>
internal abstract class CpuAttention(DecoderConfig config, RotationTable rotations)
{
    protected HeadLayout Layout { get; } = new(config.Heads, config.KeyValueHeads, config.HeadSize);

    protected RotationTable Rotations { get; } = rotations;

    /// <summary>int64: the rows whose output is wanted; null for all.</summary>
    public abstract Tensor? Rows { get; }

    /// <summary>Attends.</summary>
    /// <param name="qkv">[N, queries, keys and values]; queries and keys are rotated in their place.</param>
    /// <param name="logSums">Whether the logarithms of the weights' sums are wanted, for the backward pass.</param>
    /// <returns>[wanted rows, hidden size], and the logarithms [wanted rows, heads].</returns>
    public abstract (Tensor Attended, Tensor? LogSums) Attend(int layer, Tensor qkv, bool logSums);

    /// <summary>Empty memory for the logarithms.</summary>
    protected Tensor? LogSums(bool wanted, IReadOnlyList<NewPositions> queries) =>
        wanted ? empty([queries.Sum(one => one.Count), Layout.Heads], ScalarType.Float32) : null;
}

/// <summary>New positions behind those that their spans hold.</summary>
/// <param name="stored">All new positions: their keys and values are written.</param>
/// <param name="wanted">The positions whose output is wanted, in order; null for all.</param>
/// <param name="queryScale">[positions]: what queries are multiplied with; null for nothing.</param>
internal sealed class SpanAttention(
    DecoderConfig config,
    RotationTable rotations,
    IReadOnlyList<NewPositions> stored,
    IReadOnlyList<NewPositions>? wanted = null,
    Tensor? queryScale = null
) : CpuAttention(config, rotations)
{
    /// <inheritdoc/>
    public override Tensor? Rows { get; } =
        wanted is null ? null : tensor(wanted.SelectMany(one => Enumerable.Range(one.From, one.Count)).Select(row => (long)row).ToArray());

    /// <inheritdoc/>
    public override (Tensor Attended, Tensor? LogSums) Attend(int layer, Tensor qkv, bool logSums)
    {
        var sums = LogSums(logSums, wanted ?? stored);
        Attention.Store(qkv, Layout, stored, layer, Rotations, queryScale);
        return (Attention.Attend(qkv, Layout, wanted ?? stored, layer, causal: true, sums), sums);
    }
}

/// <summary>Whole sequences, whose keys and values nobody needs afterwards.</summary>
/// <param name="rows">int64: the positions whose output is wanted, which are the sequences' queries; null for all.</param>
internal sealed class SequenceAttention(
    DecoderConfig config,
    RotationTable rotations,
    IReadOnlyList<AttendedSequence> sequences,
    Tensor? rows
) : CpuAttention(config, rotations)
{
    /// <inheritdoc/>
    public override Tensor? Rows { get; } = rows;

    /// <inheritdoc/>
    public override (Tensor Attended, Tensor? LogSums) Attend(int layer, Tensor qkv, bool logSums)
    {
        var spans = sequences.Select(one => new KeyValueSpan(1, Layout.KeyValueHeads, Layout.Size, one.Length, null)).ToList();
        try
        {
            var all = sequences.Zip(spans, (one, span) => new NewPositions(one.From, one.Length, span, span.Extend(one.Length))).ToList();
            IReadOnlyList<NewPositions> queries = Rows is null
                ? all
                : [.. sequences.Zip(spans).SelectMany(pair => Runs(pair.First, pair.Second))];
            var sums = LogSums(logSums, queries);
            Attention.Store(qkv, Layout, all, layer: 0, Rotations);
            return (Attention.Attend(qkv, Layout, queries, layer: 0, causal: true, sums), sums);
        }
        finally
        {
            spans.ForEach(span => span.Dispose());
        }
    }

    /// <summary>The backward pass.</summary>
    /// <param name="qkv">As <see cref="Attend"/> left it.</param>
    /// <param name="gradient">Of what was attended.</param>
    /// <returns>The gradient with respect to queries, keys and values before their rotation.</returns>
    public Tensor Backward(Tensor qkv, Tensor attended, Tensor logSums, Tensor gradient) =>
        AttentionGradient.Run(qkv, attended, logSums, gradient, Layout, sequences, Rotations);

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
