using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>
/// Small products x W whose outputs lie side by side in W: each number of x times a row of W. What attention is made of: queries with keys,
/// weights with values.
/// </summary>
internal static unsafe class BroadcastProduct
{
    /// <summary>Rows and vectors of outputs at most: 24 sums.</summary>
    public const int Rows = 6,
        Vectors = 4;

    /// <summary>
    /// Forms the sums of <paramref name="length"/> products for some rows and vectors of outputs, in order from the first product to the
    /// last.
    /// </summary>
    /// <param name="x">The rows' first numbers, <paramref name="xStep"/> apart; a row's numbers are <paramref name="xNext"/> apart.</param>
    /// <param name="rows">1 to <see cref="Rows"/>.</param>
    /// <param name="w">
    /// The first vector of the first row of W; rows are <paramref name="wStep"/> apart, the vectors of a row <paramref name="vector"/>.
    /// </param>
    /// <param name="vectors">1 to <see cref="Vectors"/>.</param>
    /// <param name="y">Where the sums go: rows <paramref name="yStep"/> apart, a row's vectors one behind the other.</param>
    /// <param name="continues">Whether the sums begin with what is there.</param>
    public static void Run(
        float* x,
        nint xStep,
        nint xNext,
        int rows,
        float* w,
        nint wStep,
        nint vector,
        int vectors,
        int length,
        float* y,
        nint yStep,
        bool continues
    )
    {
        if (vectors == Vectors && rows > 1)
        {
            SixByFour(x, xStep, xNext, rows, w, wStep, vector, length, y, yStep, continues);
            return;
        }

        if (vectors == 2 && rows > 1)
        {
            SixByTwo(x, xStep, xNext, rows, w, wStep, vector, length, y, yStep, continues);
            return;
        }

        for (var row = 0; row < rows; row++, x += xStep, y += yStep)
        {
            if (vectors == Vectors)
            {
                OneByFour(x, xNext, w, wStep, vector, length, y, continues);
                continue;
            }

            for (var i = 0; i < vectors; i++)
            {
                One(x, xNext, w + (i * vector), wStep, length, y + (i * CpuKernels.Width), continues);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByFour(
        float* x,
        nint xStep,
        nint xNext,
        int rows,
        float* w,
        nint wStep,
        nint vector,
        int length,
        float* y,
        nint yStep,
        bool continues
    )
    {
        // Where there are fewer than six rows, the last is computed again and again, and written once.
        float* x0 = x,
            x1 = x + (Math.Min(1, rows - 1) * xStep),
            x2 = x + (Math.Min(2, rows - 1) * xStep);
        float* x3 = x + (Math.Min(3, rows - 1) * xStep),
            x4 = x + (Math.Min(4, rows - 1) * xStep),
            x5 = x + (Math.Min(5, rows - 1) * xStep);
        Vector512<float> a0 = default,
            a1 = default,
            a2 = default,
            a3 = default,
            b0 = default,
            b1 = default,
            b2 = default,
            b3 = default;
        Vector512<float> c0 = default,
            c1 = default,
            c2 = default,
            c3 = default,
            d0 = default,
            d1 = default,
            d2 = default,
            d3 = default;
        Vector512<float> e0 = default,
            e1 = default,
            e2 = default,
            e3 = default,
            f0 = default,
            f1 = default,
            f2 = default,
            f3 = default;
        if (continues)
        {
            Load(y, out a0, out a1, out a2, out a3);
            Load(y + (Math.Min(1, rows - 1) * yStep), out b0, out b1, out b2, out b3);
            Load(y + (Math.Min(2, rows - 1) * yStep), out c0, out c1, out c2, out c3);
            Load(y + (Math.Min(3, rows - 1) * yStep), out d0, out d1, out d2, out d3);
            Load(y + (Math.Min(4, rows - 1) * yStep), out e0, out e1, out e2, out e3);
            Load(y + (Math.Min(5, rows - 1) * yStep), out f0, out f1, out f2, out f3);
        }

        for (nint i = 0, at = 0; i < length; i++, at += xNext, w += wStep)
        {
            Vector512<float> w0 = Vector512.Load(w),
                w1 = Vector512.Load(w + vector),
                w2 = Vector512.Load(w + (2 * vector)),
                w3 = Vector512.Load(w + (3 * vector));
            var v = Vector512.Create(x0[at]);
            a0 = Avx512F.FusedMultiplyAdd(v, w0, a0);
            a1 = Avx512F.FusedMultiplyAdd(v, w1, a1);
            a2 = Avx512F.FusedMultiplyAdd(v, w2, a2);
            a3 = Avx512F.FusedMultiplyAdd(v, w3, a3);
            v = Vector512.Create(x1[at]);
            b0 = Avx512F.FusedMultiplyAdd(v, w0, b0);
            b1 = Avx512F.FusedMultiplyAdd(v, w1, b1);
            b2 = Avx512F.FusedMultiplyAdd(v, w2, b2);
            b3 = Avx512F.FusedMultiplyAdd(v, w3, b3);
            v = Vector512.Create(x2[at]);
            c0 = Avx512F.FusedMultiplyAdd(v, w0, c0);
            c1 = Avx512F.FusedMultiplyAdd(v, w1, c1);
            c2 = Avx512F.FusedMultiplyAdd(v, w2, c2);
            c3 = Avx512F.FusedMultiplyAdd(v, w3, c3);
            v = Vector512.Create(x3[at]);
            d0 = Avx512F.FusedMultiplyAdd(v, w0, d0);
            d1 = Avx512F.FusedMultiplyAdd(v, w1, d1);
            d2 = Avx512F.FusedMultiplyAdd(v, w2, d2);
            d3 = Avx512F.FusedMultiplyAdd(v, w3, d3);
            v = Vector512.Create(x4[at]);
            e0 = Avx512F.FusedMultiplyAdd(v, w0, e0);
            e1 = Avx512F.FusedMultiplyAdd(v, w1, e1);
            e2 = Avx512F.FusedMultiplyAdd(v, w2, e2);
            e3 = Avx512F.FusedMultiplyAdd(v, w3, e3);
            v = Vector512.Create(x5[at]);
            f0 = Avx512F.FusedMultiplyAdd(v, w0, f0);
            f1 = Avx512F.FusedMultiplyAdd(v, w1, f1);
            f2 = Avx512F.FusedMultiplyAdd(v, w2, f2);
            f3 = Avx512F.FusedMultiplyAdd(v, w3, f3);
        }

        Store(y, a0, a1, a2, a3);

        if (rows > 1)
        {
            Store(y + yStep, b0, b1, b2, b3);
        }

        if (rows > 2)
        {
            Store(y + (2 * yStep), c0, c1, c2, c3);
        }

        if (rows > 3)
        {
            Store(y + (3 * yStep), d0, d1, d2, d3);
        }

        if (rows > 4)
        {
            Store(y + (4 * yStep), e0, e1, e2, e3);
        }

        if (rows > 5)
        {
            Store(y + (5 * yStep), f0, f1, f2, f3);
        }
    }

    /// <remarks>For heads of 32 numbers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixByTwo(
        float* x,
        nint xStep,
        nint xNext,
        int rows,
        float* w,
        nint wStep,
        nint vector,
        int length,
        float* y,
        nint yStep,
        bool continues
    )
    {
        // Where there are fewer than six rows, the last is computed again and again, and written once.
        float* x0 = x,
            x1 = x + (Math.Min(1, rows - 1) * xStep),
            x2 = x + (Math.Min(2, rows - 1) * xStep);
        float* x3 = x + (Math.Min(3, rows - 1) * xStep),
            x4 = x + (Math.Min(4, rows - 1) * xStep),
            x5 = x + (Math.Min(5, rows - 1) * xStep);
        Vector512<float> a0 = default,
            a1 = default,
            b0 = default,
            b1 = default,
            c0 = default,
            c1 = default;
        Vector512<float> d0 = default,
            d1 = default,
            e0 = default,
            e1 = default,
            f0 = default,
            f1 = default;
        if (continues)
        {
            Load(y, out a0, out a1);
            Load(y + (Math.Min(1, rows - 1) * yStep), out b0, out b1);
            Load(y + (Math.Min(2, rows - 1) * yStep), out c0, out c1);
            Load(y + (Math.Min(3, rows - 1) * yStep), out d0, out d1);
            Load(y + (Math.Min(4, rows - 1) * yStep), out e0, out e1);
            Load(y + (Math.Min(5, rows - 1) * yStep), out f0, out f1);
        }

        for (nint i = 0, at = 0; i < length; i++, at += xNext, w += wStep)
        {
            Vector512<float> w0 = Vector512.Load(w),
                w1 = Vector512.Load(w + vector);
            var v = Vector512.Create(x0[at]);
            a0 = Avx512F.FusedMultiplyAdd(v, w0, a0);
            a1 = Avx512F.FusedMultiplyAdd(v, w1, a1);
            v = Vector512.Create(x1[at]);
            b0 = Avx512F.FusedMultiplyAdd(v, w0, b0);
            b1 = Avx512F.FusedMultiplyAdd(v, w1, b1);
            v = Vector512.Create(x2[at]);
            c0 = Avx512F.FusedMultiplyAdd(v, w0, c0);
            c1 = Avx512F.FusedMultiplyAdd(v, w1, c1);
            v = Vector512.Create(x3[at]);
            d0 = Avx512F.FusedMultiplyAdd(v, w0, d0);
            d1 = Avx512F.FusedMultiplyAdd(v, w1, d1);
            v = Vector512.Create(x4[at]);
            e0 = Avx512F.FusedMultiplyAdd(v, w0, e0);
            e1 = Avx512F.FusedMultiplyAdd(v, w1, e1);
            v = Vector512.Create(x5[at]);
            f0 = Avx512F.FusedMultiplyAdd(v, w0, f0);
            f1 = Avx512F.FusedMultiplyAdd(v, w1, f1);
        }

        Store(y, a0, a1);

        if (rows > 1)
        {
            Store(y + yStep, b0, b1);
        }

        if (rows > 2)
        {
            Store(y + (2 * yStep), c0, c1);
        }

        if (rows > 3)
        {
            Store(y + (3 * yStep), d0, d1);
        }

        if (rows > 4)
        {
            Store(y + (4 * yStep), e0, e1);
        }

        if (rows > 5)
        {
            Store(y + (5 * yStep), f0, f1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByFour(float* x, nint xNext, float* w, nint wStep, nint vector, int length, float* y, bool continues)
    {
        Vector512<float> a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        if (continues)
        {
            Load(y, out a0, out a1, out a2, out a3);
        }

        for (nint i = 0, at = 0; i < length; i++, at += xNext, w += wStep)
        {
            var v = Vector512.Create(x[at]);
            a0 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w), a0);
            a1 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + vector), a1);
            a2 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + (2 * vector)), a2);
            a3 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + (3 * vector)), a3);
        }

        Store(y, a0, a1, a2, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* x, nint xNext, float* w, nint wStep, int length, float* y, bool continues)
    {
        var sum = continues ? Vector512.Load(y) : default;
        for (nint i = 0, at = 0; i < length; i++, at += xNext, w += wStep)
        {
            sum = Avx512F.FusedMultiplyAdd(Vector512.Create(x[at]), Vector512.Load(w), sum);
        }

        sum.Store(y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out Vector512<float> a, out Vector512<float> b)
    {
        a = Vector512.Load(from);
        b = Vector512.Load(from + CpuKernels.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* from, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d)
    {
        Load(from, out a, out b);
        Load(from + (2 * CpuKernels.Width), out c, out d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector512<float> a, Vector512<float> b)
    {
        a.Store(to);
        b.Store(to + CpuKernels.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Store(to, a, b);
        Store(to + (2 * CpuKernels.Width), c, d);
    }
}
