using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>The exponential function of a vector, to about one unit in the last place.</summary>
internal static class Exponential
{
    // ln 2 in two parts: the first has few digits, so that its product with a whole number is exact.
    private const float Ln2High = 0.693359375f,
        Ln2Low = -2.12194440e-4f;

    // Beyond, float32 has but zero and infinity.
    private const float Lowest = -150f,
        Highest = 150f;

    /// <summary>
    /// e to the power of x: 2 to the power of a whole number, times a polynomial in the rest, which lies within ±ln 2 / 2. The polynomial's
    /// coefficients are those of Cephes' <c>expf</c> (Moshier 1989). Gives 0 for −∞, ∞ for ∞, and NaN for NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        // The processor's minimum and maximum give their second operand where one is NaN.
        var bounded = Avx512F.Max(Vector512.Create(Lowest), Avx512F.Min(Vector512.Create(Highest), x));
        var whole = Avx512F.RoundScale(bounded * Vector512.Create(1.44269504f), 0);
        var rest = Avx512F.FusedMultiplyAdd(
            whole,
            Vector512.Create(-Ln2Low),
            Avx512F.FusedMultiplyAdd(whole, Vector512.Create(-Ln2High), bounded)
        );
        var sum = Vector512.Create(1.9875691500e-4f);
        sum = Avx512F.FusedMultiplyAdd(sum, rest, Vector512.Create(1.3981999507e-3f));
        sum = Avx512F.FusedMultiplyAdd(sum, rest, Vector512.Create(8.3334519073e-3f));
        sum = Avx512F.FusedMultiplyAdd(sum, rest, Vector512.Create(4.1665795894e-2f));
        sum = Avx512F.FusedMultiplyAdd(sum, rest, Vector512.Create(1.6666665459e-1f));
        sum = Avx512F.FusedMultiplyAdd(sum, rest, Vector512.Create(5.0000001201e-1f));
        sum = Avx512F.FusedMultiplyAdd(sum, rest * rest, rest + Vector512<float>.One);
        return Avx512F.Scale(sum, whole);
    }
}
