using System.Globalization;
using System.Text;
using CoIN.Benchmark.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CoIN.Cli.Views;

/// <summary>A run at one moment as a screen: header, training bar, running evaluations, the accuracy matrix filling up.</summary>
internal static class LiveScreen
{
    /// <summary>No screen is wider, so that lines stay readable.</summary>
    public const int Widest = 100;

    /// <summary>Draws a snapshot.</summary>
    /// <param name="snapshot">Null before the first.</param>
    /// <param name="notice">A sentence for the last line, or null.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IRenderable Draw(RunSnapshot? snapshot, string? notice, int width)
    {
        var lines = new List<string>();
        var columns = Math.Min(width - 1, Widest);
        if (snapshot is null)
        {
            lines.Add("[grey]starting…[/]");
        }
        else
        {
            lines.Add(Header(snapshot, columns));
            lines.Add("");
            lines.Add(Training(snapshot, columns));
            lines.Add(Evaluations(snapshot, columns));
            lines.Add("");
            lines.AddRange(Matrix(snapshot, columns));
        }

        if (notice is not null)
        {
            lines.Add("");
            lines.Add($"[yellow]{Markup.Escape(Cut(notice, columns))}[/]");
        }

        return new Rows(lines.Select(line => line.Length == 0 ? (IRenderable)new Text(" ") : new Markup(line) { Overflow = Overflow.Crop }));
    }

    private static string Header(RunSnapshot snapshot, int columns)
    {
        var right = $"{Words.Of(snapshot.Status)} · {Words.Duration(snapshot.Elapsed)}"
            + (snapshot.Remaining is { } left ? $" · about {Words.Duration(left)} left" : "");
        var name = Cut(snapshot.RunId, Math.Max(8, columns - right.Length - 7));
        var gap = Math.Max(2, columns - 5 - name.Length - right.Length);
        return $"[bold]CoIN[/] [aqua]{Markup.Escape(name)}[/]{new string(' ', gap)}[grey]{Markup.Escape(right)}[/]";
    }

    private static string Training(RunSnapshot snapshot, int columns)
    {
        if (snapshot.Training is not { } training)
        {
            return snapshot.StagesTrained > 0 && snapshot.StagesTrained == snapshot.Stages.Count
                ? "[green]all stages are trained[/]"
                : $"[grey]{Markup.Escape(Cut(WithoutTraining(snapshot), columns))}[/]";
        }

        var head = Words.Text($"Stage {training.Stage}/{snapshot.Stages.Count} {training.Task}");
        var tail = Words.Training(training);
        var length = Math.Clamp(columns - head.Length - tail.Length - 4, 8, 40);
        var part = training.TotalSteps > 0 ? Math.Clamp(training.Steps / training.TotalSteps, 0, 1) : 0;
        var done = (int)Math.Round(part * length);
        return $"[bold]{Markup.Escape(head)}[/]  [green]{new string('━', done)}[/][grey37]{new string('━', length - done)}[/]  {Markup.Escape(tail)}";
    }

    /// <summary>A run that goes on has its next stage in work from the beginning, and its model has to be loaded first.</summary>
    private static string WithoutTraining(RunSnapshot snapshot) => snapshot switch
    {
        { Status: not (RunStatus.Starting or RunStatus.Running) } => "no training at the moment",
        { Stages.Count: 0 } => snapshot.Evaluations.Count + snapshot.Judging.Count > 0 || snapshot.ZeroShot.Any(cell => cell is not null)
            ? snapshot.GivenAdapter is { } given ? $"the adapter {given.Path} is tested, nothing is trained" : "the base model is tested as it is, nothing is trained"
            : "loading the model…",
        { StagesTrained: var done } => Words.Text(
            $"Stage {done + 1}/{snapshot.Stages.Count} {snapshot.Stages.ElementAtOrDefault(done)}: {(done == 0 ? "loading the model" : "loading its samples")}…"),
    };

    private static string Evaluations(RunSnapshot snapshot, int columns)
    {
        if (snapshot.Evaluations.Count + snapshot.Judging.Count == 0)
        {
            return " ";
        }

        var parts = snapshot.Evaluations.GroupBy(one => one.Stage).OrderBy(group => group.Key).Select(group =>
            (group.Key == 0 ? snapshot.GivenAdapter is null ? "Testing the base model: " : "Testing the adapter: " : Words.Text($"Testing after stage {group.Key}: "))
            + string.Join(" · ", group.Select(one => Words.Text($"{one.Task} {one.Answered}/{one.Total}"))))
            .Concat(snapshot.Judging.GroupBy(one => one.Judge).Select(group =>
                $"{group.Key} judges " + string.Join(" · ", group.Select(one => Words.Text($"{one.Task} {one.Judged}/{one.Total}")))));
        return $"[grey]{Markup.Escape(Cut(string.Join("   ", parts), columns))}[/]";
    }

    private static IEnumerable<string> Matrix(RunSnapshot snapshot, int columns)
    {
        var grid = MatrixGrid.Of(snapshot, columns);
        yield return $"[grey]{Markup.Escape(Cut($"{Words.TruthAlignment}, percent", columns))}[/]";
        yield return $"[grey]{"after stage".PadRight(grid.LabelWidth)}"
            + $"{Markup.Escape(string.Concat(grid.Heads.Select(head => head.PadLeft(grid.ColumnWidth))))}[/]";
        foreach (var row in grid.Rows)
        {
            var line = new StringBuilder(Markup.Escape(row.Label.PadRight(grid.LabelWidth)));
            foreach (var cell in row.Cells)
            {
                line.Append($"[{Style(cell)}]{Markup.Escape(cell.Text.PadLeft(grid.ColumnWidth))}[/]");
            }

            yield return line.ToString();
        }
    }

    /// <summary>Red for 0, yellow for 50, green for 100 percent; just trained in bold, unknown in grey.</summary>
    private static string Style(GridCell cell)
    {
        if (cell.Accuracy is not { } accuracy)
        {
            return "grey";
        }

        var part = Math.Clamp(accuracy / 100, 0, 1);
        var red = (int)(220 * Math.Min(1, 2 * (1 - part)));
        var green = (int)(200 * Math.Min(1, 2 * part));
        return string.Create(CultureInfo.InvariantCulture, $"{(cell.Diagonal ? "bold " : "")}rgb({red},{Math.Max(green, 60)},60)");
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..Math.Max(0, width - 1)] + "…";
}
