using System.Globalization;

namespace CoIN.Benchmark;

/// <summary>Counts with their noun: <c>1 sample</c>, <c>2 samples</c>.</summary>
public static class Plural
{
    /// <summary>A count with its noun.</summary>
    /// <param name="noun">For one.</param>
    /// <param name="several">For none and for several; null for the noun with an s.</param>
    public static string Of(long count, string noun, string? several = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? noun : several ?? noun + "s")}");
}
