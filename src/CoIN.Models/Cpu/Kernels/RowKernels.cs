using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// What layers do to each row between their products, in one pass over memory each. For tensors that <see
/// cref="CpuKernels.Serve(Tensor)"/>.
/// </summary>
internal static unsafe class RowKernels
{
    /// <summary>Numbers that a piece is worth being given to another thread for.</summary>
    private const int Numbers = 32768;

    /// <summary>Root-mean-square normalization, as <see cref="RmsNorm"/>.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="weight">[C].</param>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double eps)
    {
        var size = (int)x.size(-1);
        var y = empty(x.shape, ScalarType.Float32);
        float* from = TensorMemory.Address(x),
            w = TensorMemory.Address(weight),
            to = TensorMemory.Address(y);
        Rows(x.size(0), size, row =>
        {
            float* a = from + (row * size),
                b = to + (row * size);
            var squares = Vector512<float>.Zero;
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var v = Avx512F.MaskLoad(a + i, Mask(size - i), default);
                squares = Avx512F.FusedMultiplyAdd(v, v, squares);
            }

            var scale = Vector512.Create(1 / MathF.Sqrt((CpuKernels.Sum(squares) / size) + (float)eps));
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                CpuKernels.Store(CpuKernels.Load(a + i, size - i) * scale * CpuKernels.Load(w + i, size - i), b + i, size - i);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        return y;
    }

    /// <summary>Layer normalization: (x − mean) / sqrt(variance + ε) · w + b over the last dimension.</summary>
    /// <param name="x">[…, C], contiguous.</param>
    /// <param name="weight">[C].</param>
    /// <param name="bias">[C].</param>
    public static Tensor LayerNorm(Tensor x, Tensor weight, Tensor bias, double eps)
    {
        var size = (int)x.size(-1);
        var y = empty(x.shape, ScalarType.Float32);
        float* from = TensorMemory.Address(x),
            w = TensorMemory.Address(weight),
            shift = TensorMemory.Address(bias),
            to = TensorMemory.Address(y);
        Rows(x.numel() / size, size, row =>
        {
            float* a = from + (row * size),
                b = to + (row * size);
            var sums = Vector512<float>.Zero;
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                sums += Avx512F.MaskLoad(a + i, Mask(size - i), default);
            }

            Vector512<float> mean = Vector512.Create(CpuKernels.Sum(sums) / size),
                squares = default;
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var mask = Mask(size - i);
                var v = (CpuKernels.Load(a + i, size - i) - mean) & mask;
                squares = Avx512F.FusedMultiplyAdd(v, v, squares);
            }

            var scale = Vector512.Create(1 / MathF.Sqrt((CpuKernels.Sum(squares) / size) + (float)eps));
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var v = (CpuKernels.Load(a + i, size - i) - mean) * scale;
                CpuKernels.Store(
                    Avx512F.FusedMultiplyAdd(v, CpuKernels.Load(w + i, size - i), CpuKernels.Load(shift + i, size - i)),
                    b + i,
                    size - i
                );
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        return y;
    }

    /// <summary>SwiGLU: silu of the first half of each row times the second.</summary>
    /// <param name="gateUp">[N, 2 C].</param>
    /// <returns>[N, C].</returns>
    public static Tensor SwiGlu(Tensor gateUp)
    {
        var size = (int)gateUp.size(-1) / 2;
        var y = empty([gateUp.size(0), size], ScalarType.Float32);
        float* from = TensorMemory.Address(gateUp),
            to = TensorMemory.Address(y);
        Rows(gateUp.size(0), size, row =>
        {
            float* gate = from + (row * size * 2),
                up = gate + size,
                b = to + (row * size);
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                CpuKernels.Store(Swish(CpuKernels.Load(gate + i, size - i), 1) * CpuKernels.Load(up + i, size - i), b + i, size - i);
            }
        });
        GC.KeepAlive(gateUp);
        return y;
    }

    /// <summary>A copy in which the numbers whose byte is set are zero.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="dropped">A byte for each number.</param>
    public static Tensor Drop(Tensor x, Tensor dropped)
    {
        var size = (int)x.size(-1);
        var y = empty(x.shape, ScalarType.Float32);
        float* from = TensorMemory.Address(x),
            to = TensorMemory.Address(y);
        var flags = TensorMemory.Bytes(dropped);
        Rows(x.size(0), size, row =>
        {
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                var at = (row * size) + i;
                CpuKernels.Store(CpuKernels.Load(from + at, size - i) & Kept(flags + at, size - i), to + at, size - i);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(dropped);
        return y;
    }

    /// <summary>CLIP's <c>quick_gelu</c>, x · sigmoid(1.702 x), in place of what was there.</summary>
    /// <param name="x">[…, C], contiguous.</param>
    public static void QuickGelu(Tensor x)
    {
        var size = (int)x.size(-1);
        var at = TensorMemory.Address(x);
        Rows(x.numel() / size, size, row =>
        {
            var a = at + (row * size);
            for (var i = 0; i < size; i += CpuKernels.Width)
            {
                CpuKernels.Store(Swish(CpuKernels.Load(a + i, size - i), 1.702f), a + i, size - i);
            }
        });
        GC.KeepAlive(x);
    }

    /// <summary>All bits of the lanes whose byte is not set.</summary>
    /// <param name="dropped">A byte for each lane.</param>
    /// <param name="count">Bytes that there are; lanes beyond are arbitrary.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Kept(byte* dropped, int count)
    {
        if (count >= CpuKernels.Width)
        {
            return Vector512.Equals(Avx512F.ConvertToVector512Int32(Vector128.Load(dropped)), Vector512<int>.Zero).AsSingle();
        }

        var few = Vector128<byte>.Zero;
        for (var i = 0; i < count; i++)
        {
            few = few.WithElement(i, dropped[i]);
        }

        return Vector512.Equals(Avx512F.ConvertToVector512Int32(few), Vector512<int>.Zero).AsSingle();
    }

    /// <summary>x · sigmoid(s x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Swish(Vector512<float> x, float s) =>
        x / (Vector512<float>.One + Exponential.Of(x * Vector512.Create(-s)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Mask(int rest) => rest >= CpuKernels.Width ? Vector512<float>.AllBitsSet : CpuKernels.First(rest);

    internal static void Rows(long rows, int size, Action<long> row)
    {
        var together = Math.Max(1, Numbers / size);
        ComputeTeam.Run((int)((rows + together - 1) / together), piece =>
        {
            var end = Math.Min(rows, ((long)piece + 1) * together);
            for (var i = (long)piece * together; i < end; i++)
            {
                row(i);
            }
        });
    }
}
