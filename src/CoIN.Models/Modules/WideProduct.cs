using System.Collections.Concurrent;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// Products of short numbers that are added to float32 sums in one launch and never rounded in between. ATen has it for CUDA. It serves on
/// a device once it has agreed there with a product in float32 on a small example; elsewhere a rounded product is added.
/// </summary>
internal static class WideProduct
{
    private static readonly ConcurrentDictionary<(int Device, ScalarType Dtype), bool> Agreed = new();

    // 6 is ATen's number for float32, which TorchScript has no name for here.
    private static readonly Lazy<jit.CompilationUnit> Script = new(() =>
        jit.compile(
            """
            def add(sum: Tensor, a: Tensor, b: Tensor, factor: float):
                torch.addmm(sum, a, b, 6, beta=1, alpha=factor, out=sum)

            def add_batch(sum: Tensor, a: Tensor, b: Tensor, factor: float):
                torch.baddbmm(sum, a, b, 6, beta=1, alpha=factor, out=sum)

            """
        )
    );

    /// <summary>Whether it serves for factors of a product.</summary>
    public static bool Serves(Tensor a) =>
        a.device_type == DeviceType.CUDA
        && a.dtype != ScalarType.Float32
        && Agreed.GetOrAdd((a.device_index, a.dtype), _ => Agrees(a.dtype, a.device));

    /// <summary>sum += factor · a b.</summary>
    /// <param name="sum">float32, [M, N] or [batch, M, N].</param>
    /// <param name="a">[M, K] or [batch, M, K].</param>
    /// <param name="b">[K, N] or [batch, K, N].</param>
    public static void Add(Tensor sum, Tensor a, Tensor b, double factor = 1) =>
        Scalars.Invoke(Script.Value, a.dim() == 2 ? "add" : "add_batch", [factor], sum, a, b);

    /// <summary>Whether this libtorch knows the operators by the arguments that they are given here.</summary>
    internal static bool IsKnown() => Script.Value is not null;

    private static bool Agrees(ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        try
        {
            // Numbers that are drawn from nobody's generator.
            Tensor Numbers(int from, ScalarType type, params long[] shape) =>
                tensor([.. Enumerable.Range(from, (int)shape.Aggregate(1L, (all, one) => all * one)).Select(i => (float)Math.Sin(i * i))])
                    .view(shape)
                    .to(type)
                    .to(device);
            bool Near(params long[] batch)
            {
                // Transposed, as gradients come.
                Tensor a = Numbers(1, dtype, [.. batch, 24, 16]).transpose(-1, -2),
                    b = Numbers(2000, dtype, [.. batch, 24, 32]),
                    sum = Numbers(4000, ScalarType.Float32, [.. batch, 16, 32]);
                var wanted = sum.add(a.to(ScalarType.Float32).matmul(b.to(ScalarType.Float32)), Scalars.Of(0.5));
                Add(sum, a, b, 0.5);
                return sum.sub(wanted).abs().max().item<float>() < 1e-2;
            }

            return Near() && Near(3);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false;
        }
    }
}
