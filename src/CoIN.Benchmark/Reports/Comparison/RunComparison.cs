using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>One measure of all compared runs.</summary>
/// <param name="Title">What was measured, by which rules.</param>
/// <param name="Groups">Rows of each run, then differences from the first run, then means over seeds.</param>
/// <param name="Differences">The differences with their intervals, by run and row.</param>
internal sealed record ComparedMeasure(string Title, IReadOnlyList<LatexGroup> Groups, IReadOnlyList<RunDifference> Differences);

/// <summary>Runs side by side, the first one being what the others are compared with.</summary>
/// <param name="Runs">Ids.</param>
/// <param name="Labels">What the runs are called in tables and pictures.</param>
/// <param name="Results">All numbers of the runs.</param>
/// <param name="Seeds">Runs that differ by their seed only.</param>
/// <param name="Tasks">The tasks of all runs, those of the first one first.</param>
/// <param name="Measures">By what they were measured.</param>
/// <param name="Factors">What single factors do.</param>
/// <param name="Besides">Each run beside each published result that was named.</param>
/// <param name="Warnings">What keeps numbers from being compared.</param>
/// <param name="Settings">The settings that differ.</param>
internal sealed record RunComparison(
    IReadOnlyList<string> Runs,
    RunLabels Labels,
    IReadOnlyList<RunResults> Results,
    IReadOnlyList<SeedGroup> Seeds,
    IReadOnlyList<string> Tasks,
    IReadOnlyList<ComparedMeasure> Measures,
    IReadOnlyList<FactorTable> Factors,
    IReadOnlyList<PaperBeside> Besides,
    IReadOnlyList<string> Warnings,
    TextTable Settings
)
{
    /// <summary>Of the tables of all runs.</summary>
    public IReadOnlyList<string> Header => ["run", "row", .. Tasks, "MAA", "BWT"];

    /// <summary>Compares runs.</summary>
    /// <param name="runs">Two or more, with their folders; one is enough where there are published results.</param>
    /// <param name="published">Names of published results to set the runs beside.</param>
    /// <exception cref="CoinException">
    /// A run is given twice, there are too few, a file of scores cannot be read, or there is no such published result.
    /// </exception>
    public static RunComparison Of(IReadOnlyList<ReportedRun> runs, IReadOnlyList<string> published)
    {
        var ids = runs.Select(run => run.Report.RunId).ToList();
        if (runs.Count < (published.Count > 0 ? 1 : 2) || ids.Distinct().Count() < ids.Count)
        {
            throw new CoinException("Two or more different runs are needed to compare. ./run.sh runs lists those there are.");
        }

        var papers = published.Distinct().Select(PublishedResults.Of).ToList();
        var results = runs.Select(run => RunResults.Of(run.Report, run.Folder)).ToList();
        IReadOnlyList<string> tasks = [.. results.SelectMany(run => run.Report.Tasks).Distinct()];
        IReadOnlyList<string> titles = [.. results.SelectMany(run => run.Measures).Select(measure => measure.Title).Distinct()];
        var seeds = SeedGroup.Of(results);
        var labels = RunLabels.Of(ids);
        return new RunComparison(
            ids,
            labels,
            results,
            seeds,
            tasks,
            [.. titles.Select(title => Compare(title, results, labels, seeds, tasks))],
            FactorTable.Of(seeds, tasks, titles),
            [.. from paper in papers from run in results select PaperBeside.Of(paper, run)],
            [.. Comparability.Warnings(runs), .. seeds.SelectMany(group => group.Repeats)],
            DifferentSettings([.. results.Select(run => run.Report)], labels)
        );
    }

    private static ComparedMeasure Compare(
        string title,
        List<RunResults> runs,
        RunLabels labels,
        IReadOnlyList<SeedGroup> seeds,
        IReadOnlyList<string> tasks
    )
    {
        var measured = runs.Select(run => (Run: run, Measure: run.Measures.FirstOrDefault(measure => measure.Title == title)))
            .Where(one => one.Measure is not null)
            .ToList();
        var groups = measured
            .Select(one => new LatexGroup(
                "",
                [
                    .. ComparedRow
                        .Of(one.Run, one.Measure!, tasks)
                        .Select(row => (IReadOnlyList<string>)[labels[one.Run.Report.RunId], row.When, .. row.All.Select(Known)]),
                ]
            ))
            .ToList();
        IReadOnlyList<RunDifference> differences =
            measured.Count > 1 && measured[0].Run == runs[0]
                ? [.. measured.Skip(1).SelectMany(one => RunDifference.Of(runs[0], measured[0].Measure!, one.Run, one.Measure!, tasks))]
                : [];
        groups.Add(
            new LatexGroup(
                "",
                [
                    .. differences.Select(one =>
                        (IReadOnlyList<string>)[$"{labels[one.Run]} − {labels[one.From]}", one.When, .. one.Values.Select(Signed)]
                    ),
                ]
            )
        );
        foreach (var group in seeds)
        {
            var rows = measured
                .Where(one => group.Runs.Contains(one.Run))
                .Select(one => ComparedRow.Of(one.Run, one.Measure!, tasks))
                .ToList();
            if (rows.Count > 1)
            {
                var name = labels.Common([.. group.Runs.Select(run => run.Report.RunId)]);
                groups.Add(
                    new LatexGroup(
                        "",
                        [
                            .. rows[0]
                                .Select(
                                    (row, place) =>
                                        (IReadOnlyList<string>)
                                            [
                                                FormattableString.Invariant(
                                                    $"{(name.Length > 0 ? name + ", " : "")}mean ± sd of {rows.Count} seeds"
                                                ),
                                                row.When,
                                                .. row.All.Select(
                                                    (_, column) =>
                                                        Spread(FactorTable.Spread([.. rows.Select(one => one[place].All[column])]))
                                                ),
                                            ]
                                ),
                        ]
                    )
                );
            }
        }

        return new ComparedMeasure(title, [.. groups.Where(group => group.Rows.Count > 0)], differences);
    }

    private static TextTable DifferentSettings(IReadOnlyList<RunReport> runs, RunLabels labels)
    {
        var all = runs.Select(RunSettings.Of).ToList();
        return new TextTable(
            ["setting", .. runs.Select(run => labels[run.RunId])],
            [
                .. all.SelectMany(one => one.Keys)
                    .Distinct()
                    .Order(StringComparer.Ordinal)
                    .Select(name => (IReadOnlyList<string>)[name, .. all.Select(one => one.GetValueOrDefault(name, "-"))])
                    .Where(row => row.Skip(1).Distinct().Count() > 1),
            ]
        );
    }

    /// <summary>A number, or nothing.</summary>
    internal static string Known(double? value) => value is null ? "" : MatrixText.Percent(value);

    /// <summary>A difference with its sign, or nothing.</summary>
    internal static string Signed(double? value)
    {
        var text = Known(value);
        return text.Length == 0 || text[0] == '-' ? text : "+" + text;
    }

    /// <summary>A mean with its deviation, or nothing.</summary>
    internal static string Spread(MeanDeviation? value) =>
        value is not { } known
            ? ""
            : MatrixText.Percent(known.Mean) + (known.Deviation is { } deviation ? " ± " + MatrixText.Percent(deviation) : "");
}
