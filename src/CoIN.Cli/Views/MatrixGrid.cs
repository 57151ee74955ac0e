using System.Globalization;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>A cell of the grid.</summary>
/// <param name="Text">At most the column's width less one.</param>
/// <param name="Accuracy">The accuracy in percent where the cell has one.</param>
/// <param name="Diagonal">The task was trained in this very stage.</param>
internal sealed record GridCell(string Text, double? Accuracy, bool Diagonal);

/// <summary>A line of the grid: a stage, or the base model.</summary>
internal sealed record GridRow(string Label, IReadOnlyList<GridCell> Cells);

/// <summary>The accuracy matrix laid out in columns: what every view of it shares.</summary>
internal sealed class MatrixGrid
{
    private const int WidestColumn = 10;
    private const int NarrowestColumn = 6;
    private const int ColumnOfTwoDigits = 7;
    private const int WidestLabel = 12;
    private const int NarrowestLabel = 8;

    private MatrixGrid(int labelWidth, int columnWidth, IReadOnlyList<string> heads, IReadOnlyList<GridRow> rows)
    {
        LabelWidth = labelWidth;
        ColumnWidth = columnWidth;
        Heads = heads;
        Rows = rows;
    }

    public int LabelWidth { get; }

    public int ColumnWidth { get; }

    public IReadOnlyList<string> Heads { get; }

    public IReadOnlyList<GridRow> Rows { get; }

    /// <summary>Lays a snapshot's matrix out.</summary>
    /// <param name="width">Columns of the terminal; task names are cut where they do not fit.</param>
    public static MatrixGrid Of(RunSnapshot snapshot, int width)
    {
        var tasks = snapshot.Tasks;
        // A hundred with one digit and the space before it is six columns wide, with two digits it needs seven.
        var labelWidth = Math.Clamp(width - (tasks.Count * NarrowestColumn), NarrowestLabel, WidestLabel);
        var columnWidth = Math.Clamp((width - labelWidth) / Math.Max(1, tasks.Count), NarrowestColumn, WidestColumn);
        var rows = new List<GridRow>();
        if (snapshot.ZeroShot.Count > 0)
        {
            rows.Add(
                new GridRow(snapshot.GivenAdapter is null ? "base model" : "adapter", Cells(snapshot, 0, snapshot.ZeroShot, columnWidth))
            );
        }

        rows.AddRange(
            snapshot.Cells.Select(
                (row, j) =>
                    new GridRow(
                        Cut(
                            MatrixMetrics.IsJoint(snapshot) ? snapshot.Stages[j] : Words.Text($"{j + 1} {snapshot.Stages[j]}"),
                            labelWidth - 1
                        ),
                        Cells(snapshot, j + 1, row, columnWidth)
                    )
            )
        );
        return new MatrixGrid(labelWidth, columnWidth, [.. tasks.Select(task => Cut(task, columnWidth - 1))], rows);
    }

    /// <summary>The grid as plain lines.</summary>
    public IEnumerable<string> Lines()
    {
        yield return new string(' ', LabelWidth) + string.Concat(Heads.Select(head => head.PadLeft(ColumnWidth)));
        foreach (var row in Rows)
        {
            yield return (
                row.Label.PadRight(LabelWidth) + string.Concat(row.Cells.Select(cell => cell.Text.PadLeft(ColumnWidth)))
            ).TrimEnd();
        }
    }

    private static IReadOnlyList<GridCell> Cells(RunSnapshot snapshot, int stage, IReadOnlyList<double?> accuracies, int width) =>
        [
            .. accuracies.Select(
                (accuracy, i) =>
                    new GridCell(Text(snapshot, stage, i, accuracy, width), accuracy, !MatrixMetrics.IsJoint(snapshot) && stage == i + 1)
            ),
        ];

    private static string Text(RunSnapshot snapshot, int stage, int task, double? accuracy, int width)
    {
        if (accuracy is { } known)
        {
            return known.ToString(width < ColumnOfTwoDigits ? "0.0" : "0.00", CultureInfo.InvariantCulture);
        }

        var running = snapshot.Evaluations.FirstOrDefault(one => one.Stage == stage && one.Task == snapshot.Tasks[task]);
        return running is { Total: > 0 } ? Words.Text($"{100.0 * running.Answered / running.Total:0}%") : "·";
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..width];
}
