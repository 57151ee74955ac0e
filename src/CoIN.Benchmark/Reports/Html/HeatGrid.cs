namespace CoIN.Benchmark.Reports.Html;

/// <summary>One cell of a heat map.</summary>
/// <param name="Percent">0 to 100; null where the number is not known.</param>
/// <param name="Title">What a pointer shows.</param>
internal sealed record HeatCell(double? Percent, string Title)
{
    /// <summary>Just after the task's own stage.</summary>
    public bool Own { get; init; }

    /// <summary>Below the number, in small letters.</summary>
    public string Small { get; init; } = "";

    /// <summary>Letters of footnotes.</summary>
    public string Notes { get; init; } = "";

    /// <summary>Coloured by this difference in points instead of by the number; null for the number.</summary>
    public double? Difference { get; init; }

    /// <summary>Whether the cell is coloured by its difference, also where none is known.</summary>
    public bool ByDifference { get; init; }

    /// <summary>The number is known, and measures something else: crossed out in the picture.</summary>
    public bool Unlike { get; init; }
}

/// <summary>
/// A table whose cells are the stronger in colour the higher their number is, or the further it is from another one; every cell has its
/// number in it.
/// </summary>
internal static class HeatGrid
{
    /// <summary>A difference of so many points has the strongest colour.</summary>
    public const double StrongestDifference = 30;

    /// <param name="columns">Heads of the columns, with letters of footnotes.</param>
    /// <param name="rows">Head and cells; a cell that does not exist is null.</param>
    public static Markup Render(
        string title,
        IReadOnlyList<(string Name, string Notes)> columns,
        IReadOnlyList<(string Label, IReadOnlyList<HeatCell?> Cells)> rows
    ) =>
        Markup.Of(
            $"""
            <div class="scroll"><table class="heat" aria-label="{title}">
            <thead><tr><th scope="col">after stage</th>{Markup.Join(
                columns.Select(column => Markup.Of($"<th scope=\"col\">{column.Name}{Raised(column.Notes)}</th>")),
                ""
            )}</tr></thead>
            <tbody>
            {Markup.Join(
                rows.Select(row => Markup.Of($"<tr><th scope=\"row\">{row.Label}</th>{Markup.Join(row.Cells.Select(Cell), "")}</tr>"))
            )}
            </tbody></table></div>
            """
        );

    private static Markup Cell(HeatCell? cell)
    {
        if (cell is null)
        {
            return new Markup("<td></td>");
        }

        if (cell.Percent is not { } percent)
        {
            return Markup.Of($"<td class=\"gone\" title=\"{cell.Title}\">–</td>");
        }

        var (kind, value) = cell switch
        {
            { ByDifference: false } => ("cell", percent / 100),
            { Difference: >= 0 and var more } => ("up", Math.Min(more / StrongestDifference, 1)),
            { Difference: { } less } => ("down", Math.Min(-less / StrongestDifference, 1)),
            _ => ("bare", 0),
        };
        kind += (cell.Own ? " own" : "") + (cell.Unlike ? " unlike" : "");
        var small = cell.Small.Length > 0 ? Markup.Of($"<small>{cell.Small}</small>") : Markup.Empty;
        return Markup.Of(
            $"<td class=\"{kind}\" style=\"--v:{value:0.###}\" title=\"{cell.Title}\">{percent:0.0}{Raised(cell.Notes)}{small}</td>"
        );
    }

    private static Markup Raised(string notes) => notes.Length > 0 ? Markup.Of($"<sup>{notes}</sup>") : Markup.Empty;
}
