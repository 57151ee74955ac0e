using System.Text;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>
/// Forgetting curves: for every task, its accuracy after its own stage and every later one. One small chart each, since the ends of many
/// lines coincide.
/// </summary>
internal static class Curves
{
    private const double Width = 280;
    private const double Height = 182;
    private const double Left = 36;
    private const double Right = 12;
    private const double Top = 20;
    private const double Bottom = 38;

    /// <summary>Up to so many stages every point has its number.</summary>
    private const int FewStages = 10;

    public static Markup Render(RunResults results, Measure measure)
    {
        var tasks = results.Report.Tasks;
        var charts = tasks
            .Select(
                (name, task) =>
                {
                    var points = Enumerable
                        .Range(1, measure.Matrix.Stages)
                        .Where(stage => measure.Cell(stage, task) is not null)
                        .Select(stage => new Point(
                            stage,
                            measure.Cell(stage, task)!.Value,
                            measure.Results.CellInterval(stage, task),
                            stage == measure.Matrix.OwnStage(task) + 1
                        ))
                        .ToList();
                    return Figure(FormattableString.Invariant($"{task + 1} {name}"), points, measure.Matrix.Stages);
                }
            )
            .ToList();
        var means = measure
            .Matrix.Rows.Select((row, stage) => (Stage: stage + 1, Row: row))
            .Where(one => one.Row.All(cell => cell is not null))
            .Select(one => new Point(one.Stage, one.Row.Average()!.Value, null, false))
            .ToList();
        charts.Add(Figure("Mean of the tasks so far", means, measure.Matrix.Stages));
        return Markup.Of(
            $"""
            <div class="legend"><span><svg class="key" viewBox="0 0 34 12"><circle class="own-dot" cx="17" cy="6" r="4"/></svg>just trained</span>
            <span><svg class="key" viewBox="0 0 34 12"><path class="line" d="M2 6H32"/><circle class="dot" cx="17" cy="6" r="3.5"/></svg>after later stages</span>
            {(
                measure.Results.CellIntervals.Count > 0
                    ? new Markup(
                        "<span><svg class=\"key\" viewBox=\"0 0 34 12\"><path class=\"band\" d=\"M2 1H32V11H2Z\"/></svg>95 % interval</span>"
                    )
                    : Markup.Empty
            )}</div>
            <div class="grid">
            {Markup.Join(charts)}
            </div>
            """
        );
    }

    private static Markup Figure(string title, IReadOnlyList<Point> points, int stages) =>
        Markup.Of(
            $"""
            <figure><h4>{title}</h4>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{Spoken(title, points)}">
            {Axes(stages)}{Data(points, stages)}
            </svg></figure>
            """
        );

    private static string Spoken(string title, IReadOnlyList<Point> points) =>
        points.Count == 0
            ? $"{title}: not measured yet"
            : $"{title}: accuracy "
                + string.Join(
                    ", ",
                    points.Select(point => FormattableString.Invariant($"{point.Percent:0.0} % after stage {point.Stage}"))
                );

    private static Markup Axes(int stages)
    {
        var text = new StringBuilder();
        foreach (var percent in (int[])[0, 25, 50, 75, 100])
        {
            Add(text, $"<path class=\"rule\" d=\"M{Left:0.#} {Y(percent):0.#}H{Width - Right:0.#}\"/>");
            if (percent % 50 == 0)
            {
                Add(text, $"<text class=\"soft\" x=\"{Left - 5:0.#}\" y=\"{Y(percent) + 4:0.#}\" text-anchor=\"end\">{percent}</text>");
            }
        }

        var every = (int)Math.Ceiling(stages / (double)FewStages);
        for (var stage = 1; stage <= stages; stage += every)
        {
            Add(text, $"<path class=\"axis\" d=\"M{X(stage, stages):0.#} {Y(0):0.#}v4\"/>");
            Add(text, $"<text class=\"soft\" x=\"{X(stage, stages):0.#}\" y=\"{Y(0) + 16:0.#}\" text-anchor=\"middle\">{stage}</text>");
        }

        Add(text, $"<path class=\"axis\" d=\"M{Left:0.#} {Y(0):0.#}H{Width - Right:0.#}\"/>");
        Add(
            text,
            $"<text class=\"soft\" x=\"{(Left + Width - Right) / 2:0.#}\" y=\"{Height - 5:0.#}\" text-anchor=\"middle\">after stage</text>"
        );
        Add(
            text,
            $"<text class=\"soft\" x=\"11\" y=\"{(Top + Height - Bottom) / 2:0.#}\" text-anchor=\"middle\" transform=\"rotate(-90 11 {(Top + Height - Bottom) / 2:0.#})\">percent</text>"
        );
        return new Markup(text.ToString());
    }

    private static Markup Data(IReadOnlyList<Point> points, int stages)
    {
        var text = new StringBuilder();
        if (points.Count == 0)
        {
            Add(
                text,
                $"<text class=\"soft\" x=\"{(Left + Width - Right) / 2:0.#}\" y=\"{Y(50) - 6:0.#}\" text-anchor=\"middle\">not measured yet</text>"
            );
            return new Markup(text.ToString());
        }

        if (points.All(point => point.Interval is not null) && points.Count > 1)
        {
            var upper = points.Select(point => Place(point.Stage, point.Interval!.Value.High, stages));
            var lower = points.Reverse().Select(point => Place(point.Stage, point.Interval!.Value.Low, stages));
            Add(text, $"<path class=\"band\" d=\"M{string.Join("L", upper.Concat(lower))}Z\"/>");
        }

        Add(text, $"<path class=\"line\" d=\"M{string.Join("L", points.Select(point => Place(point.Stage, point.Percent, stages)))}\"/>");
        foreach (var (point, place) in points.Select((point, place) => (point, place)))
        {
            var (x, y) = (X(point.Stage, stages), Y(point.Percent));
            Add(
                text,
                $"<circle class=\"{(point.Own ? "own-dot" : "dot")}\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{(point.Own ? 4.5 : 3.5)}\"><title>{point.Percent:0.00} % after stage {point.Stage}</title></circle>"
            );
            if (stages <= FewStages || place == 0 || place == points.Count - 1)
            {
                Add(text, $"<text class=\"value\" x=\"{x:0.#}\" y=\"{y - 8:0.#}\" text-anchor=\"middle\">{point.Percent:0}</text>");
            }
        }

        return new Markup(text.ToString());
    }

    private static void Add(StringBuilder text, FormattableString markup) => text.Append(Markup.Of(markup).Text).Append('\n');

    private static string Place(int stage, double percent, int stages) =>
        FormattableString.Invariant($"{X(stage, stages):0.#} {Y(percent):0.#}");

    private static double X(int stage, int stages) =>
        Left + 12 + ((Width - Left - Right - 24) * (stages == 1 ? 0.5 : (stage - 1) / (stages - 1.0)));

    /// <summary>CIDEr above 100 is drawn at the edge; its number stands beside it.</summary>
    private static double Y(double percent) => Top + ((Height - Top - Bottom) * (1 - (Math.Min(percent, 100) / 100)));

    /// <param name="Own">The task's own stage.</param>
    private sealed record Point(int Stage, double Percent, Interval? Interval, bool Own);
}
