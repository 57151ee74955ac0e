namespace CoIN.Benchmark.Runs;

/// <summary>What it took to answer a cell's test set.</summary>
/// <param name="Samples">Samples answered.</param>
/// <param name="Seconds">Summed over the evaluators, which may have worked side by side.</param>
public sealed record CellEffort(int Samples, double Seconds);
