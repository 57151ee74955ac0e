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

    public PackedSequences(IReadOnlyList<int> lengths, Device device)
    {
        Lengths = lengths;
        Longest = lengths.Max();
        var total = lengths.Sum();
        var positions = new long[total];
        var toPadded = new long[lengths.Count * Longest];
        var toPacked = new long[total];
        var at = 0;
        for (var row = 0; row < lengths.Count; row++)
        {
            for (var i = 0; i < lengths[row]; i++, at++)
            {
                positions[at] = i;
                toPacked[at] = ((long)row * Longest) + i;
                toPadded[toPacked[at]] = at;
            }
        }

        using var scope = NewDisposeScope();
        Positions = tensor(positions, device: device).DetachFromDisposeScope();
        if (total != toPadded.Length)
        {
            padded = tensor(toPadded, device: device).DetachFromDisposeScope();
            packed = tensor(toPacked, device: device).DetachFromDisposeScope();
        }
    }

    public IReadOnlyList<int> Lengths { get; }

    public int Count => Lengths.Count;

    public int Longest { get; }

    /// <summary>int64 [sum of lengths]: each position within its sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>
    /// [sum of lengths, heads, size] to [sequences, longest, heads, size]. What stands in the padding is arbitrary but finite.
    /// </summary>
    public Tensor Pad(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (padded is null ? x : x.index_select(0, padded)).view(Count, Longest, x.size(1), x.size(2)).MoveToOuterDisposeScope();
    }

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
        padded?.Dispose();
        packed?.Dispose();
    }
}
