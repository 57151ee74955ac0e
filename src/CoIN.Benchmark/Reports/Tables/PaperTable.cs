using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>A row of the paper's tables.</summary>
/// <param name="Measure">What was measured, by which rules.</param>
/// <param name="When"><c>just trained</c>, <c>final</c>, <c>zero-shot</c> or <c>given adapter</c>.</param>
/// <param name="Cells">Percent, one for each task.</param>
/// <param name="Maa">In the final row: MAA in percent.</param>
/// <param name="Bwt">In the final row: BWT in points.</param>
internal sealed record PaperRow(Measure Measure, string When, IReadOnlyList<double?> Cells, double? Maa, double? Bwt);

/// <summary>
/// A run in the shape of the paper's tables: a column per task; for each measure the accuracies just after each task's own stage, and those
/// at the end with MAA and BWT.
/// </summary>
internal sealed record PaperTable(IReadOnlyList<string> Tasks, IReadOnlyList<PaperRow> Rows)
{
    public const string JustTrained = "just trained";

    public const string Final = "final";

    public const string ZeroShot = "zero-shot";

    /// <summary>As <see cref="ZeroShot"/>, of the model with an adapter from elsewhere.</summary>
    public const string GivenAdapter = "given adapter";

    public static PaperTable Of(RunResults results) =>
        new(results.Report.Tasks, [.. results.Measures.SelectMany(measure => RowsOf(results, measure))]);

    /// <summary>As texts, rounded to two decimals.</summary>
    public TextTable ToTable() =>
        new(
            ["measure", "row", .. Tasks, "MAA", "BWT"],
            [
                .. Rows.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            row.Measure.Title,
                            row.When,
                            .. row.Cells.Select(MatrixText.Percent),
                            row.When == Final ? MatrixText.Percent(row.Maa) : "",
                            row.When == Final ? Transfer(row) : "",
                        ]
                ),
            ]
        );

    /// <summary>BWT as a text: a dash of its own where it is not defined.</summary>
    internal static string Transfer(PaperRow row) => row.Measure.Matrix.IsJoint ? "–" : MatrixText.Percent(row.Bwt);

    /// <summary>As texts, unrounded, empty where nothing is known.</summary>
    public TextTable ToExactTable() =>
        new(
            ["measure", "row", .. Tasks, "MAA", "BWT"],
            [
                .. Rows.Select(row =>
                    (IReadOnlyList<string>)
                        [
                            row.Measure.Title,
                            row.When,
                            .. row.Cells.Select(CsvMatrix.Number),
                            CsvMatrix.Number(row.Maa),
                            CsvMatrix.Number(row.Bwt),
                        ]
                ),
            ]
        );

    private static IEnumerable<PaperRow> RowsOf(RunResults results, Measure measure)
    {
        if (measure.Measured.ZeroShot.Any(cell => cell is not null))
        {
            yield return new PaperRow(
                measure,
                results.Report.TestsGivenAdapter ? GivenAdapter : ZeroShot,
                measure.Measured.ZeroShot,
                null,
                null
            );
        }

        if (results.HasStages)
        {
            if (results.HasCourse)
            {
                yield return new PaperRow(measure, JustTrained, measure.Matrix.JustTrained, null, null);
            }

            yield return new PaperRow(measure, Final, measure.Matrix.Final, measure.Results.Values.Maa, measure.Results.Values.Bwt);
        }
    }
}
