using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>Tensors' numbers one after the other in main memory, as they go between trainers.</summary>
/// <param name="tensors">float32, in this order.</param>
internal sealed class FlatNumbers(IReadOnlyList<Tensor> tensors)
{
    private readonly int[] counts =
    [
        .. tensors.Select(tensor =>
            tensor.dtype == ScalarType.Float32
                ? checked((int)tensor.numel())
                : throw new NotSupportedException($"Trained parameters are float32, and not {tensor.dtype}.")
        ),
    ];

    /// <summary>Of all tensors together.</summary>
    public int Count => checked(counts.Sum());

    /// <summary>Place of a tensor's first number.</summary>
    public int Offset(int tensor) => counts.Take(tensor).Sum();

    /// <summary>Copies numbers of tensors with these shapes.</summary>
    /// <param name="from">A tensor in the place of each.</param>
    public void Read(IReadOnlyList<Tensor> from, Span<float> into)
    {
        using var noGrad = no_grad();
        foreach (var (place, count) in counts.Index())
        {
            using var scope = NewDisposeScope();
            var host = from[place].detach().cpu().contiguous();
            MemoryMarshal.Cast<byte, float>(host.bytes).CopyTo(into);
            into = into[count..];
        }
    }

    /// <summary>Copies numbers into tensors with these shapes.</summary>
    /// <param name="into">A tensor in the place of each.</param>
    public void Write(ReadOnlySpan<float> from, IReadOnlyList<Tensor> into)
    {
        using var noGrad = no_grad();
        foreach (var (place, count) in counts.Index())
        {
            using var scope = NewDisposeScope();
            var target = into[place].detach();
            var host = empty(target.shape);
            from[..count].CopyTo(MemoryMarshal.Cast<byte, float>(host.bytes));

            // By an operation, so that whoever keeps something made of the tensor sees by its version that it has changed.
            target.copy_(host);
            from = from[count..];
        }
    }

    /// <summary>Adds numbers to others: one addition for each, in float32.</summary>
    public static void Add(ReadOnlySpan<float> numbers, Span<float> to)
    {
        var left = MemoryMarshal.Cast<float, Vector<float>>(to);
        var right = MemoryMarshal.Cast<float, Vector<float>>(numbers);
        for (var i = 0; i < right.Length; i++)
        {
            left[i] += right[i];
        }

        for (var i = right.Length * Vector<float>.Count; i < numbers.Length; i++)
        {
            to[i] += numbers[i];
        }
    }
}
