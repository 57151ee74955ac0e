using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Reports.Examples;

/// <summary>Where a report finds what it shows of single samples.</summary>
/// <param name="Samples">
/// The test samples of a task by its name; null where they are gone or are not those that the run was tested on.
/// </param>
/// <param name="Images">The folder to which the samples' images are relative.</param>
/// <param name="Aids">Reads pictures; null for a report without.</param>
public sealed record ExampleData(Func<string, IReadOnlyList<TestSample>?> Samples, string Images, IReportAids? Aids);
