using System.Globalization;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>Published results for readers: on their own, or with a run beside them.</summary>
internal static class PublishedSheet
{
    private const string NotComparable = "×";

    /// <summary>The names there are, and what they are.</summary>
    public static TextTable List() =>
        new(
            ["name", "what it is", "Truth Alignment", "Reasoning Capability by", "where"],
            [
                .. PublishedResults.All.Select(result =>
                    (IReadOnlyList<string>)
                        [
                            result.Name,
                            result.Title,
                            Known(result.Truth),
                            string.Join(", ", result.Reasoning.Select(measure => $"{measure.Judge} ({Known(measure)})")),
                            result.Source.Split(" of ")[0],
                        ]
                ),
            ]
        );

    /// <summary>Adds a result without a run: matrices, sums, sources, caveats.</summary>
    public static void Add(Sheet sheet, PublishedResult result)
    {
        sheet.AddItems([Setting(result), $"Source: {result.Source}.", .. result.Notes]);
        foreach (var measure in result.Measures)
        {
            sheet.AddHeading($"{measure.Title}, percent; a row per stage, a column per task");
            sheet.AddTable(Table(result, measure), 1, Heat(result, measure));
            sheet.AddTable(Sums(measure), 1);
            sheet.AddItems([
                .. measure
                    .Printed.Where(print => print.Deviation is not null)
                    .Select(print => $"Table {print.Table}, {print.Row}: {print.Deviation}"),
                .. measure.ImpliedMeanOfUnknown is { } implied
                    ? [$"The MAA printed is right if the cells not known average {MatrixText.Percent(implied)}, weighted as they enter it."]
                    : Array.Empty<string>(),
                .. PublishedNotes.All(measure),
            ]);
        }
    }

    /// <summary>Adds a run cell by cell beside a result.</summary>
    /// <param name="level">Of the headings.</param>
    public static void Add(Sheet sheet, PaperBeside beside, int level)
    {
        var published = beside.Published;
        sheet.AddItems([$"{published.Name}: {published.Title}. {published.Source}.", .. published.Notes, .. beside.Remarks]);
        foreach (var measure in beside.Measures)
        {
            sheet.AddHeading(measure.Title, level);
            sheet.AddTable(
                Part(published, measure, "difference", Difference),
                1,
                Heat(beside, measure),
                [
                    Part(published, measure, "published", cell => PublishedNotes.Before(Number(cell.Published), cell.Caveats)),
                    Part(published, measure, "this run", cell => Number(cell.Run)),
                    Part(published, measure, "difference", Difference),
                ]
            );
            sheet.AddTable(Sums(measure), 1);
            sheet.AddItems([
                .. measure.Rows.Any(row => row.Cells.Any(cell => cell?.Unlike == true))
                    ? [$"{NotComparable}: the published number measures something else; its note says why."]
                    : Array.Empty<string>(),
                .. measure.Remarks,
                .. PublishedNotes.All(
                    measure.Published,
                    [
                        .. PublishedNotes.OfAll(measure.Published),
                        .. published.Tasks.SelectMany((_, task) => PublishedNotes.OfColumn(measure.Published, task)),
                        .. measure.Rows.SelectMany(row => row.Cells.SelectMany(cell => cell?.Caveats ?? [])),
                    ]
                ),
            ]);
        }

        sheet.AddHeading("The two settings", level);
        sheet.AddTable(beside.Settings, 3);
    }

    /// <summary>Adds a run beside the published result of its setting, or why there is none.</summary>
    public static void AddOwn(Sheet sheet, RunResults run)
    {
        var match = PaperMatch.For(run.Report);
        if (match.Result is not { } result)
        {
            sheet.AddText(match.Reason);
            return;
        }

        sheet.AddText($"The published result of the same setting. {PublishedResults.Paper}.");
        Add(sheet, PaperBeside.Of(result, run, match.Remarks), 3);
    }

    private static string Setting(PublishedResult result)
    {
        var setting = result.Setting;
        return $"{result.Title}. Method {setting.Method}, "
            + (setting.Experts is { } experts ? $"{Text(experts)} experts, " : "")
            + $"rank {Text(setting.Rank)}, {Text(100 * setting.Volume)} % of the training data, instructions {InstructionTypes.NameOf(setting.Instructions)}. "
            + $"Order: {string.Join(", ", result.Tasks)}.";
    }

    private static string Known(PublishedMeasure measure)
    {
        var (known, all) = (measure.Matrix.Rows.Sum(row => row.Count(cell => cell is not null)), measure.Matrix.Rows.Sum(row => row.Count));
        return known == all ? "all cells" : $"{Text(known)} of {Text(all)} cells";
    }

    private static TextTable Table(PublishedResult result, PublishedMeasure measure) =>
        new(
            [
                "after",
                .. Columns(result, measure).Select(column => column.Notes.Length > 0 ? $"{column.Name} [{column.Notes}]" : column.Name),
            ],
            [
                .. Rows(result, measure)
                    .Select(row =>
                        (IReadOnlyList<string>)
                            [
                                row.Label,
                                .. result.Tasks.Select(
                                    (_, task) =>
                                        row.Stage > 0 && task >= row.Stage
                                            ? ""
                                            : PublishedNotes.Before(
                                                MatrixText.Percent(measure.Cell(row.Stage, task)),
                                                PublishedNotes.OfCell(measure, row.Stage, task)
                                            )
                                ),
                            ]
                    ),
            ]
        );

