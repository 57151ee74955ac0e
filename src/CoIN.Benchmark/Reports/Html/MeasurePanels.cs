using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>
/// Numbers, heat map and curves of every measure, one measure at a time: radio buttons choose, without a script; on paper all are shown.
/// </summary>
internal static class MeasurePanels
{
    public static Markup Render(RunResults results)
    {
        var measures = results.Measures;
        var rules = measures.Select(measure =>
            Markup.Of(
                $"#m-{measure.Key}:checked ~ #p-{measure.Key} {{ display: block; }}\n#m-{measure.Key}:checked ~ .tabs label[for=\"m-{measure.Key}\"] {{ background: var(--link); border-color: var(--link); color: var(--paper); }}\n#m-{measure.Key}:focus-visible ~ .tabs label[for=\"m-{measure.Key}\"] {{ outline: 2px solid var(--ink); outline-offset: 2px; }}"
            )
        );
        var inputs = measures.Select(
            (measure, place) =>
                Markup.Of($"<input type=\"radio\" name=\"measure\" id=\"m-{measure.Key}\"{new Markup(place == 0 ? " checked" : "")}>")
        );
        var labels = measures.Select(measure => Markup.Of($"<label for=\"m-{measure.Key}\">{measure.Title}</label>"));
        return Markup.Of(
            $"""
            <style>
            {Markup.Join(rules)}
            </style>
            <div class="choice">
            {Markup.Join(inputs)}
            {(measures.Count > 1 ? Markup.Of($"<div class=\"tabs\">{Markup.Join(labels)}</div>") : Markup.Empty)}
            {Markup.Join(measures.Select(measure => Panel(results, measure)))}
            </div>
            """
        );
    }

    private static Markup Panel(RunResults results, Measure measure) =>
        Markup.Of(
            $"""
            <div class="panel" id="p-{measure.Key}">
            <h3>{measure.Title}</h3>
            {Tiles(measure)}
            {HeatMap.Render(results, measure)}
            {(
                results.HasCourse
                    ? Markup.Of($"<h3>Forgetting curves: {measure.Title}</h3>\n{Curves.Render(results, measure)}")
                    : Markup.Empty
            )}
            </div>
            """
        );

    private static Markup Tiles(Measure measure)
    {
        var known = MetricName
            .All.Named.Zip(measure.Results.Values.Named, measure.Results.Intervals.Named)
            .Where(one => one.Second.Value is not null)
            .Select(one => Tile(one.First.Value, one.Second.Value!.Value, one.Third.Value))
            .ToList();
        if (measure.Matrix.IsJoint && known.Count > 0)
        {
            known.Insert(
                1,
                Markup.Of(
                    $"<div class=\"tile\" title=\"{MetricName.All.Bwt.Meaning}\"><span>{MetricName.All.Bwt.Name}</span><b>–</b><span>{AccuracyMatrix.WhyNoTransfer}</span></div>"
                )
            );
        }

        return known.Count == 0 ? Markup.Empty : Markup.Of($"<div class=\"tiles\">\n{Markup.Join(known)}\n</div>");
    }

    private static Markup Tile(MetricName name, double value, Interval? interval)
    {
        var range = interval is { } shown ? Markup.Of($"<span>95 %: {shown.Low:0.00} to {shown.High:0.00}</span>") : Markup.Empty;
        return Markup.Of(
            $"<div class=\"tile\" title=\"{name.Meaning}\"><span>{name.Name}</span><b>{value:0.00} <small>{name.Unit}</small></b>{range}</div>"
        );
    }
}
