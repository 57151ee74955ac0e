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

    /// <summary>The same of a run that goes on elsewhere.</summary>
    private const string LookingOn = "Ctrl-C ends this view; the run goes on in the cluster";

    /// <summary>
    /// Columns that are left free on the right: a terminal writes ^C where the cursor stands, and a line that grows over the edge by it
    /// would shift the picture.
    /// </summary>
    public const int Spare = 3;

    /// <summary>Both bars, at every width: a bar that changes its length with what stands beside it seems to go back.</summary>
    private const int BarLength = 20;

    /// <summary>What ends a run, for who does not know.</summary>
    public const string Hint = "Ctrl-C stops at a point from which it can be resumed";

    /// <summary>Draws a snapshot.</summary>
    /// <param name="snapshot">Null before the first.</param>
    /// <param name="folder">The run's; null where the run goes on in a cluster and is only looked at.</param>
    /// <param name="notice">A sentence for the last line, or null.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IRenderable Draw(RunSnapshot? snapshot, string? folder, string? notice, int width)
    {
        var lines = new List<string>();
        var columns = Math.Min(width - Spare, Widest);
        if (snapshot is null)
        {
            lines.Add("[grey]starting…[/]");
        }
        else
        {
            lines.Add(Header(snapshot, columns));
            lines.Add(folder is null ? "" : $"[grey]{Markup.Escape(CutLeft(folder, columns))}[/]");
            lines.Add("");
            lines.AddRange(Total(snapshot, columns));
            lines.AddRange(Training(snapshot, columns));
            lines.Add(Evaluations(snapshot, columns));
            lines.Add("");
            lines.AddRange(Matrix(snapshot, columns));
        }

        lines.Add("");
        lines.Add(
            notice is null
                ? $"[grey]{Cut(folder is null ? LookingOn : Hint, columns)}[/]"
                : $"[yellow]{Markup.Escape(Cut(notice, columns))}[/]"
        );

        return new Rows(
            lines.Select(line => line.Length == 0 ? (IRenderable)new Text(" ") : new Markup(line) { Overflow = Overflow.Crop })
        );
    }

    private static string Header(RunSnapshot snapshot, int columns)
    {
        var right =
            $"{Words.Of(snapshot.Status)} · {Words.Duration(snapshot.Elapsed)}"
            + (snapshot.Remaining is { } left ? $" · about {Words.Duration(left)} left" : "");
        // "CoIN", a name of eight characters and the gaps have to stand beside it.
        right = right.Length <= columns - 15 ? right : Cut(right.Replace("about ", "", StringComparison.Ordinal), columns - 15);
        var name = Cut(snapshot.RunId, Math.Max(8, columns - right.Length - 7));
        var gap = Math.Max(2, columns - 5 - name.Length - right.Length);
        return $"[bold]CoIN[/] [aqua]{Markup.Escape(name)}[/]{new string(' ', gap)}[grey]{Markup.Escape(right)}[/]";
    }

    /// <summary>Stages and tests done of the whole run, and what the rows come to so far.</summary>
    private static IEnumerable<string> Total(RunSnapshot snapshot, int columns)
    {
        var cells = snapshot.Cells.Append(snapshot.ZeroShot).SelectMany(row => row).ToList();
        var (tested, stages) = (cells.Count(cell => cell is not null), snapshot.Stages.Count);
        var inStage = snapshot.Training is { TotalSteps: > 0 } training ? training.Steps / training.TotalSteps : 0;
        var part = stages + cells.Count == 0 ? 0 : (snapshot.StagesTrained + inStage + tested) / (stages + cells.Count);
        var counts =
            Words.Text($"{100 * part, 3:0} %  ")
            + (stages > 0 ? Words.Text($"{snapshot.StagesTrained}/{stages} stages, ") : "")
            + Words.Text($"{tested}/{cells.Count} tests");
        var room = Math.Max(0, columns - BarLength - 9);
        yield return $"{"Total", -7}{Bar(part, BarLength)}  {Markup.Escape(Cut(counts.Length <= room ? counts : counts.Replace("  ", " ").Replace(", ", " "), room))}";
        if (MatrixMetrics.SoFar(snapshot) is { } known)
        {
            var rows = known.Rows < snapshot.Cells.Count ? Words.Text($" of {known.Rows} of {snapshot.Cells.Count} rows") : "";
            var numbers =
                Words.Text($"MAA {known.Maa:0.00} %") + (known.Bwt is { } transfer ? Words.Text($"  BWT {transfer:0.00} %") : "") + rows;
            var scoring = new[] { Words.TruthAlignment, "published rules" }.FirstOrDefault(
                name => numbers.Length + name.Length + 2 <= columns,
                "published"
            );
            yield return Markup.Escape(Cut($"{numbers}, {scoring}", columns));
        }
    }

    /// <summary>A bar that can be read without colours too.</summary>
    /// <param name="part">From 0 to 1.</param>
    internal static string Bar(double part, int length)
    {
        var done = (int)Math.Round(Math.Clamp(part, 0, 1) * length);
        return $"[green]{new string('━', done)}[/][grey37]{new string('─', length - done)}[/]";
    }

    private static IEnumerable<string> Training(RunSnapshot snapshot, int columns)
    {
        if (snapshot.Training is not { } training)
        {
            yield return snapshot.StagesTrained > 0 && snapshot.StagesTrained == snapshot.Stages.Count
                ? "[green]all stages are trained[/]"
                : $"[grey]{Markup.Escape(Cut(WithoutTraining(snapshot), columns))}[/]";
            yield return " ";
            yield break;
        }

        var head = Words.Text($"Stage {training.Stage}/{snapshot.Stages.Count} {training.Task}");
        var part = training.TotalSteps > 0 ? training.Steps / training.TotalSteps : 0;
        yield return $"{"Stage", -7}{Bar(part, BarLength)}  [bold]{Markup.Escape(Cut(head["Stage ".Length..], Math.Max(0, columns - BarLength - 9)))}[/]";
        yield return $"       {Markup.Escape(Cut(Words.Training(training), columns - 7))}";
    }

    /// <summary>A run that goes on has its next stage in work from the beginning, and its model has to be loaded first.</summary>
    private static string WithoutTraining(RunSnapshot snapshot) =>
        snapshot switch
        {
            { Status: not (RunStatus.Starting or RunStatus.Running) } => "no training at the moment",
            { Stages.Count: 0 } => snapshot.Evaluations.Count + snapshot.Judging.Count > 0
            || snapshot.ZeroShot.Any(cell => cell is not null)
                ? snapshot.GivenAdapter is { } given
                    ? $"the adapter {given.Path} is tested, nothing is trained"
                    : "the base model is tested as it is, nothing is trained"
                : "loading the model…",
            { StagesTrained: var done } => Words.Text(
                $"Stage {done + 1}/{snapshot.Stages.Count} {snapshot.Stages.ElementAtOrDefault(done)}: {(done == 0 ? "loading the model" : "loading its samples")}…"
            ),
        };

    private static string Evaluations(RunSnapshot snapshot, int columns)
    {
        if (snapshot.Evaluations.Count + snapshot.Judging.Count == 0)
        {
            return " ";
        }

        var parts = snapshot
            .Evaluations.GroupBy(one => one.Stage)
            .OrderBy(group => group.Key)
            .Select(group =>
                (
                    group.Key == 0
                        ? snapshot.GivenAdapter is null
                            ? "Testing the base model: "
                            : "Testing the adapter: "
                        : Words.Text($"Testing after stage {group.Key}: ")
                ) + string.Join(" · ", group.Select(one => Words.Text($"{one.Task} {one.Answered}/{one.Total}")))
            )
            .Concat(
                snapshot
                    .Judging.GroupBy(one => one.Judge)
                    .Select(group =>
                        $"{group.Key} judges " + string.Join(" · ", group.Select(one => Words.Text($"{one.Task} {one.Judged}/{one.Total}")))
                    )
            );
        return $"[grey]{Markup.Escape(Cut(string.Join("   ", parts), columns))}[/]";
    }

    private static IEnumerable<string> Matrix(RunSnapshot snapshot, int columns)
    {
        var grid = MatrixGrid.Of(snapshot, columns);
        yield return $"[grey]{Markup.Escape(Cut($"{Words.TruthAlignment}, percent", columns))}[/]";
        yield return $"[grey]{(grid.LabelWidth > "after stage".Length ? "after stage" : "after").PadRight(grid.LabelWidth)}"
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

    /// <summary>Of a path, the end tells more than the beginning.</summary>
    private static string CutLeft(string text, int width) => text.Length <= width ? text : "…" + text[^Math.Max(0, width - 1)..];

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..Math.Max(0, width - 1)] + "…";
}
