using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>The raw bytes of contiguous CPU tensors, in pieces that a span can hold.</summary>
internal static class TensorBytes
{
    private const long LargestChunk = 1 << 30;

    public delegate void ChunkAction(Span<byte> chunk, long offset);

    /// <summary>Calls <paramref name="action"/> with the tensor's own memory, piece by piece from its first byte on.</summary>
    /// <param name="tensor">Any shape, contiguous, on the CPU.</param>
    public static void ForEachChunk(Tensor tensor, ChunkAction action)
    {
        var bytes = tensor.numel() * tensor.element_size();
        if (bytes == 0)
        {
            return;
        }

        if (bytes <= LargestChunk)
        {
            action(tensor.bytes, 0);
            return;
        }

        using var flat = tensor.view(-1);
        var step = LargestChunk / tensor.element_size();
        for (long first = 0; first < flat.numel(); first += step)
        {
            using var part = flat.narrow(0, first, Math.Min(step, flat.numel() - first));
            action(part.bytes, first * tensor.element_size());
        }
    }
}
