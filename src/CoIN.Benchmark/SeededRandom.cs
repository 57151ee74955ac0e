namespace CoIN.Benchmark;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers from the same seed on every platform and in every version of the runtime,
/// which <see cref="Random"/> does not promise.
/// </summary>
public sealed class SeededRandom(long seed)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong state = unchecked((ulong)seed);

    /// <summary>A seed that depends on all of the given numbers and on their order.</summary>
    public static long Combine(params ReadOnlySpan<long> parts)
    {
        ulong mixed = 0;
        foreach (var part in parts)
        {
            mixed = Mix(unchecked(mixed + Golden + (ulong)part));
        }

        // Not negative, for libraries that take seeds as signed or as unsigned numbers.
        return (long)(mixed >> 1);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Mix(unchecked(state += Golden));

    /// <summary>Uniform in 0 … <paramref name="bound"/> − 1.</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)Math.BigMul(NextBits(), (ulong)bound, out _);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong z)
    {
        unchecked
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
