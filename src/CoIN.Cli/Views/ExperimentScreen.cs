using CoIN.Benchmark.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace CoIN.Cli.Views;

/// <summary>An experiment of several runs at one moment as a screen: a line per run, as many as there is room for.</summary>
internal static class ExperimentScreen
{
    private const int BarLength = 16;

    // Header, counts, two empty lines, the line about runs left out, the notice and the cursor's.
    private const int OtherLines = 7;

    /// <summary>Draws the runs; where there are more than lines, those come first that work, then those that wait.</summary>
    /// <param name="notice">A sentence for the last line, or null.</param>
    /// <param name="width">Columns of the terminal.</param>
    /// <param name="height">Its lines.</param>
    public static IRenderable Draw(string id, ExperimentProgress progress, TimeSpan elapsed, string? notice, int width, int height)
    {
        var columns = Math.Max(20, Math.Min(width - LiveScreen.Spare, LiveScreen.Widest));
        var runs = progress.Runs;
        var room = Math.Max(1, height - OtherLines);
        var shown = runs.Count <= room ? runs : [.. runs.OrderBy(run => Rank(run.Last)).Take(room)];
        var right =
            progress.Counts()
            + $" · {Words.Duration(elapsed)}"
            + (progress.Remaining(elapsed) is { } left ? $" · about {Words.Duration(left)} left" : "");
        var lines = new List<string>
        {
            $"[bold]CoIN[/] [aqua]{Markup.Escape(Cut(id, Math.Max(8, columns - 6)))}[/]",
            $"[grey]{Markup.Escape(Cut(right, columns))}[/]",
            "",
        };
        var name = Math.Min(shown.Max(run => run.Name.Length), columns / 2);
        lines.AddRange(shown.Select(run => Line(run.Name, run.Last, name, columns)));
        if (shown.Count < runs.Count)
        {
            lines.Add($"[grey]{Words.Text($"… and {runs.Count - shown.Count} more")}[/]");
        }

        lines.Add("");
        lines.Add(notice is null ? $"[grey]{Cut(LiveScreen.Hint, columns)}[/]" : $"[yellow]{Markup.Escape(Cut(notice, columns))}[/]");

        return new Rows(
            lines.Select(line => line.Length == 0 ? (IRenderable)new Text(" ") : new Markup(line) { Overflow = Overflow.Crop })
        );
    }

    /// <summary>What a run does, in words.</summary>
    public static string Doing(RunSnapshot? run)
    {
        if (run is null)
        {
            return "starting…";
        }

        if (run.Status != RunStatus.Running)
        {
            var results =
                MatrixMetrics.MeanAverageAccuracy(run) is { } maa && MatrixMetrics.BackwardTransfer(run) is { } bwt
                    ? Words.Text($"  MAA {maa:0.00}  BWT {bwt:0.00}")
                    : "";
            return Words.Of(run.Status) + results;
        }

        var parts = new List<string>();
        if (run.Training is { } training)
        {
            parts.Add(Words.Text($"trains {training.Task} {training.Step}/{training.TotalSteps}"));
        }

        parts.AddRange(run.Evaluations.Select(one => Words.Text($"tests {one.Task} {one.Answered}/{one.Total}")));
        parts.AddRange(run.Judging.Select(one => Words.Text($"{one.Judge} judges {one.Task} {one.Judged}/{one.Total}")));
        return parts.Count > 0 ? string.Join(" · ", parts) : "waits for its turn";
    }

    private static string Line(string name, RunSnapshot? run, int nameWidth, int columns)
    {
        var stages = run?.Stages.Count ?? 0;
        var part =
            stages == 0
                ? Tested(run)
                : (run!.StagesTrained + (run.Training is { TotalSteps: > 0 } now ? now.Steps / now.TotalSteps : 0)) / stages;
        var count = (stages == 0 ? "" : Words.Text($"{run!.StagesTrained}/{stages}")).PadLeft(6);
        var rest = Cut(Doing(run), Math.Max(4, columns - nameWidth - BarLength - count.Length - 6));
        var colour = run?.Status switch
        {
            RunStatus.Completed => "green",
            RunStatus.Failed => "red",
            _ => "default",
        };
        return $"{Markup.Escape(Cut(name, nameWidth).PadRight(nameWidth))}  {LiveScreen.Bar(part, BarLength)}{count}  [{colour}]{Markup.Escape(rest)}[/]";
    }

    private static double Tested(RunSnapshot? run) =>
        run is not { ZeroShot.Count: > 0 } ? 0 : run.ZeroShot.Count(cell => cell is not null) / (double)run.ZeroShot.Count;

    private static int Rank(RunSnapshot? run) =>
        run switch
        {
            { Status: RunStatus.Failed } => 1,
            { Status: RunStatus.Running } when run.Training is not null || run.Evaluations.Count + run.Judging.Count > 0 => 0,
            { Status: RunStatus.Completed } => 3,
            _ => 2,
        };

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..Math.Max(0, width - 1)] + "…";
}
