using System.Globalization;
using System.Text;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Reports;

/// <summary>The report for people.</summary>
internal static class MarkdownReport
{
    public static string Render(RunReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {report.Name}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Run `{report.RunId}`, {report.Status}.\n\n");
        if (report.Method == Method.ZeroShot)
        {
            AddZeroShot(text, report);
        }
        else
        {
            AddMatrix(text, report);
            AddStages(text, report);
        }

        AddSettings(text, report);
        AddSamples(text, report);
        AddHashes(text, report);
        return text.ToString();
    }

    private static void AddZeroShot(StringBuilder text, RunReport report)
    {
        text.Append("## Truth Alignment of the untrained model, percent\n\n");
        AddTable(text, report.Tasks, [[.. report.Tasks.Select(task => MatrixText.Percent(report.Cell(0, task)?.AccuracyPercent))]]);
    }

    private static void AddMatrix(StringBuilder text, RunReport report)
    {
        var matrix = report.Matrix();
        text.Append("## Truth Alignment, percent\n\nRows: after which stage. Columns: tested on which task. Scored by the published rules.\n\n");
        AddTable(text, ["after", .. report.Tasks], [.. report.Tasks.Select((task, stage) =>
            (IReadOnlyList<string>)[$"{stage + 1} {task}", .. report.Tasks.Select((_, column) => column <= stage ? MatrixText.Percent(matrix[stage, column]) : "")])]);
        AddTable(text, ["", .. report.Tasks],
        [
            ["just trained", .. matrix.JustTrained.Select(MatrixText.Percent)],
            ["final", .. matrix.Final.Select(MatrixText.Percent)],
        ]);
        text.Append(CultureInfo.InvariantCulture, $"- MAA, mean average accuracy: {MatrixText.Percent(matrix.Maa)} %\n");
        text.Append(CultureInfo.InvariantCulture, $"- BWT, backward transfer (divided by the number of tasks): {MatrixText.Percent(matrix.Bwt)} points\n\n");
    }

    private static void AddStages(StringBuilder text, RunReport report)
    {
        text.Append("## Training\n\n");
        AddTable(
            text,
            ["stage", "task", "steps", "global batch", "learning rate", "schedule", "warmup steps", "total steps", "final loss", "tokens", "seconds"],
            [.. report.Stages.Select((stage, index) => (IReadOnlyList<string>)
            [
                Text(index + 1), stage.Task, Text(stage.Steps), Text(stage.Schedule.GlobalBatchSize), Text(stage.Schedule.LearningRate),
                ReportNames.Of(stage.Schedule.Kind), Text(stage.Schedule.WarmupSteps), Text(stage.Schedule.TotalSteps),
                stage.FinalLoss.ToString("0.0000", CultureInfo.InvariantCulture), Text(stage.Tokens),
                stage.TrainingSeconds.ToString("0.0", CultureInfo.InvariantCulture),
            ])]);
    }

    private static void AddSettings(StringBuilder text, RunReport report)
    {
        text.Append("## Settings\n\n");
        AddTable(text, ["setting", "value"],
        [
            ["method", ReportNames.Of(report.Method)],
            ["seed", Text(report.Seed)],
            ["tasks", string.Join(", ", report.Tasks)],
            ["base model SHA-256", report.BaseModelSha256],
            ["started", Time(report.Started)],
            ["finished", Time(report.Finished)],
        ]);
    }

    private static void AddSamples(StringBuilder text, RunReport report)
    {
        text.Append("## Data\n\n");
        AddTable(text, ["task", "use", "file", "samples used", "SHA-256"],
            [.. report.DataFiles.Select(file => (IReadOnlyList<string>)[file.Task, file.Use, file.File, Text(file.SamplesUsed), file.Sha256])]);
        text.Append("Predictions, and how many samples each accuracy was computed on:\n\n");
        AddTable(text, ["stage", "task", "accuracy", "samples", "file", "SHA-256"],
            [.. report.Cells.OrderBy(cell => cell.Stage).ThenBy(cell => report.Tasks.TakeWhile(task => task != cell.Task).Count()).Select(cell =>
                (IReadOnlyList<string>)
                [
                    Text(cell.Stage), cell.Task, MatrixText.Percent(cell.AccuracyPercent), Text(cell.Samples), cell.PredictionsFile, cell.PredictionsSha256,
                ])]);
    }

    private static void AddHashes(StringBuilder text, RunReport report)
    {
        if (report.Stages.Count > 0)
        {
            text.Append("## Adapters, SHA-256\n\n");
            AddTable(text, ["stage", "task", "adapter", "projector"],
                [.. report.Stages.Select((stage, index) =>
                    (IReadOnlyList<string>)[Text(index + 1), stage.Task, stage.AdapterSha256, stage.ProjectorSha256 ?? "not trained"])]);
        }
    }

    private static void AddTable(StringBuilder text, IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        AddRow(header);
        AddRow([.. header.Select(_ => "---")]);
        foreach (var row in rows)
        {
            AddRow(row);
        }

        text.Append('\n');

        void AddRow(IReadOnlyList<string> cells) =>
            text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "-";
}
