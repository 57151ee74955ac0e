using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports;

/// <summary>The names that configurations use, for the same things in reports.</summary>
internal static class ReportNames
{
    public static string Of(Schedule schedule) => schedule.ToString().ToLowerInvariant();

    public static string Of(ScoringKind scoring) => scoring.ToString().ToLowerInvariant();
}
