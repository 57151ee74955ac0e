using System.Globalization;
using System.Text;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports;

/// <summary>The report for people who read text.</summary>
internal static class MarkdownReport
{
    public static string Render(RunResults results)
    {
        var (text, report) = (new StringBuilder(), results.Report);
        text.Append(CultureInfo.InvariantCulture, $"# {report.Name}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Run `{report.RunId}`, {report.Status}.\n\n");
        if (report.TestsGivenAdapter)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"Tested: the base model with the adapter {report.GivenAdapter}. Nothing is trained.\n\n"
            );
        }

        foreach (var (judge, message) in report.JudgingFaults)
        {
            text.Append(CultureInfo.InvariantCulture, $"Judging by {judge} failed: {message}\n\n");
        }

        foreach (var measure in results.Measures)
        {
            AddMeasure(text, results, measure);
        }

        AddFollowing(text, results);
        AddRouting(text, results);
        AddPaper(text, results);
        AddStages(text, results);
        AddSettings(text, report);
        AddSamples(text, report);
        AddHashes(text, report);
        return text.ToString();
    }

    private static void AddMeasure(StringBuilder text, RunResults results, Measure measure)
    {
        var tasks = results.Report.Tasks;
        if (!results.HasStages)
        {
            text.Append(CultureInfo.InvariantCulture, $"## {measure.Title}: the {results.Report.BaseName}, percent\n\n");
            Add(
                text,
                tasks,
                [
                    [.. measure.Measured.ZeroShot.Select(MatrixText.Percent)],
                ]
            );
            return;
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"## {measure.Title}, percent\n\nRows: after which stage. Columns: tested on which task.\n\n"
        );
        Add(
            text,
            ["after", .. tasks],
            [
                .. results.Report.Curriculum.Trained.Select(stage =>
                    (IReadOnlyList<string>)
                        [
                            $"{stage.Number.ToString(CultureInfo.InvariantCulture)} {stage.Name}",
                            .. tasks.Select(
                                (_, task) =>
                                    measure.Matrix.Has(stage.Number - 1, task) ? MatrixText.Percent(measure.Cell(stage.Number, task)) : ""
                            ),
                        ]
                ),
            ]
        );
        if (results.HasCourse)
        {
            Add(
                text,
                ["", .. tasks],
                [
                    [PaperTable.JustTrained, .. measure.Matrix.JustTrained.Select(MatrixText.Percent)],
                    [PaperTable.Final, .. measure.Matrix.Final.Select(MatrixText.Percent)],
                ]
            );
        }

        AddMetrics(text, measure);
    }

    private static void AddMetrics(StringBuilder text, Measure measure)
    {
        var (values, intervals) = (measure.Results.Values, measure.Results.Intervals);
        text.Append(
            CultureInfo.InvariantCulture,
            $"- MAA, mean average accuracy: {MatrixText.Percent(values.Maa)} %{Range(intervals.Maa)}\n"
        );
        text.Append(CultureInfo.InvariantCulture, $"- BWT, backward transfer (divided by the number of tasks): ")
            .Append(
                measure.Matrix.IsJoint
                    ? $"– ({AccuracyMatrix.WhyNoTransfer})"
                    : $"{MatrixText.Percent(values.Bwt)} points{Range(intervals.Bwt)}"
            )
            .Append('\n');
        foreach (
            var ((name, value), interval) in MetricName
                .All.Named.Zip(values.Named, (name, value) => (name.Value, value.Value))
                .Zip(intervals.Named.Select(one => one.Value))
                .Skip(2)
                .Where(one => one.First.Item2 is not null)
        )
        {
            text.Append(CultureInfo.InvariantCulture, $"- {name.Name}: {MatrixText.Percent(value)} {name.Unit}{Range(interval)}\n");
        }

        text.Append('\n');
    }

    private static string Range(Interval? interval) =>
        interval is { } known ? $" (95 % interval {MatrixText.Percent(known.Low)} to {MatrixText.Percent(known.High)})" : "";

    private static void AddFollowing(StringBuilder text, RunResults results)
    {
        if (results.Judges.Count == 0)
        {
            return;
        }

        text.Append("## Instruction Following\n\n").Append(InstructionFollowing.Definition).Append("\n\n");
        Add(text, FollowingTable.Header(results), FollowingTable.Rows(results));
        foreach (var judge in results.Judges)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"- {judge.Judge}: {judge.Description}; replies without a score: {judge.Unparsable}\n"
            );
            if (judge.Warning is { } warning)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n> **Warning:** {warning}\n\n");
            }
        }

        text.Append('\n');
    }

    private static void AddRouting(StringBuilder text, RunResults results)
    {
        if (results.Routing.Count == 0)
        {
            return;
        }

        text.Append("## Who serves which task\n\n").Append(RoutedCell.Definition).Append(" Layer by layer in report.html.\n\n");
        var (just, final) = (RoutedCell.JustTrained(results), RoutedCell.Final(results));
        foreach (
            var (title, cells) in new[] { ("just trained", just), (results.HasStages ? "at the end" : "by task", final) }.Where(one =>
                one.Item2.Count > 0
            )
        )
        {
            var experts = Enumerable
                .Range(1, cells.Max(cell => cell.Experts))
                .Select(expert => string.Create(CultureInfo.InvariantCulture, $"expert {expert}"));
            Add(
                text,
                [title, .. experts],
                [
                    .. cells.Select(cell =>
                        (IReadOnlyList<string>)
                            [
                                cell.Task,
                                .. cell.Routing.Means.Select(mean => string.Create(CultureInfo.InvariantCulture, $"{100 * mean:0.0} %")),
                            ]
                    ),
                ]
            );
        }
    }

    private static void AddPaper(StringBuilder text, RunResults results)
    {
        var sheet = new Sheet();
        PublishedSheet.AddOwn(sheet, results);
        text.Append("## Beside the paper\n\n").Append(sheet.ToMarkdown());
    }

    private static void AddStages(StringBuilder text, RunResults results)
    {
        if (results.Report.Stages.Count > 0)
        {
            text.Append("## Training\n\n").Append(ProvenanceTables.Stages(results.Report).ToMarkdown());
        }

        if (results.Training.Count > 0)
        {
            text.Append("How it went, over all processes that trained:\n\n").Append(SpeedTables.Training(results.Training).ToMarkdown());
        }

        if (results.Report.Validations.Count > 0)
        {
            text.Append("Loss of the samples that were held out of training, without dropout; nothing was chosen by it:\n\n")
                .Append(SpeedTables.Validation(results.Report.Validations).ToMarkdown());
        }

        if (SpeedTables.Testing(results.Report) is { } testing)
        {
            text.Append("## Testing, samples a second of one evaluator\n\n").Append(testing.ToMarkdown());
        }
    }

    private static void AddSettings(StringBuilder text, RunReport report) =>
        text.Append("## Settings\n\n")
            .Append(ProvenanceTables.Settings(report).ToMarkdown())
            .Append(
                report.Options is null
                    ? ""
                    : "Every setting, by its key in the configuration:\n\n" + ProvenanceTables.EverySetting(report).ToMarkdown()
            );

    private static void AddSamples(StringBuilder text, RunReport report)
    {
        text.Append("## Data\n\n").Append(ProvenanceTables.DataFiles(report).ToMarkdown());
        if (report.Skipped.Count > 0)
        {
            text.Append(ProvenanceTables.SkippedSentence(report)).Append("\n\n").Append(ProvenanceTables.Skipped(report).ToMarkdown());
        }

        text.Append("Predictions, and how many samples each accuracy was computed on:\n\n")
            .Append(ProvenanceTables.Predictions(report).ToMarkdown());
    }

    private static void AddHashes(StringBuilder text, RunReport report)
    {
        if (report.Stages.Count > 0)
        {
            text.Append("## Adapters, SHA-256\n\n").Append(ProvenanceTables.Adapters(report).ToMarkdown());
        }
    }

    private static void Add(StringBuilder text, IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows) =>
        text.Append(new TextTable(header, rows).ToMarkdown());
}
