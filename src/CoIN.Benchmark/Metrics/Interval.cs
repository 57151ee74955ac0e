namespace CoIN.Benchmark.Metrics;

/// <summary>A confidence interval, in the unit of the number it belongs to.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Low, double High);

/// <summary>Mean and spread of a number over several runs.</summary>
/// <param name="Mean">The arithmetic mean.</param>
/// <param name="Deviation">The sample standard deviation (divided by n − 1); null for a single run.</param>
/// <param name="Runs">n.</param>
public readonly record struct MeanDeviation(double Mean, double? Deviation, int Runs)
{
    /// <summary>Of the values that are known; null if there are none.</summary>
    public static MeanDeviation? Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        if (known.Count == 0)
        {
            return null;
        }

        var mean = known.Average();
        return new MeanDeviation(
            mean,
            known.Count > 1 ? Math.Sqrt(known.Sum(value => (value - mean) * (value - mean)) / (known.Count - 1)) : null,
            known.Count
        );
    }
}
