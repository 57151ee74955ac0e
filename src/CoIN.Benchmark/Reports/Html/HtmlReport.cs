using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>The report as one page for a browser.</summary>
internal static class HtmlReport
{
    public static string Render(RunResults results, IReadOnlyList<Example> examples)
    {
        var report = results.Report;
        var sections = new List<(string Id, string Title, Markup Body)>
        {
            ("accuracy", "Accuracy", MeasurePanels.Render(results)),
            ("before-after", results.HasCourse ? "Just trained and at the end" : "By task", Radars(results)),
            ("metrics", "All numbers", Numbers(results)),
        };
        if (results.Judges.Count > 0)
        {
            sections.Add(("following", "Instruction Following", Following(results)));
        }

        if (results.Routing.Count > 0)
        {
            sections.Add(("routing", "Who serves which task", RoutingMaps.Render(results)));
        }

        sections.Add(("training", "Training", Training(results)));
        sections.Add(("paper", "Beside the paper", BesideThePaper(results)));
        if (examples.Count > 0)
        {
            sections.Add(("examples", "Examples", ExampleCards.Render(report, examples)));
        }

        sections.Add(("provenance", "Provenance", Provenance(report)));
        sections.RemoveAll(section => section.Body == Markup.Empty);
        return Page.Render(
            $"{report.Name} · CoIN",
            Markup.Of(
                $"""
                <header>
                <h1>{report.Name}</h1>
                <p class="lead">Run <b>{report.RunId}</b> · {report.Method} · {Plural.Of(
                    report.Tasks.Count,
                    "task"
                )} · seed {report.Seed} · {report.Status}</p>
                {(
                    report.TestsGivenAdapter
                        ? Markup.Of($"<p>Tested: the base model with the adapter <b>{report.GivenAdapter}</b>. Nothing is trained.</p>\n")
                        : Markup.Empty
                )}{Unfinished(results)}
                {Markup.Join(
                    results.Judges.Where(judge => judge.Warning is not null).Select(judge =>
                        Markup.Of($"<p class=\"warning\">{judge.Warning!}</p>")
                    )
                )}
                <nav>{Markup.Join(sections.Select(section => Markup.Of($"<a href=\"#{section.Id}\">{section.Title}</a>")))}</nav>
                </header>
                {Markup.Join(sections.Select(section => Page.Section(section.Id, section.Title, section.Body)))}
                """
            )
        );
    }

    private static Markup Unfinished(RunResults results)
    {
        var (scored, all) = (
            results.Report.Cells.Select(cell => (cell.Stage, cell.Task)).Distinct().Count(),
            results.Report.Curriculum.Cells.Count()
        );
        return scored >= all
            ? Markup.Empty
            : Markup.Of(
                $"<p class=\"warning\">This run is {results.Report.Status}: {scored} of {all} cells are scored. What sums up all cells is known when they are.</p>"
            );
    }

    private static Markup Radars(RunResults results)
    {
        var tasks = results.Report.Tasks;
        if (tasks.Count < Radar.FewestAxes)
        {
            return Markup.Empty;
        }

        var shown = results
            .Measures.Where(measure =>
                measure == results.Published || measure is { Judge: not null, Scoring: Scoring.ScoringKind.Corrected }
            )
            .Concat(results.Judges.Where(judge => judge.Corrected is null).Select(judge => judge.Published))
            .ToList();
        var charts = results.HasCourse
            ? shown
                .Select(measure =>
                    Radar.Render(
                        measure.Title,
                        tasks,
                        [
                            new("before", PaperTable.JustTrained, measure.Matrix.JustTrained),
                            new("after", PaperTable.Final, measure.Matrix.Final),
                        ]
                    )
                )
                .ToList()
            : [];
        foreach (var other in shown.Skip(1).DefaultIfEmpty(results.Corrected).OfType<Measure>())
        {
            charts.Add(
                Radar.Render(
                    results.HasCourse ? "At the end: form and knowledge" : "Form and knowledge",
                    tasks,
                    [
                        new("third", other.Title, Last(results, other)),
                        new("after", results.Published.Title, Last(results, results.Published)),
                    ]
                )
            );
        }

        if (charts.Count == 0)
        {
            charts.Add(Radar.Render(results.Published.Title, tasks, [new("after", results.LastRow, Last(results, results.Published))]));
        }

        return Markup.Of(
            $"""
            <p class="note">An axis per task, 0 % in the middle, 100 % at the rim.</p>
            <div class="grid radars">
            {Markup.Join(charts)}
            </div>
            """
        );
    }

    private static IReadOnlyList<double?> Last(RunResults results, Measure measure) =>
        results.HasStages ? measure.Matrix.Final : measure.Measured.ZeroShot;

