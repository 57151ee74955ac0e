using System.Text;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>One run's line in a chart of several.</summary>
/// <param name="Look">0-based place in the order of colours, dashes and marks.</param>
/// <param name="Name">What a pointer shows.</param>
/// <param name="Points">Stage from 1 and percent; for a level line one point of stage 0.</param>
internal sealed record OverlayLine(int Look, string Name, IReadOnlyList<(int Stage, double Percent)> Points);

/// <summary>Forgetting curves of several runs in one chart for each task.</summary>
internal static class Overlay
{
    /// <summary>So many looks differ; then they begin again.</summary>
    public const int Looks = 6;

    private const double Width = 280;
    private const double Height = 176;
    private const double Left = 36;
    private const double Right = 12;
    private const double Top = 12;
    private const double Bottom = 38;

    /// <summary>Renders a chart.</summary>
    /// <param name="stages">On the horizontal axis.</param>
    public static Markup Render(string title, IReadOnlyList<OverlayLine> lines, int stages)
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

        for (var stage = 1; stage <= stages; stage += (int)Math.Ceiling(stages / 10.0))
        {
            Add(text, $"<text class=\"soft\" x=\"{X(stage, stages):0.#}\" y=\"{Y(0) + 16:0.#}\" text-anchor=\"middle\">{stage}</text>");
        }

        Add(text, $"<path class=\"axis\" d=\"M{Left:0.#} {Y(0):0.#}H{Width - Right:0.#}\"/>");
        Add(
            text,
            $"<text class=\"soft\" x=\"{(Left + Width - Right) / 2:0.#}\" y=\"{Height - 5:0.#}\" text-anchor=\"middle\">after stage</text>"
        );
        foreach (var line in lines)
        {
            AddLine(text, line, stages);
        }

        var spoken = string.Join(
            "; ",
            lines.Select(line =>
                $"{line.Name}: "
                + string.Join(
                    ", ",
                    line.Points.Select(point =>
                        FormattableString.Invariant($"{point.Percent:0.0} %{(point.Stage > 0 ? $" after stage {point.Stage}" : "")}")
                    )
                )
            )
        );
        return Markup.Of(
            $"""
            <figure><h4>{title}</h4>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{title}: {spoken}">
            {new Markup(text.ToString())}</svg></figure>
            """
        );
    }

    /// <summary>What the lines are.</summary>
    public static Markup Legend(IEnumerable<(int Look, string Name)> lines) =>
        Markup.Of(
            $"""
        <div class="legend">{Markup.Join(lines.Select(line => Markup.Of(
            $"<span><svg class=\"key\" viewBox=\"0 0 34 12\"><path class=\"series s{line.Look % Looks}\" d=\"M2 6H32\"/>{Mark(line.Look, 17, 6)}</svg>{line.Name}</span>")), " ")}</div>
        """
        );

    private static void AddLine(StringBuilder text, OverlayLine line, int stages)
    {
        if (line.Points is [(0, var level)])
        {
            Add(
                text,
                $"<path class=\"series s{line.Look % Looks}\" d=\"M{Left:0.#} {Y(level):0.#}H{Width - Right:0.#}\"><title>{line.Name}: {level:0.00} %</title></path>"
            );
            return;
        }

        var path = string.Join(
            "L",
            line.Points.Select(point => FormattableString.Invariant($"{X(point.Stage, stages):0.#} {Y(point.Percent):0.#}"))
        );
        if (line.Points.Count > 1)
        {
            Add(text, $"<path class=\"series s{line.Look % Looks}\" d=\"M{path}\"/>");
        }

        foreach (var (stage, percent) in line.Points)
        {
            Add(
                text,
                $"<g>{Mark(line.Look, X(stage, stages), Y(percent))}<title>{line.Name}: {percent:0.00} % after stage {stage}</title></g>"
            );
        }
    }

    /// <summary>Circle, square or triangle, so that lines can be told apart without colours.</summary>
    private static Markup Mark(int look, double x, double y) =>
        (look % 3) switch
        {
            0 => Markup.Of($"<circle class=\"mark m{look % Looks}\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3.2\"/>"),
            1 => Markup.Of($"<path class=\"mark m{look % Looks}\" d=\"M{x - 3:0.#} {y - 3:0.#}h6v6h-6Z\"/>"),
            _ => Markup.Of($"<path class=\"mark m{look % Looks}\" d=\"M{x:0.#} {y - 4:0.#}l4 7h-8Z\"/>"),
        };

    private static void Add(StringBuilder text, FormattableString markup) => text.Append(Markup.Of(markup).Text).Append('\n');

    private static double X(int stage, int stages) =>
        Left + 12 + ((Width - Left - Right - 24) * (stages == 1 ? 0.5 : (stage - 1) / (stages - 1.0)));

    private static double Y(double percent) => Top + ((Height - Top - Bottom) * (1 - (percent / 100)));
}
