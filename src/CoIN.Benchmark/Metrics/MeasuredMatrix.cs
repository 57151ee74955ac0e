namespace CoIN.Benchmark.Metrics;

/// <summary>An accuracy matrix with what may have been measured beside it.</summary>
/// <param name="Tasks">Names in the order of learning.</param>
/// <param name="Matrix">What was measured after the stages.</param>
public sealed record MeasuredMatrix(IReadOnlyList<string> Tasks, AccuracyMatrix Matrix)
{
    /// <summary>b_i, accuracy in percent of the untrained model on each task; empty where it was not measured.</summary>
    public IReadOnlyList<double?> ZeroShot { get; init; } = [];

    /// <summary>
    /// A[i−1,i], accuracy in percent on each task just before it is trained, the first one null; empty where it was not measured.
    /// </summary>
    public IReadOnlyList<double?> BeforeTraining { get; init; } = [];

    /// <summary>The numbers that sum it up; null where a cell that is needed is missing, or where the number is not defined.</summary>
    public MetricSet<double?> Metrics() =>
        new(Matrix.Maa, Matrix.Bwt, Matrix.LastAverage, Matrix.JustTrainedAverage, Matrix.Forgetting, LearningGain(), ForwardTransfer());

    private double? LearningGain() => Mean(Matrix.JustTrained.Select((accuracy, task) => accuracy - ZeroShot.ElementAtOrDefault(task)));

    private double? ForwardTransfer() =>
        Mean(
            Enumerable
                .Range(1, Matrix.Tasks - 1)
                .Select(task => BeforeTraining.ElementAtOrDefault(task) - ZeroShot.ElementAtOrDefault(task))
        );

    private static double? Mean(IEnumerable<double?> values)
    {
        var all = values.ToList();
        return all.Count > 0 && all.TrueForAll(value => value is not null) ? all.Average() : null;
    }
}
