using System.Globalization;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>Mean routing weights as heat maps: tasks by experts with their numbers, and layers by experts for each task.</summary>
internal static class RoutingMaps
{
    private const double Width = 240,
        CellHeight = 13,
        Left = 24,
        Top = 18;

    public static Markup Render(RunResults results)
    {
        var final = RoutedCell.Final(results);
        var just = RoutedCell.JustTrained(results);
        return Markup.Of(
            $"""
            <p>{RoutedCell.Definition}</p>
            {(just.Count > 0 ? Table("Just trained", just) : Markup.Empty)}
            {Table(results.HasStages ? "At the end" : "By task", final)}
            <h3>Layer by layer{(results.HasStages ? ", at the end" : "")}</h3>
            <p class="note">A row per layer, the first on top; a column per expert. {Span(
                [.. final.SelectMany(Layers)],
                final[0].Experts
            )}</p>
            <div class="grid">
            {Markup.Join(final.Select(cell => Map(cell, Range.Of([.. final.SelectMany(Layers)]))))}
            </div>
            """
        );
    }

    private static IEnumerable<double> Layers(RoutedCell cell) => cell.Routing.Layers.SelectMany(layer => layer.Means);

    private static Markup Table(string title, IReadOnlyList<RoutedCell> cells)
    {
        var values = cells.SelectMany(cell => cell.Routing.Means).ToList();
        var range = Range.Of(values);
        var experts = Enumerable.Range(1, cells.Max(cell => cell.Experts));
        return Markup.Of(
            $"""
            <h3>{title}</h3>
            <div class="scroll"><table class="heat routing" aria-label="Mean routing weights: {title}">
            <thead><tr><th scope="col">task</th>{Markup.Join(experts.Select(expert => Markup.Of($"<th scope=\"col\">expert {expert}</th>")), "")}</tr></thead>
            <tbody>
            {Markup.Join(cells.Select(cell => Markup.Of(
                $"<tr><th scope=\"row\">{cell.Task}</th>{Markup.Join(cell.Routing.Means.Select(mean => Cell(mean, range)), "")}</tr>")))}
            </tbody></table></div>
            <p class="note">Percent. {Span(values, cells[0].Experts)}</p>
            """
        );
    }

    private static Markup Cell(double mean, Range range)
    {
        var strength = range.Place(mean);
        return Markup.Of($"<td class=\"cell\" style=\"--v:{strength:0.###}\" title=\"{100 * mean:0.00} %\">{100 * mean:0.0}</td>");
    }

    private static Markup Map(RoutedCell cell, Range range)
    {
        var layers = cell.Routing.Layers;
        var height = Top + (layers.Count * CellHeight);
        var width = (Width - Left) / cell.Experts;
        var marks = new List<Markup>();
        foreach (var (layer, row) in layers.Select((layer, row) => (layer, row)))
        {
            // Every fourth layer has its number.
            if (row % 4 == 0 || layers.Count <= 8)
            {
                marks.Add(
                    Markup.Of(
                        $"<text class=\"soft\" x=\"{Left - 6:0}\" y=\"{Top + ((row + 0.8) * CellHeight):0.#}\" text-anchor=\"end\">{row + 1}</text>"
                    )
                );
            }

            marks.AddRange(
                layer.Means.Select(
                    (mean, expert) =>
                        Markup.Of(
                            $"""
                            <rect x="{Left + (expert * width):0.#}" y="{Top + (row * CellHeight):0.#}" width="{width
                                - 1:0.#}" height="{CellHeight - 1:0.#}"
                             style="fill: rgb(var(--heat) / {0.05 + (0.95 * range.Place(mean)):0.###})"><title>layer {row
                                + 1}, expert {expert + 1}: {100 * mean:0.00} %</title></rect>
                            """
                        )
                )
            );
        }

        marks.AddRange(
            Enumerable
                .Range(0, cell.Experts)
                .Select(expert =>
                    Markup.Of(
                        $"<text class=\"soft\" x=\"{Left + ((expert + 0.5) * width):0.#}\" y=\"11\" text-anchor=\"middle\">{expert + 1}</text>"
                    )
                )
        );
        return Markup.Of(
            $"""
            <figure><h4>{cell.Task}</h4>
            <svg viewBox="0 0 {Width:0.#} {height:0.#}" role="img" aria-label="Routing weights of {cell.Task}, layers by experts">
            {Markup.Join(marks)}
            </svg></figure>
            """
        );
    }

    private static string Span(IReadOnlyList<double> values, int experts) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Lightest: {100 * values.Min():0.0} %; darkest: {100 * values.Max():0.0} %; all the same would be {100.0 / experts:0.0} %."
        );

    /// <summary>What the lightest and the darkest colour stand for.</summary>
    private readonly record struct Range(double Low, double High)
    {
        public static Range Of(IReadOnlyList<double> values) => new(values.Min(), values.Max());

        /// <summary>0 for the lowest, 1 for the highest.</summary>
        public double Place(double value) => High > Low ? (value - Low) / (High - Low) : 0.5;
    }
}
