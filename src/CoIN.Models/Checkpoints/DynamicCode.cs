namespace CoIN.Models.Checkpoints;

/// <summary>
/// bitsandbytes' signed dynamic 8-bit data type (Dettmers 2015, "8-Bit Approximations for Parallelism in Deep Learning"): a decimal
/// exponent from 0 to -6, and for each larger one twice as many fractions. Double quantization holds the scales in it.
/// </summary>
internal static class DynamicCode
{
    private const int Exponents = 7;

    private static readonly float[] Table = Make();

    /// <summary>The 256 numbers in ascending order, from about -0.99 to 1.</summary>
    public static ReadOnlySpan<float> Numbers => Table;

    /// <summary>The code of a number's nearest one, ties as bitsandbytes' GPU kernel settles them.</summary>
    public static byte Nearest(float x)
    {
        int pivot = 127,
            upper = 255,
            lower = 0;
        for (var step = 64; step > 0; step >>= 1)
        {
            if (x > Table[pivot])
            {
                lower = pivot;
                pivot += step;
            }
            else
            {
                upper = pivot;
                pivot -= step;
            }
        }

        return (byte)(
            x > Table[pivot]
                ? x > (Table[upper] + Table[pivot]) * 0.5f
                    ? upper
                    : pivot
                : x < (Table[lower] + Table[pivot]) * 0.5f
                    ? lower
                    : pivot
        );
    }

    /// <remarks>All steps in float32, as torch does them: the middles of equal parts of [0.1, 1], times a power of ten.</remarks>
    private static float[] Make()
    {
        List<float> numbers = [0, 1];
        for (var i = 0; i < Exponents; i++)
        {
            var parts = 1 << i;
            var factor = (float)Math.Pow(10, i + 1 - Exponents);
            for (var part = 0; part < parts; part++)
            {
                var middle = (Border(part, parts) + Border(part + 1, parts)) / 2f;
                numbers.AddRange([factor * middle, -(factor * middle)]);
            }
        }

        numbers.Sort();
        return [.. numbers];
    }

    /// <summary>torch's linspace from 0.1 to 1.</summary>
    private static float Border(int part, int parts)
    {
        var step = (1f - 0.1f) / parts;
        return part < (parts + 1) / 2 ? 0.1f + (step * part) : 1f - (step * (parts - part));
    }
}
