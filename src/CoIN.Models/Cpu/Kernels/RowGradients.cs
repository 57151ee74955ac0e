using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>Gradients of what <see cref="RowKernels"/> does to rows, and of the loss.</summary>
internal static unsafe class RowGradients
{
    /// <summary>Adds the gradient of <see cref="RowKernels.RmsNorm"/> with respect to its input.</summary>
    /// <param name="x">[N, C], the input.</param>
    /// <param name="weight">[C].</param>
    /// <param name="gradient">[N, C], of the output.</param>
    /// <param name="sum">[N, C], to which it is added in its place.</param>
    public static void AddRmsNorm(Tensor x, Tensor weight, double eps, Tensor gradient, Tensor sum)
    {
        var size = (int)x.size(-1);
        float* input = TensorMemory.Address(x),
            w = TensorMemory.Address(weight),
            from = TensorMemory.Address(gradient),
            to = TensorMemory.Address(sum);
        RowKernels.Rows(x.size(0), size, row =>
        {
            float* a = input + (row * size),
                g = from + (row * size),
                b = to + (row * size);
            Vector512<float> squares = default,
                products = default;
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var v = CpuKernels.Load(a + i, size - i);
                squares = Avx512F.FusedMultiplyAdd(v, v, squares);
                products = Avx512F.FusedMultiplyAdd(v, CpuKernels.Load(g + i, size - i) * CpuKernels.Load(w + i, size - i), products);
            }

            // y = r x w with r = 1 / sqrt(mean(x²) + ε): dx = r (dy w − x r² mean(x dy w)).
            var r = 1 / MathF.Sqrt((CpuKernels.Sum(squares) / size) + (float)eps);
            var scale = Vector512.Create(r);
            var back = Vector512.Create(-(r * r) * (CpuKernels.Sum(products) / size));
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var v = Avx512F.FusedMultiplyAdd(
                    CpuKernels.Load(a + i, size - i),
                    back,
                    CpuKernels.Load(g + i, size - i) * CpuKernels.Load(w + i, size - i)
                );
                CpuKernels.Store(Avx512F.FusedMultiplyAdd(v, scale, CpuKernels.Load(b + i, size - i)), b + i, size - i);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(gradient);
        GC.KeepAlive(sum);
    }

    /// <summary>Puts the gradient of <see cref="RowKernels.SwiGlu"/> in the place of its input.</summary>
    /// <param name="gateUp">[N, 2 C], the input; the gradient afterwards.</param>
    /// <param name="gradient">[N, C], of the output.</param>
    public static void SwiGlu(Tensor gateUp, Tensor gradient)
    {
        var size = (int)gateUp.size(-1) / 2;
        float* at = TensorMemory.Address(gateUp),
            from = TensorMemory.Address(gradient);
        RowKernels.Rows(gateUp.size(0), size, row =>
        {
            float* gate = at + (row * size * 2),
                up = gate + size,
                g = from + (row * size);
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                Vector512<float> x = CpuKernels.Load(gate + i, size - i),
                    u = CpuKernels.Load(up + i, size - i),
                    d = CpuKernels.Load(g + i, size - i);
                var sigmoid = Vector512<float>.One / (Vector512<float>.One + Exponential.Of(-x));
                var silu = x * sigmoid;

                // silu' = σ (1 + x (1 − σ)) = σ + silu − silu σ.
                var slope = sigmoid + Avx512F.FusedMultiplyAddNegated(silu, sigmoid, silu);
                CpuKernels.Store(d * u * slope, gate + i, size - i);
                CpuKernels.Store(d * silu, up + i, size - i);
            }
        });
        GC.KeepAlive(gateUp);
        GC.KeepAlive(gradient);
    }

    /// <summary>Cross entropy of each row's logits, whose place their gradient takes.</summary>
    /// <param name="logits">
    /// [N, vocabulary]; afterwards the gradient of <paramref name="weight"/> times the sum of the rows' losses.
    /// </param>
    /// <param name="targets">A token for each row.</param>
    /// <param name="factors">On each row's loss; empty for 1.</param>
    /// <returns>The losses' sum, in nats, without the weight.</returns>
    public static double CrossEntropy(Tensor logits, ReadOnlySpan<long> targets, float weight, ReadOnlySpan<float> factors = default)
    {
        var size = (int)logits.size(-1);
        var rows = (int)logits.size(0);
        var losses = new double[rows];
        var wanted = targets.ToArray();
        var each = factors.ToArray();
        var at = TensorMemory.Address(logits);
        ComputeTeam.Run(rows, row =>
        {
            var a = at + ((long)row * size);
            var highest = Vector512.Create(float.NegativeInfinity);
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var mask = RowKernels.Mask(size - i);
                highest = Vector512.Max(highest, Avx512F.MaskLoad(a + i, mask, Vector512.Create(float.NegativeInfinity)));
            }

            var top = highest[0];
            for (var lane = 1; lane < CpuKernels.Width; lane++)
            {
                top = MathF.Max(top, highest[lane]);
            }

            // Sixteen partial sums in double: float would lose digits over a vocabulary.
            Vector512<float> most = Vector512.Create(top);
            Vector512<double> low = default,
                high = default;
            var target = a[wanted[row]];
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var mask = RowKernels.Mask(size - i);
                var e = Exponential.Of(CpuKernels.Load(a + i, size - i) - most) & mask;
                CpuKernels.Store(e, a + i, size - i);
                low += Avx512F.ConvertToVector512Double(e.GetLower());
                high += Avx512F.ConvertToVector512Double(e.GetUpper());
            }

            low += high;
            double sum = 0;
            for (var lane = 0; lane < Vector512<double>.Count; lane++)
            {
                sum += low[lane];
            }

            var factor = each.Length == 0 ? 1 : each[row];
            losses[row] = factor * (Math.Log(sum) + top - target);
            var weighed = factor * weight;
            var scale = Vector512.Create((float)(weighed / sum));
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                CpuKernels.Store(CpuKernels.Load(a + i, size - i) * scale, a + i, size - i);
            }

            a[wanted[row]] -= weighed;
        });
        GC.KeepAlive(logits);
        return losses.Sum();
    }
}