    private static Markup Numbers(RunResults results)
    {
        var known = MetricName
            .All.Named.Select((one, place) => (Name: one.Value, Place: place))
            .Where(one => results.Measures.Any(measure => measure.Results.Values.Named[one.Place].Value is not null))
            .ToList();
        var metrics =
            known.Count == 0
                ? Markup.Empty
                : Markup.Of(
                    $"""
            {Page.Table(new TextTable(
                ["measure", .. known.Select(one => $"{one.Name.Name}, {one.Name.Unit}")],
                [.. results.Measures.Select(measure => (IReadOnlyList<string>)
                [
                    measure.Title,
                    .. known.Select(one => WithInterval(measure.Results.Values.Named[one.Place].Value, measure.Results.Intervals.Named[one.Place].Value)),
                ])]), 1)}
            <ul class="note">
            {Markup.Join(known.Select(one => Markup.Of($"<li><b>{one.Name.Name}</b>: {one.Name.Meaning}.</li>")))}
            </ul>
            """
                );
        var options = new BootstrapOptions();
        var note = results.Measures.Any(measure => measure.Results.CellIntervals.Count > 0)
            ? Markup.Of(
                $"<p class=\"note\">In brackets: {100 * options.Level:0} % intervals by bootstrap over test samples, {options.Resamples} resamples. They say how much a number depends on the questions asked, not on the seed of training.</p>"
            )
            : Markup.Empty;
        var undefined = results.Published.Matrix.IsJoint
            ? Markup.Of($"<p class=\"note\"><b>BWT</b> and forgetting: {AccuracyMatrix.WhyNoTransfer}.</p>")
            : Markup.Empty;
        return Markup.Of(
            $"""
            {metrics}
            {undefined}{note}
            <h3>In the shape of the paper’s tables</h3>
            {Page.Table(PaperTable.Of(results).ToTable(), 2)}
            """
        );
    }

    private static string WithInterval(double? value, Interval? interval) =>
        value is null
            ? "-"
            : MatrixText.Percent(value)
                + (interval is { } known ? $" [{MatrixText.Percent(known.Low)}, {MatrixText.Percent(known.High)}]" : "");

    private static Markup Following(RunResults results) =>
        Markup.Of(
            $"""
        <p>{InstructionFollowing.Definition}</p>
        {Page.Table(new TextTable(FollowingTable.Header(results), FollowingTable.Rows(results)), 2)}
        {Markup.Join(results.Judges.Select(judge => Markup.Of(
            $"<p class=\"note\">{judge.Judge}: {judge.Description}. Replies without a score: {judge.Unparsable}.</p>")))}
        """
        );

    private static Markup Training(RunResults results)
    {
        var testing = SpeedTables.Testing(results.Report);
        if (results.Training.Count == 0 && testing is null && results.Report.Validations.Count == 0)
        {
            return Markup.Empty;
        }

        var curves =
            results.Training.Count == 0
                ? Markup.Empty
                : Markup.Of(
                    $"""
                    {LossCurves.Render(results.Training, results.Report.Validations)}
                    {Page.Table(SpeedTables.Training(results.Training), 2)}
                    <p class="note">Over all processes that trained; steps that were done again after a kill count once. Memory is that of the process on its host.</p>
                    """
                );
        if (results.Report.Validations.Count > 0)
        {
            curves = Markup.Of(
                $"""
                {curves}
                <h3>Loss of held-out samples</h3>
                {Page.Table(SpeedTables.Validation(results.Report.Validations), 2)}
                <p class="note">Of training samples that were held out, without dropout; nothing was chosen by it.</p>
                """
            );
        }

        return testing is null
            ? curves
            : Markup.Of(
                $"""
                {curves}
                <h3>Testing, samples a second</h3>
                {Page.Table(testing, 1)}
                <p class="note">Of one evaluator; several may have worked side by side, and beside the training.</p>
                """
            );
    }

    private static Markup BesideThePaper(RunResults results)
    {
        var sheet = new Sheet();
        PublishedSheet.AddOwn(sheet, results);
        return sheet.ToMarkup();
    }

    private static Markup Provenance(RunReport report) =>
        Markup.Of(
            $"""
            {Page.Table(ProvenanceTables.Settings(report), 2, "plain settings")}
            {(
                report.Options is null
                    ? Markup.Empty
                    : Markup.Of(
                        $"<details><summary>Every setting, by its key in the configuration</summary>\n{Page.Table(ProvenanceTables.EverySetting(report), 2, "plain settings")}\n</details>\n"
                    )
            )}{Titled(
                "Training: the schedule as it was",
                report.Stages.Count > 0 ? Page.Table(ProvenanceTables.Stages(report), 2) : Markup.Empty
            )}
            {Folded(
                "Data files with their SHA-256",
                report.DataFiles.Count,
                Page.Table(ProvenanceTables.DataFiles(report), 5, "plain hashes")
            )}
            {Titled(
                "Samples left out",
                report.Skipped.Count > 0
                    ? Markup.Of(
                        $"<p>{ProvenanceTables.SkippedSentence(report)}</p>{Page.Table(ProvenanceTables.Skipped(report), 5, "plain")}"
                    )
                    : Markup.Empty
            )}
            {Folded(
                "Predictions with their SHA-256",
                report.Cells.Count,
                Page.Table(ProvenanceTables.Predictions(report), 6, "plain hashes")
            )}
            {Folded(
                "Adapters with their SHA-256",
                report.Stages.Count,
                Page.Table(ProvenanceTables.Adapters(report), 4, "plain hashes both")
            )}
            """
        );

    /// <summary>Rows that are looked up rather than read: folded until somebody wants them.</summary>
    private static Markup Folded(string title, int rows, Markup table) =>
        rows == 0 ? Markup.Empty : Markup.Of($"<details><summary>{title} ({rows})</summary>\n{table}\n</details>");

    private static Markup Titled(string title, Markup body) => body == Markup.Empty ? body : Markup.Of($"<h3>{title}</h3>\n{body}");
}
