using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>A run's numbers less those of the first one, by one measure and row.</summary>
/// <param name="Run">Id of the run.</param>
/// <param name="From">Id of the first one.</param>
/// <param name="When">Which row.</param>
/// <param name="Values">Points for each task, then MAA and BWT; null where one is not known.</param>
/// <param name="Intervals">
/// 95 % intervals of these, paired over the test samples; null where the samples are not at hand or not the same.
/// </param>
internal sealed record RunDifference(
    string Run,
    string From,
    string When,
    IReadOnlyList<double?> Values,
    IReadOnlyList<Interval?> Intervals
)
{
    /// <summary>Differences of the rows that both have.</summary>
    public static IReadOnlyList<RunDifference> Of(
        RunResults first,
        Measure former,
        RunResults other,
        Measure measure,
        IReadOnlyList<string> tasks
    )
    {
        var formers = ComparedRow.Of(first, former, tasks);
        var pairs = ComparedRow
            .Of(other, measure, tasks)
            .Select(row => (Row: row, One: Counterpart(row, formers)))
            .Where(pair => pair.One is not null)
            .Select(pair => (pair.Row, One: pair.One!))
            .ToList();
        var known = pairs
            .SelectMany(pair => tasks.Select((task, place) => (First: pair.One.Stages[place], Second: pair.Row.Stages[place], Task: task)))
            .ToList();
        var (cells, metrics) = Bootstrap.Differences(
            (former.Measured, former.Results.Columns),
            (measure.Measured, measure.Results.Columns),
            known
        );
        return
        [
            .. pairs.Select(
                (pair, place) =>
                    new RunDifference(
                        other.Report.RunId,
                        first.Report.RunId,
                        pair.Row.When == pair.One.When ? pair.Row.When : $"{pair.Row.When} − {pair.One.When}",
                        [.. pair.Row.All.Zip(pair.One.All, (value, reference) => value - reference)],
                        [
                            .. cells.Skip(place * tasks.Count).Take(tasks.Count),
                            pair.Row.Maa is null || pair.One.Maa is null ? null : metrics.Maa,
                            pair.Row.Bwt is null || pair.One.Bwt is null ? null : metrics.Bwt,
                        ]
                    )
            ),
        ];
    }

    /// <summary>
    /// The row of the same kind; the untrained model is held against the end of a run that has no such row, and the other way round.
    /// </summary>
    private static ComparedRow? Counterpart(ComparedRow row, IReadOnlyList<ComparedRow> formers) =>
        formers.FirstOrDefault(one => one.When == row.When)
        ?? (row.When, formers) switch
        {
            (PaperTable.ZeroShot, _) => formers.FirstOrDefault(one => one.When == PaperTable.Final),
            (PaperTable.Final, [{ When: PaperTable.ZeroShot } only]) => only,
            _ => null,
        };
}
