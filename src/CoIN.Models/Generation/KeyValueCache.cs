using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>Keys and values of one layer for a batch of sequences: memory for the longest answer is taken once, in the beginning.</summary>
internal sealed class LayerCache(Tensor keys, Tensor values) : IDisposable
{
    /// <summary>Stores the prompts' keys and values.</summary>
    /// <param name="promptKeys">[sequences, longest prompt, heads, size]; what stands in padding is overwritten or masked later.</param>
    public void Fill(Tensor promptKeys, Tensor promptValues)
    {
        using var scope = NewDisposeScope();
        keys.narrow(1, 0, promptKeys.size(1)).copy_(promptKeys);
        values.narrow(1, 0, promptValues.size(1)).copy_(promptValues);
    }

    /// <summary>Stores one new position of every sequence.</summary>
    /// <param name="k">[sequences, heads, size].</param>
    /// <param name="slots">int64 [sequences]: row · capacity + position.</param>
    /// <param name="positions">How many positions the answer covers.</param>
    /// <returns>Keys and values [sequences, heads, positions, size], as views.</returns>
    public (Tensor Keys, Tensor Values) Append(Tensor k, Tensor v, Tensor slots, long positions)
    {
        keys.view(-1, keys.size(2), keys.size(3)).index_copy_(0, slots, k);
        values.view(-1, values.size(2), values.size(3)).index_copy_(0, slots, v);
        return (keys.narrow(1, 0, positions).transpose(1, 2), values.narrow(1, 0, positions).transpose(1, 2));
    }

    /// <summary>The cache of some of the sequences.</summary>
    /// <param name="rows">int64 indices.</param>
    public LayerCache Select(Tensor rows) =>
        new(keys.index_select(0, rows).DetachFromDisposeScope(), values.index_select(0, rows).DetachFromDisposeScope());

    public void Dispose()
    {
        keys.Dispose();
        values.Dispose();
    }
}
