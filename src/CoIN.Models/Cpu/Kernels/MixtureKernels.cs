using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>Where the numbers of a mixture of experts stand in a row: low-rank numbers of every part, then scores of every part.</summary>
/// <param name="Parts">Linear maps that share the row.</param>
/// <param name="Experts">E.</param>
/// <param name="ExpertRank">r / E.</param>
internal readonly record struct MixtureLayout(int Parts, int Experts, int ExpertRank)
{
    public int Rank => Experts * ExpertRank;

    /// <summary>Numbers before the scores.</summary>
    public int Low => Parts * Rank;

    /// <summary>Numbers of a row.</summary>
    public int Row => Low + (Parts * Experts);
}

/// <summary>What lies between the products of a mixture of low-rank experts, row by row, forward and backward.</summary>
internal static unsafe class MixtureKernels
{
    /// <summary>Turns each part's scores into weights that sum to one: their softmax.</summary>
    /// <param name="inner">[N, row]; changed in its place.</param>
    public static void Softmax(Tensor inner, MixtureLayout layout)
    {
        var at = TensorMemory.Address(inner);
        RowKernels.Rows(inner.size(0), layout.Row, row =>
        {
            for (var part = 0; part < layout.Parts; part++)
            {
                var scores = at + (row * layout.Row) + layout.Low + (part * layout.Experts);
                var top = scores[0];
                for (var i = 1; i < layout.Experts; i++)
                {
                    top = MathF.Max(top, scores[i]);
                }

                Vector512<float> most = Vector512.Create(top),
                    sums = default;
                for (var i = 0; i < layout.Experts; i += CpuKernels.Width)
                {
                    var rest = layout.Experts - i;
                    var e = Exponential.Of(CpuKernels.Load(scores + i, rest) - most) & RowKernels.Mask(rest);
                    sums += e;
                    CpuKernels.Store(e, scores + i, rest);
                }

                var scale = Vector512.Create(1 / CpuKernels.Sum(sums));
                for (var i = 0; i < layout.Experts; i += CpuKernels.Width)
                {
                    CpuKernels.Store(CpuKernels.Load(scores + i, layout.Experts - i) * scale, scores + i, layout.Experts - i);
                }
            }
        });
        GC.KeepAlive(inner);
    }

    /// <summary>Multiplies each expert's low-rank numbers with its weight.</summary>
    /// <param name="inner">[N, row], with weights.</param>
    /// <param name="gated">Receives them: [N, parts · r], or <paramref name="inner"/> itself for their own place.</param>
    public static void Gate(Tensor inner, MixtureLayout layout, Tensor gated)
    {
        float* from = TensorMemory.Address(inner),
            to = TensorMemory.Address(gated);
        var step = gated.size(1);
        RowKernels.Rows(inner.size(0), layout.Row, row =>
        {
            float* low = from + (row * layout.Row),
                weights = low + layout.Low,
                y = to + (row * step);
            for (var expert = 0; expert < layout.Parts * layout.Experts; expert++)
            {
                var weight = Vector512.Create(weights[expert]);
                var first = expert * layout.ExpertRank;
                for (var i = 0; i < layout.ExpertRank; i += CpuKernels.Width)
                {
                    var rest = layout.ExpertRank - i;
                    CpuKernels.Store(CpuKernels.Load(low + first + i, rest) * weight, y + first + i, rest);
                }
            }
        });
        GC.KeepAlive(inner);
        GC.KeepAlive(gated);
    }

    /// <summary>
    /// The gradient of <see cref="Gate"/> and <see cref="Softmax"/>: from that of the gated numbers to that of low-rank numbers and scores.
    /// </summary>
    /// <param name="inner">[N, row], with weights.</param>
    /// <param name="gradient">[N, row]: of the gated numbers in the place of the low-rank ones; changed in its place.</param>
    public static void Backward(Tensor inner, MixtureLayout layout, Tensor gradient)
    {
        float* kept = TensorMemory.Address(inner),
            at = TensorMemory.Address(gradient);
        RowKernels.Rows(inner.size(0), layout.Row, row =>
        {
            float* low = kept + (row * layout.Row),
                weights = low + layout.Low,
                g = at + (row * layout.Row),
                scores = g + layout.Low;
            for (var part = 0; part < layout.Parts; part++)
            {
                // s = softmax scores: ds_e = w_e (dw_e - Σ w dw), with dw_e = d(gated) · low of the expert.
                var mean = 0f;
                for (var expert = part * layout.Experts; expert < (part + 1) * layout.Experts; expert++)
                {
                    Vector512<float> weight = Vector512.Create(weights[expert]),
                        products = default;
                    var first = expert * layout.ExpertRank;
                    for (var i = 0; i < layout.ExpertRank; i += CpuKernels.Width)
                    {
                        var rest = layout.ExpertRank - i;
                        var d = CpuKernels.Load(g + first + i, rest);
                        products = Avx512F.FusedMultiplyAdd(d, CpuKernels.Load(low + first + i, rest), products);
                        CpuKernels.Store(d * weight, g + first + i, rest);
                    }

                    scores[expert] = CpuKernels.Sum(products);
                    mean += weights[expert] * scores[expert];
                }

                for (var expert = part * layout.Experts; expert < (part + 1) * layout.Experts; expert++)
                {
                    scores[expert] = weights[expert] * (scores[expert] - mean);
                }
            }
        });
        GC.KeepAlive(inner);
        GC.KeepAlive(gradient);
    }
}
