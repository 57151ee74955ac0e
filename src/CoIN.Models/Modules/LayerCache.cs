using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>Where packed positions go in a cache.</summary>
/// <param name="From">First packed position.</param>
/// <param name="Length">How many.</param>
/// <param name="Row">Row of the cache.</param>
/// <param name="Position">Place in the row of the first.</param>
internal readonly record struct CachePlace(int From, int Length, int Row, int Position);

/// <summary>
/// Keys and values of one layer for a batch of sequences, in memory that is taken ahead of its use: [sequences, capacity, heads, size].
/// </summary>
internal sealed class LayerCache(Tensor keys, Tensor values) : IDisposable
{
    /// <summary>
    /// An empty cache. It is zero, not arbitrary: what lies behind a sequence's end is masked, and masking keeps out numbers only.
    /// </summary>
    public static LayerCache Empty(long sequences, long capacity, long heads, long size, ScalarType dtype, Device device) =>
        new(
            zeros([sequences, capacity, heads, size], dtype, device).DetachFromDisposeScope(),
            zeros([sequences, capacity, heads, size], dtype, device).DetachFromDisposeScope()
        );

    /// <summary>Stores keys and values of whole stretches.</summary>
    /// <param name="k">[positions, heads, size], packed.</param>
    public void Write(Tensor k, Tensor v, IReadOnlyList<CachePlace> places)
    {
        using var scope = NewDisposeScope();
        foreach (var place in places)
        {
            keys.select(0, place.Row).narrow(0, place.Position, place.Length).copy_(k.narrow(0, place.From, place.Length));
            values.select(0, place.Row).narrow(0, place.Position, place.Length).copy_(v.narrow(0, place.From, place.Length));
        }
    }

    /// <summary>Stores one new position of every sequence.</summary>
    /// <param name="k">[sequences, heads, size].</param>
    /// <param name="slots">int64 [sequences]: row · capacity + position.</param>
    public void Append(Tensor k, Tensor v, Tensor slots)
    {
        using var scope = NewDisposeScope();
        keys.view(-1, keys.size(2), keys.size(3)).index_copy_(0, slots, k);
        values.view(-1, values.size(2), values.size(3)).index_copy_(0, slots, v);
    }

    /// <summary>Keys and values [sequences, heads, positions, size] of the first sequences and positions, as views.</summary>
    public (Tensor Keys, Tensor Values) Read(long sequences, long positions) =>
        (View(keys, sequences, positions), View(values, sequences, positions));

    /// <summary>A cache of some of the sequences, with a capacity of its own.</summary>
    /// <param name="rows">int64 indices.</param>
    /// <param name="filled">Positions that are copied.</param>
    public LayerCache Select(Tensor rows, long filled, long capacity)
    {
        using var scope = NewDisposeScope();
        var selected = Empty(rows.size(0), capacity, keys.size(2), keys.size(3), keys.dtype, keys.device);
        var (newKeys, newValues) = selected.Tensors;
        newKeys.narrow(1, 0, filled).copy_(keys.narrow(1, 0, filled).index_select(0, rows));
        newValues.narrow(1, 0, filled).copy_(values.narrow(1, 0, filled).index_select(0, rows));
        return selected;
    }

    public void Dispose()
    {
        keys.Dispose();
        values.Dispose();
    }

    private (Tensor Keys, Tensor Values) Tensors => (keys, values);

    private static Tensor View(Tensor tensor, long sequences, long positions) =>
        tensor.narrow(0, 0, sequences).narrow(1, 0, positions).transpose(1, 2);
}
