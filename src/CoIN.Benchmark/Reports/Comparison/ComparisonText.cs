using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Forms in which runs are put side by side.</summary>
public enum ComparisonFormat
{
    /// <summary>Aligned text for a screen.</summary>
    Text,

    /// <summary>Markdown.</summary>
    Markdown,

    /// <summary>Comma-separated values.</summary>
    Csv,

    /// <summary>LaTeX with booktabs.</summary>
    Latex,

    /// <summary>A page for a browser.</summary>
    Html,

    /// <summary>JSON.</summary>
    Json,
}

/// <summary>Renders runs side by side.</summary>
public sealed class ComparisonText
{
    private const string Explanation = "Percent; MAA in percent, BWT in points. Rows of differences are in points.";

    private readonly RunComparison comparison;

    private ComparisonText(RunComparison comparison) => this.comparison = comparison;

    /// <summary>Compares runs.</summary>
    /// <param name="runs">
    /// Two or more; the first one is what the others are compared with. One is enough where published results are named.
    /// </param>
    /// <param name="published">Names of published results to set each run beside.</param>
    /// <exception cref="CoinException">A run is given twice, there are too few, or there is no such published result.</exception>
    public static ComparisonText Of(IReadOnlyList<ReportedRun> runs, IReadOnlyList<string> published) =>
        new(RunComparison.Of(runs, published));

    /// <summary>Compares runs and renders that in each of several forms.</summary>
    /// <param name="runs">Two or more; the first one is what the others are compared with.</param>
    /// <exception cref="CoinException">A run is given twice, or there are fewer than two.</exception>
    public static IReadOnlyDictionary<ComparisonFormat, string> Render(
        IReadOnlyList<ReportedRun> runs,
        IEnumerable<ComparisonFormat> formats
    )
    {
        var text = Of(runs, []);
        return formats.Distinct().ToDictionary(format => format, text.Render);
    }

    /// <summary>The name of the file that holds a form.</summary>
    public static string FileName(ComparisonFormat format) =>
        "comparison"
        + format switch
        {
            ComparisonFormat.Markdown => ".md",
            ComparisonFormat.Csv => ".csv",
            ComparisonFormat.Latex => ".tex",
            ComparisonFormat.Html => ".html",
            ComparisonFormat.Json => ".json",
            _ => ".txt",
        };

    /// <summary>The comparison in a form.</summary>
    public string Render(ComparisonFormat format)
    {
        var title = Title();
        return format switch
        {
            ComparisonFormat.Markdown => ToSheet().ToMarkdown(title),
            ComparisonFormat.Csv => Csv(),
            ComparisonFormat.Latex => Latex(),
            ComparisonFormat.Html => ToSheet()
                .ToPage(title, $"{comparison.Runs.Count} run{(comparison.Runs.Count == 1 ? "" : "s side by side")}. {Explanation}"),
            ComparisonFormat.Json => ComparisonJson.Render(comparison),
            _ => ToSheet().ToText(),
        };
    }

    /// <summary>All names where they are few, else how many.</summary>
    private string Title() =>
        comparison.Runs.Count <= 4
            ? string.Join(", ", comparison.Runs)
            : FormattableString.Invariant(
                $"{comparison.Runs.Count} runs{(comparison.Labels.Beginning is { Length: > 0 } common ? $" of {common.TrimEnd('-')}" : "")}"
            );

    private Sheet ToSheet()
    {
        var sheet = new Sheet();
        if (comparison.Labels.Beginning is { Length: > 0 } beginning)
        {
            sheet.AddText($"Names are those of runs without {beginning} in front, which all have in common.");
        }

        sheet.AddWarnings(comparison.Warnings);
        if (comparison.Runs.Count > 1)
        {
            AddRuns(sheet);
        }

        foreach (var beside in comparison.Besides)
        {
            sheet.AddHeading($"{comparison.Labels[beside.Run.Report.RunId]} beside the published {beside.Published.Name}");
            PublishedSheet.Add(sheet, beside, 3);
        }

        return sheet;
    }

    private void AddRuns(Sheet sheet)
    {
        foreach (var measure in comparison.Measures)
        {
            sheet.AddHeading(measure.Title);
            sheet.AddTable(new TextTable(comparison.Header, [.. measure.Groups.SelectMany(group => group.Rows)]), 2);
            sheet.AddPicture(ComparisonPictures.Render(comparison, measure.Title));
            foreach (var pair in measure.Differences.GroupBy(difference => (difference.Run, difference.From)))
            {
                if (pair.Any(one => one.Intervals.Any(interval => interval is not null)))
                {
                    sheet.AddHeading(
                        $"{comparison.Labels[pair.Key.Run]} − {comparison.Labels[pair.Key.From]}: differences in points with 95 % intervals, paired over the test samples",
                        3
                    );
                    sheet.AddTable(Intervals([.. pair]), 1);
                }
            }
        }

        if (comparison.Measures.Any(measure => measure.Differences.Any(one => one.Intervals.Any(interval => interval is not null))))
        {
            sheet.AddText(
                "* The interval does not hold 0. It says how far a difference depends on the questions asked, not on the seed of training."
            );
        }

        foreach (var table in comparison.Factors)
        {
            sheet.AddHeading(table.Title);
            sheet.AddTable(new TextTable(FactorHeader(table), [.. table.Rows.Select(FactorCells)]), 2);
        }

        if (comparison.Settings.Rows.Count > 0)
        {
            sheet.AddHeading("Settings that differ");
            sheet.AddTable(comparison.Settings, comparison.Settings.Header.Count);
        }
    }

