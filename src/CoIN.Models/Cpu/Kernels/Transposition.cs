using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>Exchanges rows and columns.</summary>
internal static unsafe class Transposition
{
    /// <summary>Transposes sixteen rows of sixteen numbers.</summary>
    /// <param name="fromStep">From one row to the next.</param>
    /// <param name="toStep">From one row of the result to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Square(float* from, nint fromStep, float* to, nint toStep)
    {
        // Quarters of vectors are put together first: the rows k, k + 4, k + 8, k + 12 give four vectors of four columns each. What then
        // remains is within the quarters.
        for (var quarter = 0; quarter < 4; quarter++, from += 4, to += 4 * toStep)
        {
            Vector512<float> a = Gather(from, fromStep),
                b = Gather(from + fromStep, fromStep),
                c = Gather(from + (2 * fromStep), fromStep);
            var d = Gather(from + (3 * fromStep), fromStep);

            // Lane q of a holds columns 0 to 3 of row 4 q; b, c, d those of the rows behind it.
            Vector512<float> ab = Avx512F.UnpackLow(a, b),
                cd = Avx512F.UnpackLow(c, d),
                abHigh = Avx512F.UnpackHigh(a, b),
                cdHigh = Avx512F.UnpackHigh(c, d);
            Avx512F.UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle().Store(to);
            Avx512F.UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle().Store(to + toStep);
            Avx512F.UnpackLow(abHigh.AsDouble(), cdHigh.AsDouble()).AsSingle().Store(to + (2 * toStep));
            Avx512F.UnpackHigh(abHigh.AsDouble(), cdHigh.AsDouble()).AsSingle().Store(to + (3 * toStep));
        }
    }

    /// <summary>Four numbers of every fourth row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gather(float* from, nint step) =>
        Vector512.Create(
            Vector256.Create(Vector128.Load(from), Vector128.Load(from + (4 * step))),
            Vector256.Create(Vector128.Load(from + (8 * step)), Vector128.Load(from + (12 * step)))
        );
}
