using System.Globalization;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports;

/// <summary>Accuracies as comma-separated values, unrounded; empty where nothing is known.</summary>
internal static class CsvMatrix
{
    /// <summary>The matrix of Truth Alignment by the published rules: a row per stage (0 for the base model), a column per task.</summary>
    public static string Render(RunResults results)
    {
        var (tasks, published) = (results.Report.Tasks, results.Published);
        IEnumerable<IReadOnlyList<string>> rows = results.HasStages
            ? results.Report.Curriculum.Trained.Select(stage =>
                (IReadOnlyList<string>)
                    [Text(stage.Number), stage.Name, .. tasks.Select((_, task) => Number(published.Cell(stage.Number, task)))]
            )
            :
            [
                ["0", Base(results), .. tasks.Select((_, task) => Number(published.Cell(0, task)))],
            ];
        return new TextTable(["stage", "after", .. tasks], [.. rows]).ToCsv();
    }

    /// <summary>
    /// Every cell by every measure, a row each, with its samples and interval: the long form that statistics programs like.
    /// </summary>
    public static string RenderCells(RunResults results)
    {
        var rows = new List<IReadOnlyList<string>>();
        var tasks = results.Report.Tasks;
        foreach (var measure in results.Measures)
        {
            for (var stage = 0; stage <= measure.Matrix.Stages; stage++)
            {
                for (var task = 0; task < tasks.Count; task++)
                {
                    if (measure.Cell(stage, task) is { } percent && measure.SamplesOf(stage, task) is { } samples)
                    {
                        var interval = measure.Results.CellInterval(stage, task);
                        rows.Add([
                            measure.Judge is null ? "truth-alignment" : "reasoning-capability",
                            ReportNames.Of(measure.Scoring),
                            measure.Judge ?? "",
                            Text(stage),
                            stage == 0 ? Base(results) : results.Report.StageName(stage),
                            tasks[task],
                            Number(percent),
                            Text(samples),
                            Number(interval?.Low),
                            Number(interval?.High),
                        ]);
                    }
                }
            }
        }

        return new TextTable(["measure", "scoring", "judge", "stage", "after", "task", "percent", "samples", "low", "high"], rows).ToCsv();
    }

    /// <summary>After what the base row was tested: nothing, or the adapter that the run was given.</summary>
    private static string Base(RunResults results) => results.Report.TestsGivenAdapter ? results.Report.GivenAdapter : "";

    internal static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
