using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>Where tensors in main memory lie. The caller keeps the tensor alive.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>The first number.</summary>
    /// <param name="tensor">float32, contiguous, in main memory.</param>
    public static float* Address(Tensor tensor) => (float*)Bytes(tensor);

    /// <summary>All numbers, for writing too.</summary>
    /// <param name="tensor">As for <see cref="Address"/>.</param>
    public static Span<float> Floats(Tensor tensor) => new(Address(tensor), checked((int)tensor.numel()));

    /// <summary>The same for numbers of any type.</summary>
    public static byte* Bytes(Tensor tensor)
    {
        if (tensor.numel() == 0)
        {
            return null;
        }

        // libtorch's memory does not move.
        fixed (byte* first = tensor.bytes)
        {
            return first;
        }
    }
}
