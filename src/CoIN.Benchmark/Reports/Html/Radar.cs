using System.Text;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>One closed line of a radar chart.</summary>
/// <param name="Look"><c>before</c>, <c>after</c> or <c>third</c>: colour, dashes and marks.</param>
/// <param name="Name">For the legend.</param>
/// <param name="Percent">One for each axis; null where nothing is known.</param>
internal sealed record RadarLine(string Look, string Name, IReadOnlyList<double?> Percent);

/// <summary>The paper's figure 1: an axis per task, from 0 % in the middle to 100 % at the rim.</summary>
internal static class Radar
{
    /// <summary>With fewer axes there is no area.</summary>
    public const int FewestAxes = 3;

    private const double Width = 360;
    private const double Height = 292;
    private const double Radius = 104;
    private const double MiddleX = Width / 2;
    private const double MiddleY = 146;

    public static Markup Render(string title, IReadOnlyList<string> axes, IReadOnlyList<RadarLine> lines)
    {
        var text = new StringBuilder();
        foreach (var ring in (int[])[25, 50, 75, 100])
        {
            Add(text, $"<path class=\"rule\" d=\"M{string.Join("L", axes.Select((_, axis) => Place(axis, axes.Count, ring)))}Z\"/>");
        }

        for (var axis = 0; axis < axes.Count; axis++)
        {
            Add(text, $"<path class=\"rule\" d=\"M{MiddleX:0.#} {MiddleY:0.#}L{Place(axis, axes.Count, 100)}\"/>");
            var (x, y) = At(axis, axes.Count, 112);
            var anchor =
                Math.Abs(x - MiddleX) < 12 ? "middle"
                : x > MiddleX ? "start"
                : "end";
            Add(
                text,
                $"<text x=\"{x:0.#}\" y=\"{y + (y < MiddleY - 60 ? 0 : y > MiddleY + 60 ? 8 : 4):0.#}\" text-anchor=\"{anchor}\">{Cut(axes[axis])}</text>"
            );
        }

        foreach (var line in lines)
        {
            AddLine(text, axes, line);
        }

        foreach (var ring in (int[])[50, 100])
        {
            var (x, y) = At(0, axes.Count, ring);
            Add(text, $"<text class=\"soft halo\" x=\"{x + 4:0.#}\" y=\"{y + 11:0.#}\">{ring} %</text>");
        }

        return Markup.Of(
            $"""
            <figure><h4>{title}</h4>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{title}">
            {new Markup(text.ToString())}</svg>
            <div class="legend">{Markup.Join(lines.Select(line => Markup.Of(
                $"<span><svg class=\"key\" viewBox=\"0 0 34 12\"><path class=\"{line.Look}\" d=\"M2 6H32\"/><circle class=\"{line.Look}-dot\" cx=\"17\" cy=\"6\" r=\"3.5\"/></svg>{line.Name}</span>")), " ")}</div>
            </figure>
            """
        );
    }

    private static void AddLine(StringBuilder text, IReadOnlyList<string> axes, RadarLine line)
    {
        var known = line
            .Percent.Select((percent, axis) => (Percent: percent, Axis: axis))
            .Where(point => point.Percent is not null)
            .ToList();
        if (known.Count == axes.Count)
        {
            var path = string.Join("L", known.Select(point => Place(point.Axis, axes.Count, point.Percent!.Value)));
            if (line.Look == "after")
            {
                Add(text, $"<path class=\"area\" d=\"M{path}Z\"/>");
            }

            Add(text, $"<path class=\"{line.Look}\" d=\"M{path}Z\"/>");
        }

        foreach (var point in known)
        {
            var (x, y) = At(point.Axis, axes.Count, point.Percent!.Value);
            Add(
                text,
                $"<circle class=\"{line.Look}-dot\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"3.5\"><title>{axes[point.Axis]}, {line.Name}: {point.Percent.Value:0.00} %</title></circle>"
            );
        }
    }

    private static void Add(StringBuilder text, FormattableString markup) => text.Append(Markup.Of(markup).Text).Append('\n');

    private static string Place(int axis, int axes, double percent)
    {
        var (x, y) = At(axis, axes, percent);
        return FormattableString.Invariant($"{x:0.#} {y:0.#}");
    }

    private static (double X, double Y) At(int axis, int axes, double percent)
    {
        var angle = (2 * Math.PI * axis / axes) - (Math.PI / 2);
        var from = Radius * Math.Min(percent, 100) / 100;
        return (MiddleX + (from * Math.Cos(angle)), MiddleY + (from * Math.Sin(angle)));
    }

    private static string Cut(string name) => name.Length <= 13 ? name : name[..12] + "…";
}
