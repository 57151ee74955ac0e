namespace CoIN.Models.Qwen2;

/// <summary>Random numbers that are the same everywhere (Steele, Lea and Flood 2014).</summary>
internal sealed class SplitMix64(ulong state)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong state = state;

    /// <summary>Numbers that depend on a seed and a text's ids.</summary>
    public static SplitMix64 Of(int seed, IEnumerable<int> ids) =>
        new(ids.Aggregate(Mix(unchecked((ulong)seed + Golden)), (hash, id) => Mix(unchecked((hash ^ (uint)id) + Golden))));

    /// <summary>At least 0 and less than 1, in steps of 2^-32.</summary>
    public double Next()
    {
        state = unchecked(state + Golden);
        return (Mix(state) >> 32) * (1.0 / (1L << 32));
    }

    private static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
