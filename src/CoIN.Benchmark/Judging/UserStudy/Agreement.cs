namespace CoIN.Benchmark.Judging.UserStudy;

/// <summary>How well two judges of the same answers agree, scores being 0 to 10.</summary>
/// <param name="Count">Answers that both scored.</param>
/// <param name="Pearson">Linear correlation; null where one of them gave always the same score.</param>
/// <param name="Spearman">Correlation of ranks, ties sharing their mean rank; null as above.</param>
/// <param name="Kappa">Cohen's kappa over the eleven whole scores; null where chance alone agrees wholly.</param>
/// <param name="WeightedKappa">Cohen's kappa with quadratic weights (1968), likewise.</param>
/// <param name="MeanDifference">Mean absolute difference, in points of 10.</param>
public sealed record Agreement(int Count, double? Pearson, double? Spearman, double? Kappa, double? WeightedKappa, double MeanDifference)
{
    private const int Categories = 11;

    /// <exception cref="ArgumentException">There are no pairs.</exception>
    public static Agreement Of(IReadOnlyList<(double One, double Other)> pairs)
    {
        if (pairs.Count == 0)
        {
            throw new ArgumentException("there are no pairs of scores", nameof(pairs));
        }

        double[] one = [.. pairs.Select(pair => pair.One)],
            other = [.. pairs.Select(pair => pair.Other)];
        return new Agreement(
            pairs.Count,
            Correlation(one, other),
            Correlation(Ranks(one), Ranks(other)),
            CohensKappa(pairs, (a, b) => a == b ? 0 : 1),
            CohensKappa(pairs, (a, b) => (a - b) * (a - b)),
            pairs.Average(pair => Math.Abs(pair.One - pair.Other))
        );
    }

    private static double? Correlation(double[] one, double[] other)
    {
        var (meanOne, meanOther) = (one.Average(), other.Average());
        var covariance = one.Zip(other).Sum(pair => (pair.First - meanOne) * (pair.Second - meanOther));
        var variances =
            one.Sum(value => (value - meanOne) * (value - meanOne)) * other.Sum(value => (value - meanOther) * (value - meanOther));
        return variances > 0 ? covariance / Math.Sqrt(variances) : null;
    }

    private static double[] Ranks(double[] values)
    {
        var ranks = new double[values.Length];
        var place = 0;
        foreach (
            var tied in Enumerable
                .Range(0, values.Length)
                .OrderBy(index => values[index])
                .GroupBy(index => values[index])
                .Select(group => group.ToList())
        )
        {
            tied.ForEach(index => ranks[index] = place + ((tied.Count + 1) / 2.0));
            place += tied.Count;
        }

        return ranks;
    }

    /// <summary>1 − Σ w·observed / Σ w·expected, over whole scores (halves rounded to even).</summary>
    private static double? CohensKappa(IReadOnlyList<(double One, double Other)> pairs, Func<int, int, double> disagreement)
    {
        var counts = new double[Categories, Categories];
        var (ones, others) = (new double[Categories], new double[Categories]);
        foreach (var (one, other) in pairs)
        {
            var (a, b) = ((int)Math.Round(one), (int)Math.Round(other));
            counts[a, b]++;
            ones[a]++;
            others[b]++;
        }

        var (observed, expected) = (0.0, 0.0);
        for (var a = 0; a < Categories; a++)
        {
            for (var b = 0; b < Categories; b++)
            {
                observed += disagreement(a, b) * counts[a, b];
                expected += disagreement(a, b) * ones[a] * others[b] / pairs.Count;
            }
        }

        return expected > 0 ? 1 - (observed / expected) : null;
    }
}
