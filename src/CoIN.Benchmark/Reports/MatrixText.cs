using System.Globalization;
using System.Text;

namespace CoIN.Benchmark.Reports;

/// <summary>The accuracy matrix as aligned plain text; at most 100 characters wide for eight tasks.</summary>
public static class MatrixText
{
    private const int LongestName = 9;
    private const string Unknown = "-";

    /// <summary>Renders rows (after stage j) by columns (tasks), then MAA and BWT.</summary>
    /// <param name="tasks">Task names in the order of learning; a name of more than nine characters is cut.</param>
    /// <param name="cells">
    /// Accuracies in percent: row j has j + 1 cells, or one per task with null above the diagonal; or one row for all tasks learned at
    /// once.
    /// </param>
    /// <param name="maa">MAA in percent, null while unknown.</param>
    /// <param name="bwt">BWT in percentage points, null while unknown.</param>
    /// <returns>Lines ended by line feeds.</returns>
    public static string Render(IReadOnlyList<string> tasks, IReadOnlyList<IReadOnlyList<double?>> cells, double? maa, double? bwt) =>
        Render(tasks, cells) + $"MAA {Percent(maa)}  BWT {Percent(bwt)}\n";

    /// <summary>Renders rows (after stage j) by columns (tasks).</summary>
    /// <param name="tasks">As above.</param>
    /// <param name="cells">As above.</param>
    public static string Render(IReadOnlyList<string> tasks, IReadOnlyList<IReadOnlyList<double?>> cells)
    {
        // A single row of several cells is that of all tasks learned at once.
        var joint = cells.Count == 1 && tasks.Count > 1;
        var rows = cells.Select(
            (row, stage) =>
                (
                    Label: joint ? "all tasks" : $"{stage + 1} {Cut(tasks[stage])}",
                    Cells: (IReadOnlyList<string>)[.. (joint ? row : row.Take(stage + 1)).Select(Percent)]
                )
        );
        return Table("after", tasks, [.. rows]);
    }

    /// <summary>A percentage with two decimals, as everywhere in the reports.</summary>
    internal static string Percent(double? value)
    {
        // What is rounded to nothing has no sign.
        var text = value?.ToString("0.00", CultureInfo.InvariantCulture) ?? Unknown;
        return text == "-0.00" ? "0.00" : text;
    }

    private static string Table(string corner, IReadOnlyList<string> tasks, IReadOnlyList<(string Label, IReadOnlyList<string> Cells)> rows)
    {
        var names = tasks.Select(Cut).ToList();
        var labelWidth = rows.Select(row => row.Label.Length).Append(corner.Length).Max();
        var text = new StringBuilder();
        AddLine(corner, names);
        foreach (var (label, cells) in rows)
        {
            AddLine(label, cells);
        }

        return text.ToString();

        void AddLine(string label, IReadOnlyList<string> cells)
        {
            var line =
                label.PadRight(labelWidth)
                + string.Concat(cells.Select((cell, column) => "  " + cell.PadLeft(Math.Max(6, names[column].Length))));
            text.Append(line.TrimEnd()).Append('\n');
        }
    }

    private static string Cut(string name) => name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…";
}