    /// <summary>Tasks, MAA and BWT below each other, the rows of a run beside each other.</summary>
    private TextTable Intervals(IReadOnlyList<RunDifference> rows) =>
        new(
            ["", .. rows.Select(row => row.When)],
            [
                .. comparison
                    .Tasks.Append("MAA")
                    .Append("BWT")
                    .Select(
                        (name, column) =>
                            (IReadOnlyList<string>)[name, .. rows.Select(row => WithInterval(row.Values[column], row.Intervals[column]))]
                    )
                    .Where(row => row.Skip(1).Any(cell => cell.Length > 0)),
            ]
        );

    private static string WithInterval(double? value, Interval? interval) =>
        value is null ? ""
        : interval is not { } known ? RunComparison.Signed(value)
        : $"{RunComparison.Signed(value)} [{RunComparison.Signed(known.Low)}, {RunComparison.Signed(known.High)}]{(known.Low > 0 || known.High < 0 ? "*" : " ")}";

    private static IReadOnlyList<string> FactorHeader(FactorTable table) => [table.Factor, "row", .. table.Tasks, "MAA", "BWT", "seeds"];

    private static IReadOnlyList<string> FactorCells(FactorRow row) =>
        [row.Value, row.When, .. row.Cells.Select(RunComparison.Spread), FormattableString.Invariant($"{row.Runs.Count}")];

    private string Csv() =>
        new TextTable(
            ["measure", .. comparison.Header],
            [
                .. comparison.Measures.SelectMany(measure =>
                    measure
                        .Groups.SelectMany(group => group.Rows)
                        .Concat(Bounds(measure))
                        .Select(row => (IReadOnlyList<string>)[measure.Title, .. row])
                ),
            ]
        ).ToCsv();

    private IEnumerable<IReadOnlyList<string>> Bounds(ComparedMeasure measure) =>
        from one in measure.Differences
        where one.Intervals.Any(interval => interval is not null)
        from end in (string[])["low", "high"]
        select (IReadOnlyList<string>)
            [
                $"{comparison.Labels[one.Run]} − {comparison.Labels[one.From]}",
                $"{one.When}, {end} end of 95 %",
                .. one.Intervals.Select(interval => RunComparison.Signed(end == "low" ? interval?.Low : interval?.High)),
            ];

    private string Latex()
    {
        var label =
            "coin-"
            + (
                comparison.Runs.Count <= 4 || comparison.Labels.Beginning.Length == 0
                    ? string.Join('-', comparison.Runs)
                    : comparison.Labels.Beginning.TrimEnd('-')
            );
        return string.Join(
            '\n',
            [
                .. comparison.Runs.Count > 1
                    ?
                    [
                        LatexTable.Render(
                            "Accuracy in percent on each task just after it was trained and at the end of the run; MAA in percent, BWT and differences in points.",
                            label,
                            comparison.Header,
                            [
                                .. comparison.Measures.SelectMany(measure =>
                                    measure.Groups.Select((group, place) => place == 0 ? group with { Title = measure.Title } : group)
                                ),
                            ]
                        ),
                    ]
                    : Array.Empty<string>(),
                .. comparison.Factors.Select(
                    (table, place) =>
                        LatexTable.Render(
                            $"{table.Title}. Accuracy and MAA in percent, BWT in points; mean and standard deviation over seeds.",
                            FormattableString.Invariant($"{label}-factor-{place + 1}"),
                            FactorHeader(table),
                            [.. table.Rows.GroupBy(row => row.Value).Select(value => new LatexGroup("", [.. value.Select(FactorCells)]))]
                        )
                ),
                .. comparison.Besides.SelectMany(beside =>
                    beside.Measures.Select(
                        (measure, place) =>
                            LatexTable.Render(
                                $"{measure.Title}. Run {beside.Run.Report.RunId}; published; difference in points.",
                                FormattableString.Invariant($"coin-{beside.Run.Report.RunId}-{beside.Published.Name}-{place + 1}"),
                                ["after", .. beside.Published.Tasks],
                                [
                                    Part("run", measure, cell => RunComparison.Known(cell.Run)),
                                    Part("published", measure, cell => RunComparison.Known(cell.Published)),
                                    Part("difference", measure, cell => RunComparison.Signed(cell.Difference)),
                                ]
                            )
                    )
                ),
            ]
        );

        static LatexGroup Part(string title, BesideMeasure measure, Func<BesideCell, string> text) =>
            new(
                title,
                [
                    .. measure.Rows.Select(row =>
                        (IReadOnlyList<string>)[row.Label, .. row.Cells.Select(cell => cell is null ? "" : text(cell))]
                    ),
                ]
            );
    }
}
