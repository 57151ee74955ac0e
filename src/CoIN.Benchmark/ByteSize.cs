using System.Globalization;

namespace CoIN.Benchmark;

/// <summary>Numbers of bytes for people.</summary>
public static class ByteSize
{
    /// <summary>As kB, MB or GB (1 GB = 1,000,000,000 bytes), whichever the number is not below 1 of.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="digits">Behind the point.</param>
    public static string Text(double bytes, int digits = 1)
    {
        var (unit, name) = bytes switch
        {
            >= 1e9 => (1e9, "GB"),
            >= 1e6 => (1e6, "MB"),
            _ => (1e3, "kB"),
        };
        return $"{(bytes / unit).ToString($"F{digits}", CultureInfo.InvariantCulture)} {name}";
    }
}
