namespace CoIN.Benchmark.Metrics;

/// <summary>
/// The numbers that sum up a matrix, or something about each of them: their values (<c>double?</c>), intervals, means over seeds. A[j,i] is
/// the accuracy in percent on task i after stage j, b_i that of the untrained model, T the number of tasks (all from 1 here).
/// </summary>
/// <param name="Maa">Mean average accuracy, 1/T Σ_j 1/j Σ_{i≤j} A[j,i] (CoIN, equation 2), percent.</param>
/// <param name="Bwt">Backward transfer, 1/T Σ_i (A[T,i] − A[i,i]): divided by T, as CoIN does; points.</param>
/// <param name="LastAverage">1/T Σ_i A[T,i], percent.</param>
/// <param name="JustTrainedAverage">1/T Σ_i A[i,i], percent.</param>
/// <param name="Forgetting">
/// Forgetting measure (Chaudhry et al. 2018), 1/(T − 1) Σ_{i&lt;T} (max_{i≤j&lt;T} A[j,i] − A[T,i]), points; less than 0 where tasks
/// gained. Not defined for T = 1.
/// </param>
/// <param name="LearningGain">1/T Σ_i (A[i,i] − b_i): what training on a task brings over the untrained model, points.</param>
/// <param name="ForwardTransfer">
/// Forward transfer (Lopez-Paz and Ranzato 2017), 1/(T − 1) Σ_{i>1} (A[i−1,i] − b_i), points: what the tasks before bring to one that is
/// not trained yet. It needs the cells right above the diagonal, which CoIN does not measure. Not defined for T = 1.
/// </param>
public sealed record MetricSet<T>(T Maa, T Bwt, T LastAverage, T JustTrainedAverage, T Forgetting, T LearningGain, T ForwardTransfer)
{
    /// <summary>All of them in their order, with the names that files use.</summary>
    public IReadOnlyList<(string Name, T Value)> Named =>
        [
            ("maa", Maa),
            ("bwt", Bwt),
            ("lastAverage", LastAverage),
            ("justTrainedAverage", JustTrainedAverage),
            ("forgetting", Forgetting),
            ("learningGain", LearningGain),
            ("forwardTransfer", ForwardTransfer),
        ];

    /// <summary>Something about each of them.</summary>
    public MetricSet<TResult> Select<TResult>(Func<T, TResult> selector) =>
        new(
            selector(Maa),
            selector(Bwt),
            selector(LastAverage),
            selector(JustTrainedAverage),
            selector(Forgetting),
            selector(LearningGain),
            selector(ForwardTransfer)
        );

    /// <summary>Each of them from all of several sets.</summary>
    /// <param name="sets">At least one.</param>
    public static MetricSet<TResult> Merge<TResult>(IReadOnlyList<MetricSet<T>> sets, Func<IEnumerable<T>, TResult> merge) =>
        new(
            merge(sets.Select(set => set.Maa)),
            merge(sets.Select(set => set.Bwt)),
            merge(sets.Select(set => set.LastAverage)),
            merge(sets.Select(set => set.JustTrainedAverage)),
            merge(sets.Select(set => set.Forgetting)),
            merge(sets.Select(set => set.LearningGain)),
            merge(sets.Select(set => set.ForwardTransfer))
        );
}
