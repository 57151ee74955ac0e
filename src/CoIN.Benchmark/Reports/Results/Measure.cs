using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>One way in which a run's answers were measured, with everything that came out.</summary>
/// <param name="Key">A name that can stand in file names and element ids, unique within a run.</param>
/// <param name="Title">For headings.</param>
/// <param name="Scoring">Published or corrected rule.</param>
/// <param name="Judge">The judge's name, for Reasoning Capability; null for Truth Alignment.</param>
/// <param name="Results">Cells, numbers and intervals.</param>
/// <param name="Samples">How many samples each cell was computed on, by stage (0 for the base model) and 0-based task.</param>
internal sealed record Measure(
    string Key,
    string Title,
    ScoringKind Scoring,
    string? Judge,
    MatrixResults Results,
    IReadOnlyDictionary<(int Stage, int Task), int> Samples
)
{
    public MeasuredMatrix Measured => Results.Measured;

    public AccuracyMatrix Matrix => Results.Measured.Matrix;

    /// <summary>A cell in percent, or null.</summary>
    /// <param name="stage">From 1; 0 for the base model.</param>
    /// <param name="task">From 0.</param>
    public double? Cell(int stage, int task) =>
        stage == 0 ? Measured.ZeroShot.ElementAtOrDefault(task)
        : Matrix.Has(stage - 1, task) ? Matrix[stage - 1, task]
        : null;

    /// <summary>Number of samples of a cell, or null.</summary>
    public int? SamplesOf(int stage, int task) => Samples.TryGetValue((stage, task), out var samples) ? samples : null;
}
