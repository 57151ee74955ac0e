using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// Root-mean-square normalization (Zhang and Sennrich 2019): x / sqrt(mean(x²) + ε) · w over the last dimension, computed in float32.
/// Of plain operators: through TorchScript, which would reach ATen's own, a result may depend on what else the process has run before.
/// </summary>
internal static class RmsNorm
{
    private static readonly long[] LastDimension = [-1];

    /// <param name="x">[…, C].</param>
    /// <param name="weight">[C].</param>
    public static Tensor Forward(Tensor x, Tensor weight, double eps)
    {
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        var scaled = wide * (wide * wide).mean(LastDimension, keepdim: true).add(Scalars.Of(eps), Scalars.Of(1L)).rsqrt();
        return (scaled.to(x.dtype) * weight).MoveToOuterDisposeScope();
    }
}
