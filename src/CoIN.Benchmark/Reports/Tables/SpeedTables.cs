using System.Globalization;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>How fast a run trained and tested.</summary>
internal static class SpeedTables
{
    private const double Mebibyte = 1 << 20;

    /// <summary>Training, stage by stage, over all processes that had a part in it.</summary>
    public static TextTable Training(IReadOnlyList<TrainedStage> stages) =>
        new(
            ["stage", "task", "steps", "loss at the end", "tokens", "seconds", "tokens/s", "peak memory, MiB"],
            [
                .. stages.Select(stage =>
                    (IReadOnlyList<string>)
                        [
                            Text($"{stage.Stage}"),
                            stage.Name,
                            stage.Course.Steps == stage.Course.TotalSteps
                                ? Text($"{stage.Course.Steps}")
                                : Text($"{stage.Course.Steps} of {stage.Course.TotalSteps}"),
                            Text($"{stage.Course.LastLoss:0.0000} (mean of {stage.Course.LastCount})"),
                            Text($"{stage.Course.Tokens}"),
                            Text($"{stage.Course.Seconds:0.0}"),
                            stage.Course.TokensPerSecond is { } speed ? Text($"{speed:0}") : "-",
                            Text($"{stage.Course.PeakMemory / Mebibyte:0}"),
                        ]
                ),
            ]
        );

    /// <summary>The losses of held-out samples, stage by stage.</summary>
    public static TextTable Validation(IReadOnlyList<StageValidation> stages) =>
        new(
            ["stage", "task", "samples", "step", "loss, nats a token"],
            [
                .. stages.SelectMany(stage =>
                    stage.Points.Select(point =>
                        (IReadOnlyList<string>)
                            [
                                Text($"{stage.Stage}"),
                                stage.Name,
                                Text($"{point.Samples}"),
                                Text($"{point.Step}"),
                                Text($"{point.Loss:0.0000}"),
                            ]
                    )
                ),
            ]
        );

    /// <summary>Samples that an evaluator answered in a second, a row per stage; null where none is known.</summary>
    public static TextTable? Testing(RunReport report)
    {
        var known = report.Cells.Where(cell => cell.AnswerSeconds is > 0).ToList();
        return known.Count == 0
            ? null
            : new TextTable(
                ["after stage", .. report.Tasks],
                [
                    .. known
                        .GroupBy(cell => cell.Stage)
                        .OrderBy(row => row.Key)
                        .Select(row =>
                            (IReadOnlyList<string>)
                                [
                                    row.Key == 0 ? report.BaseName : Text($"{row.Key} {report.StageName(row.Key)}"),
                                    .. report.Tasks.Select(task =>
                                        row.FirstOrDefault(cell => cell.Task == task) is { } cell
                                            ? Text($"{cell.Scored.Samples / cell.AnswerSeconds!.Value:0.0}")
                                            : ""
                                    ),
                                ]
                        ),
                ]
            );
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