    private static IEnumerable<(string Label, int Stage)> Rows(PublishedResult result, PublishedMeasure measure) =>
        [
            .. measure.ZeroShot.Count > 0 ? [("zero-shot", PublishedMeasure.ZeroShotRow)] : Array.Empty<(string, int)>(),
            .. result.Tasks.Select((task, stage) => (FormattableString.Invariant($"{stage + 1} {task}"), stage + 1)),
            .. measure.MultiTask.Count > 0 ? [("multi-task", PublishedMeasure.MultiTaskRow)] : Array.Empty<(string, int)>(),
        ];

    private static Markup Heat(PublishedResult result, PublishedMeasure measure) =>
        HeatGrid.Render(
            $"{result.Name}, {measure.Title}",
            Columns(result, measure),
            [
                .. Rows(result, measure)
                    .Select(row =>
                        (
                            row.Label,
                            (IReadOnlyList<HeatCell?>)
                                [
                                    .. result.Tasks.Select(
                                        (task, place) =>
                                            row.Stage > 0 && place >= row.Stage
                                                ? null
                                                : new HeatCell(
                                                    measure.Cell(row.Stage, place),
                                                    Told(measure.Cell(row.Stage, place), measure.SamplesOf(row.Stage, place))
                                                )
                                                {
                                                    Own = row.Stage == place + 1,
                                                    Notes = PublishedNotes.Letters(PublishedNotes.OfCell(measure, row.Stage, place)),
                                                    Unlike = measure.IsUnlike(row.Stage, place),
                                                }
                                    ),
                                ]
                        )
                    ),
            ]
        );

    private static Markup Heat(PaperBeside beside, BesideMeasure measure) =>
        Markup.Of(
            $"""
            <p class="note">Large: {beside.Run.Report.RunId}. Small: published, and the difference of the run from it in points.</p>
            {HeatGrid.Render(
                measure.Title,
                Columns(beside.Published, measure.Published),
                [.. measure.Rows.Select(row => (row.Label, (IReadOnlyList<HeatCell?>)[.. row.Cells.Select(Shown)]))]
            )}
            {Differences}
            """
        );

    /// <summary>The legend of cells that are coloured by their difference.</summary>
    public static Markup Differences { get; } =
        Markup.Of(
            $"""
            <div class="legend"><span>{HeatGrid.StrongestDifference:0} points less <i class="ramp differences"></i> {HeatGrid.StrongestDifference:0} points more</span>
            <span><i class="swatch own"></i>framed: just trained</span><span>hatched: not comparable</span></div>
            """
        );

    private static HeatCell? Shown(BesideCell? cell) =>
        cell is null
            ? null
            : new HeatCell(
                cell.Run,
                $"this run: {Told(cell.Run, cell.RunSamples)}; published: {Told(cell.Published, cell.PublishedSamples)}"
            )
            {
                ByDifference = true,
                Difference = cell.Difference,
                Own = cell.Own,
                Notes = PublishedNotes.Letters(cell.Caveats),
                Unlike = cell.Unlike,
                Small = cell.Published is null
                    ? "not published"
                    : $"{MatrixText.Percent(cell.Published)}{(cell.Difference is null ? "" : $" ({Difference(cell)})")}",
            };

    private static string Told(double? percent, int? samples) =>
        percent is null
            ? "not known"
            : MatrixText.Percent(percent)
                + " %"
                + (
                    samples is { } known
                        ? $" of {known.ToString("#,0", CultureInfo.InvariantCulture)} samples"
                        : ", number of samples not known"
                );

    private static IReadOnlyList<(string Name, string Notes)> Columns(PublishedResult result, PublishedMeasure measure) =>
        [.. result.Tasks.Select((task, place) => (task, PublishedNotes.Letters(PublishedNotes.OfColumn(measure, place))))];

    private static TextTable Part(PublishedResult result, BesideMeasure measure, string name, Func<BesideCell, string> text) =>
        new(
            [
                name,
                .. Columns(result, measure.Published)
                    .Select(column => column.Notes.Length > 0 ? $"{column.Name} [{column.Notes}]" : column.Name),
            ],
            [.. measure.Rows.Select(row => (IReadOnlyList<string>)[row.Label, .. row.Cells.Select(cell => cell is null ? "" : text(cell))])]
        );

    private static TextTable Sums(PublishedMeasure measure) =>
        new(
            ["", "MAA", "BWT"],
            [
                ["from the cells", Number(measure.Maa), Number(measure.Bwt)],
                .. measure.Printed.Select(print =>
                    (IReadOnlyList<string>)[$"printed, Table {print.Table} ({print.Row})", Number(print.Maa), Number(print.Bwt)]
                ),
            ]
        );

    private static TextTable Sums(BesideMeasure measure)
    {
        if (!measure.HasCourse)
        {
            var means = measure.Means ?? new BesideCell(null, null);
            return new TextTable(
                ["", "mean of the tasks"],
                [
                    ["published", Number(means.Published)],
                    ["this run", Number(means.Run)],
                    ["difference", Difference(means)],
                ]
            );
        }

        var values = measure.Run.Results.Values;
        var (maa, bwt) = (measure.PublishedMaa, measure.PublishedBwt);
        return new TextTable(
            ["", "MAA", "BWT"],
            [
                [measure.Published.Maa is null && maa is not null ? "published (MAA as printed)" : "published", Number(maa), Number(bwt)],
                ["this run", Number(values.Maa), Number(values.Bwt)],
                ["difference", Signed(values.Maa - maa), Signed(values.Bwt - bwt)],
            ]
        );
    }

    private static string Difference(BesideCell cell) => cell.Unlike ? NotComparable : Signed(cell.Difference);

    private static string Number(double? value) => value is null ? "-" : MatrixText.Percent(value);

    private static string Signed(double? value) => value is null ? "-" : (value > 0 ? "+" : "") + MatrixText.Percent(value);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
