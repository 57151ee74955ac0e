using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Scoring;

namespace CoIN.Cli.Views;

/// <summary>What was computed for one matrix of a file.</summary>
/// <param name="Name">The file as the user named it.</param>
/// <param name="Scoring">Which Truth Alignment, where the file says so.</param>
internal sealed record NamedResults(string Name, ScoringKind? Scoring, MatrixResults Results);
