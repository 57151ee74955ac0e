namespace CoIN.Benchmark.Metrics;

/// <summary>The same experiment with several seeds: mean and sample standard deviation of every cell and of every number.</summary>
/// <param name="Tasks">Names in the order of learning.</param>
/// <param name="Cells"><c>Cells[j][i]</c>, i ≤ j, both from 0; null where no run has measured it.</param>
/// <param name="Metrics">The numbers that sum the matrices up.</param>
public sealed record SeedSummary(
    IReadOnlyList<string> Tasks,
    IReadOnlyList<IReadOnlyList<MeanDeviation?>> Cells,
    MetricSet<MeanDeviation?> Metrics
)
{
    /// <summary>Sums up runs.</summary>
    /// <param name="runs">At least one, all over the same number of tasks and stages.</param>
    /// <exception cref="ArgumentException">The runs differ in their number of tasks or stages, or there are none.</exception>
    public static SeedSummary Of(IReadOnlyList<MeasuredMatrix> runs)
    {
        if (runs.Count == 0 || runs.Any(run => run.Matrix.Tasks != runs[0].Matrix.Tasks || run.Matrix.Stages != runs[0].Matrix.Stages))
        {
            throw new ArgumentException("One or more runs over the same number of tasks and stages are needed.", nameof(runs));
        }

        return new SeedSummary(
            runs[0].Tasks,
            [
                .. runs[0]
                    .Matrix.Rows.Select(
                        (row, stage) =>
                            (IReadOnlyList<MeanDeviation?>)
                                [.. row.Select((_, task) => MeanDeviation.Of(runs.Select(run => run.Matrix.Rows[stage][task])))]
                    ),
            ],
            MetricSet<double?>.Merge([.. runs.Select(run => run.Metrics())], MeanDeviation.Of)
        );
    }
}
