using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// Sequences of unequal lengths laid end to end, so that everything but attention works on real positions only. Attention alone sees them
/// side by side, padded on the right, where causality keeps padding out of sight.
/// </summary>
internal sealed class PackedSequences : IDisposable
{
    private readonly Tensor? padded;
    private readonly Tensor? packed;
    private readonly Tensor boundaries;
    private Tensor? starts;

    public PackedSequences(IReadOnlyList<int> lengths, Device device)
        : this(lengths, () => Uploads.Indices(device, Indices(lengths))) { }

    /// <param name="upload">Gives what <see cref="Indices"/> says, on the device.</param>
    internal PackedSequences(IReadOnlyList<int> lengths, Func<IReadOnlyList<Tensor?>> upload)
    {
        using var scope = NewDisposeScope();
        Lengths = lengths;
        Longest = lengths.Max();
        var indices = upload();
        (Positions, boundaries, padded, packed) = (indices[0]!, indices[1]!, indices[2], indices[3]);
        foreach (var index in indices)
        {
            index?.DetachFromDisposeScope();
        }
    }

    /// <summary>What it needs on a device.</summary>
    /// <returns>
    /// Positions; where sequences begin, and the last one's end; and where lengths differ the ways to padded and to packed rows.
    /// </returns>
    public static long[]?[] Indices(IReadOnlyList<int> lengths)
    {
        var longest = lengths.Max();
        var total = lengths.Sum();
        var positions = new long[total];
        var toPadded = new long[lengths.Count * longest];
        var toPacked = new long[total];
        var boundaries = new long[lengths.Count + 1];
        var at = 0;
        for (var row = 0; row < lengths.Count; row++)
        {
            for (var i = 0; i < lengths[row]; i++, at++)
            {
                positions[at] = i;
                toPacked[at] = ((long)row * longest) + i;
                toPadded[toPacked[at]] = at;
            }

            boundaries[row + 1] = at;
        }

        return total == toPadded.Length ? [positions, boundaries, null, null] : [positions, boundaries, toPadded, toPacked];
    }

    public IReadOnlyList<int> Lengths { get; }

    public int Count => Lengths.Count;

    public int Longest { get; }

    /// <summary>int64 [sum of lengths]: each position within its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>int32 [sequences + 1]: where each sequence begins, and where the last one ends.</summary>
    public Tensor Starts => starts ??= boundaries.to(ScalarType.Int32).DetachFromDisposeScope();

    /// <summary>
    /// [sum of lengths, heads, size] to [sequences, longest, heads, size]. What stands in the padding is arbitrary but finite.
    /// </summary>
    public Tensor Pad(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (padded is null ? x : x.index_select(0, padded)).view(Count, Longest, x.size(1), x.size(2)).MoveToOuterDisposeScope();
    }

    /// <summary>[sum of lengths, features] to [sequences · longest, features] with zeros in the padding, as gradients have there.</summary>
    public Tensor PadWithZeros(Tensor x) =>
        packed is null ? x.alias() : zeros([(long)Count * Longest, x.size(1)], x.dtype, x.device).index_copy_(0, packed, x);

    /// <summary>[sequences, longest, …] to [sum of lengths, features], padding left out.</summary>
    public Tensor Pack(Tensor x, long features)
    {
        using var scope = NewDisposeScope();
        var rows = x.reshape((long)Count * Longest, features);
        return (packed is null ? rows : rows.index_select(0, packed)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Positions.Dispose();
        boundaries.Dispose();
        starts?.Dispose();
        padded?.Dispose();
        packed?.Dispose();
    }
}
