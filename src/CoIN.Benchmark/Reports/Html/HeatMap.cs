using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>The accuracy matrix as a table whose cells are the darker the higher their number; every cell has its number in it.</summary>
internal static class HeatMap
{
    public static Markup Render(RunResults results, Measure measure)
    {
        var tasks = results.Report.Tasks;
        var rows = new List<Markup>();
        if (measure.Measured.ZeroShot.Any(cell => cell is not null))
        {
            rows.Add(Row(results.Report.BaseName, 0));
        }

        if (results.HasStages)
        {
            rows.AddRange(
                results.Report.Curriculum.Trained.Select(stage => Row(Markup.Of($"{stage.Number} {stage.Name}").Text, stage.Number))
            );
        }

        return Markup.Of(
            $"""
            <p class="note">Percent. A row per stage: after training on which task. A column per task: tested on which.</p>
            <div class="scroll"><table class="heat" aria-label="{measure.Title}">
            <thead><tr><th scope="col">after stage</th>{Markup.Join(
                tasks.Select(task => Markup.Of($"<th scope=\"col\">{task}</th>")),
                ""
            )}</tr></thead>
            <tbody>
            {Markup.Join(rows)}
            </tbody></table></div>
            <div class="legend"><span>0 % <i class="ramp"></i> 100 %</span>{(
                results.HasCourse ? new Markup("<span><i class=\"swatch own\"></i>framed: just trained</span>") : Markup.Empty
            )}
            {(measure.Results.CellIntervals.Count > 0 ? new Markup("<span>small: 95 % interval</span>") : Markup.Empty)}</div>
            """
        );

        Markup Row(string label, int stage) =>
            Markup.Of(
                $"<tr><th scope=\"row\">{new Markup(label)}</th>{Markup.Join(tasks.Select((_, task) => Cell(measure, stage, task)), "")}</tr>"
            );
    }

    private static Markup Cell(Measure measure, int stage, int task)
    {
        if (stage > 0 && !measure.Matrix.Has(stage - 1, task))
        {
            return new Markup("<td></td>");
        }

        if (measure.Cell(stage, task) is not { } percent)
        {
            return new Markup("<td class=\"gone\" title=\"not measured\">–</td>");
        }

        var interval = measure.Results.CellInterval(stage, task);
        var title =
            FormattableString.Invariant($"{percent:0.00} %")
            + (measure.SamplesOf(stage, task) is { } samples ? $" of {Plural.Of(samples, "sample")}" : "")
            + (interval is { } known ? FormattableString.Invariant($", 95 % interval {known.Low:0.00} to {known.High:0.00}") : "");
        var kind = !measure.Matrix.IsJoint && stage == measure.Matrix.OwnStage(task) + 1 ? " own" : "";
        var range = interval is { } shown ? Markup.Of($"<small>{shown.Low:0.0}–{shown.High:0.0}</small>") : Markup.Empty;
        return Markup.Of(
            $"<td class=\"cell{kind}\" style=\"--v:{Math.Min(1, percent / 100):0.###}\" title=\"{title}\">{percent:0.0}{range}</td>"
        );
    }
}
