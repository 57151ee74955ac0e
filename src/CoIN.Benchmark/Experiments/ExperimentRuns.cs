namespace CoIN.Benchmark.Experiments;

/// <summary>
/// What an experiment of several runs varies, and the runs that come of it: variants × all combinations of the varied values.
/// </summary>
/// <param name="VariedKeys">The keys of which it lists values, without <c>coin.</c>, in the order in which they were written.</param>
/// <param name="Variants">Names of the variants, in the order in which they were written; none where it only varies keys.</param>
/// <param name="Runs">The variant changes slowest, the last key fastest.</param>
public sealed record ExperimentRuns(IReadOnlyList<string> VariedKeys, IReadOnlyList<string> Variants, IReadOnlyList<ExperimentRun> Runs)
{
    /// <summary>Whether a result that two runs have in common is computed once.</summary>
    public bool Reuse { get; init; } = true;
}
