namespace CoIN.Benchmark.Data;

/// <summary>Parts the samples that a run does not train on from those that it does.</summary>
public static class ValidationSplit
{
    // What tells its seed from those of other draws.
    private const int Stream = 20;

    /// <summary>
    /// Holds some samples out, both parts in file order. The same seed gives nested parts: more held out are those of fewer, and further
    /// ones.
    /// </summary>
    /// <param name="held">A part of the samples below 1, rounded and at least one; their number from 1 on; 0 for none.</param>
    /// <param name="task">For faults.</param>
    /// <exception cref="CoinException">Nothing would be left to train on.</exception>
    public static (IReadOnlyList<T> Training, IReadOnlyList<T> Validation) Of<T>(
        IReadOnlyList<T> samples,
        double held,
        long seed,
        string task
    )
        where T : class
    {
        var count =
            held >= 1 ? (int)Math.Min(held, int.MaxValue)
            : held > 0 ? Math.Max(1, (int)Math.Round(samples.Count * held, MidpointRounding.AwayFromZero))
            : 0;
        if (count == 0)
        {
            return (samples, []);
        }

        if (count >= samples.Count)
        {
            throw new CoinException(
                $"coin.data.validation holds {count} of {Plural.Of(samples.Count, "training sample")} of {task} out, and nothing is left to train on. Lower it, or name a validation-file."
            );
        }

        var validation = Subset.Draw(samples, count, SeededRandom.Combine(seed, Stream));
        var kept = new HashSet<T>(validation, ReferenceEqualityComparer.Instance);
        return ([.. samples.Where(sample => !kept.Contains(sample))], validation);
    }
}
