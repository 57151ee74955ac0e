using System.Collections.Concurrent;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// RMS normalization by ATen's fused kernels, one launch forward and one backward, which there are for CUDA. They serve on a device once
/// they have agreed there with the plain operators on a small example; where they are missing or do not agree, nobody is asked to use them.
/// </summary>
internal static class FusedRmsNorm
{
    private static readonly ConcurrentDictionary<(int Device, ScalarType Dtype), bool> Agreed = new();

    private static readonly Lazy<jit.CompilationUnit> Script = new(() =>
        jit.compile(
            """
            def forward(x: Tensor, weight: Tensor, eps: float) -> List[Tensor]:
                normalized, factors = torch._fused_rms_norm(x, [x.size(-1)], weight, eps)
                return [normalized, factors]

            def backward(gradient: Tensor, x: Tensor, factors: Tensor, weight: Tensor) -> Tensor:
                return torch._fused_rms_norm_backward(gradient, x, [x.size(-1)], factors, weight, [True, False])[0]

            """
        )
    );

    /// <summary>Whether they serve for a tensor.</summary>
    public static bool Serves(Tensor x) =>
        x.device_type == DeviceType.CUDA && Agreed.GetOrAdd((x.device_index, x.dtype), _ => Agrees(x.dtype, x.device));

    /// <summary>The norm, and 1 / rms as float32 [N, 1].</summary>
    public static (Tensor Normalized, Tensor Factors) Forward(Tensor x, Tensor weight, double eps)
    {
        var both = (Tensor[])Scalars.Invoke(Script.Value, "forward", [eps], x, weight);
        return (both[0], both[1]);
    }

    /// <summary>The gradient with respect to x.</summary>
    public static Tensor Backward(Tensor gradient, Tensor x, Tensor factors, Tensor weight) =>
        (Tensor)Scalars.Invoke(Script.Value, "backward", [], gradient, x, factors, weight);

    /// <summary>Whether this libtorch knows the operators by the arguments that they are given here.</summary>
    internal static bool IsKnown() => Script.Value is not null;

    private static bool Agrees(ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        try
        {
            // Numbers that are drawn from nobody's generator.
            Tensor Numbers(int from, params long[] shape) =>
                tensor([.. Enumerable.Range(from, (int)shape.Aggregate(1L, (all, one) => all * one)).Select(i => (float)Math.Sin(i * i))])
                    .view(shape)
                    .to(dtype)
                    .to(device);
            Tensor x = Numbers(1, 5, 256),
                weight = Numbers(2000, 256),
                gradient = Numbers(3000, 5, 256);
            var (plain, plainFactors) = RmsNorm.Plain(x, weight, 1e-5);
            var plainSum = zeros_like(x);
            RmsNorm.AddPlainBackward(plainSum, x, weight, plainFactors, gradient);
            var (normalized, factors) = Forward(x, weight, 1e-5);
            var tolerance = dtype == ScalarType.Float32 ? 1e-5 : 5e-2;
            return factors.shape.SequenceEqual(plainFactors.shape)
                && factors.dtype == ScalarType.Float32
                && Near(normalized, plain)
                && Near(factors, plainFactors)
                && Near(Backward(gradient, x, factors, weight), plainSum);

            bool Near(Tensor a, Tensor b) => a.to(ScalarType.Float32).sub(b.to(ScalarType.Float32)).abs().max().item<float>() < tolerance;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return false;
        }
    }
}
