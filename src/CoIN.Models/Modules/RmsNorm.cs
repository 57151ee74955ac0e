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

    /// <summary>The same for passes without a graph, with what the backward pass needs.</summary>
    /// <param name="x">[N, C].</param>
    /// <returns>The norm, and 1 / rms as float32 [N, 1].</returns>
    public static (Tensor Normalized, Tensor Factors) ForwardWithFactors(Tensor x, Tensor weight, double eps)
    {
        using var scope = NewDisposeScope();
        var (normalized, factors) = FusedRmsNorm.Serves(x) ? FusedRmsNorm.Forward(x, weight, eps) : Plain(x, weight, eps);
        return (normalized.MoveToOuterDisposeScope(), factors.MoveToOuterDisposeScope());
    }

    /// <summary>The norm once more.</summary>
    /// <param name="factors">As <see cref="ForwardWithFactors"/> gave them.</param>
    public static Tensor Again(Tensor x, Tensor weight, double eps, Tensor factors)
    {
        using var scope = NewDisposeScope();
        var normalized = FusedRmsNorm.Serves(x) ? FusedRmsNorm.Forward(x, weight, eps).Normalized : Scaled(x, weight, factors);
        return normalized.MoveToOuterDisposeScope();
    }

    /// <summary>The backward pass: adds the gradient with respect to x, the weight being frozen.</summary>
    /// <param name="sum">[N, C], to which it is added.</param>
    /// <param name="factors">As <see cref="ForwardWithFactors"/> gave them.</param>
    /// <param name="gradient">[N, C], of the norm.</param>
    public static void AddBackward(Tensor sum, Tensor x, Tensor weight, Tensor factors, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        if (FusedRmsNorm.Serves(x))
        {
            sum.add_(FusedRmsNorm.Backward(gradient, x, factors, weight), Scalars.One);
        }
        else
        {
            AddPlainBackward(sum, x, weight, factors, gradient);
        }
    }

    /// <summary><see cref="ForwardWithFactors"/> of plain operators.</summary>
    internal static (Tensor Normalized, Tensor Factors) Plain(Tensor x, Tensor weight, double eps)
    {
        var wide = x.to(ScalarType.Float32);
        var factors = (wide * wide).mean(LastDimension, keepdim: true).add(Scalars.Of(eps), Scalars.Of(1L)).rsqrt();
        return (Scaled(wide, weight, factors), factors);
    }

    /// <summary><see cref="AddBackward"/> of plain operators: s (w g − x̂ · mean(w g x̂)) with s = 1 / rms and x̂ = s x.</summary>
    internal static void AddPlainBackward(Tensor sum, Tensor x, Tensor weight, Tensor factors, Tensor gradient)
    {
        var normalized = x.to(ScalarType.Float32) * factors;
        var outer = (gradient * weight).to(ScalarType.Float32);
        var mean = (outer * normalized).mean(LastDimension, keepdim: true);
        sum.add_(outer.addcmul_(normalized, mean, Scalars.Of(-1L)).mul_(factors), Scalars.One);
    }

    private static Tensor Scaled(Tensor x, Tensor weight, Tensor factors) => (x.to(ScalarType.Float32) * factors).to(weight.dtype) * weight;
}
