using System.Globalization;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>What somebody needs who wants to find a run's numbers again.</summary>
internal static class ProvenanceTables
{
    private const int SkippedShown = 50;

    public static TextTable Settings(RunReport report) => new(
        ["setting", "value"],
        [
            ["method", report.Method],
            ["seed", Text(report.Seed)],
            ["tasks", string.Join(", ", report.Tasks)],
            .. report.Options is { } options
                ? [["training samples", DataParts.Training(options.Data)], ["test samples", DataParts.Test(options.Data)]]
                : Array.Empty<IReadOnlyList<string>>(),
            .. report.Model is { } model
                ? [["base model", $"{model.Name}, {Text(model.Layers)} layers of width {Text(model.HiddenSize)}"]]
                : Array.Empty<IReadOnlyList<string>>(),
            ["base model SHA-256", report.BaseModelSha256.Length > 0 ? report.BaseModelSha256 : "-"],
            .. report.GivenAdapterSha256 is { } adapter
                ? [["adapter given (lora.from)", report.Options?.Lora.From ?? "-"], ["given adapter SHA-256", adapter]]
                : Array.Empty<IReadOnlyList<string>>(),
            ["started", Time(report.Started)],
            ["finished", Time(report.Finished)],
            .. report.Driven is { } driven
                ? [["time it took, without pauses", driven.ToString(driven.Days > 0 ? "d\\.hh\\:mm\\:ss" : "h\\:mm\\:ss", CultureInfo.InvariantCulture)]]
                : Array.Empty<IReadOnlyList<string>>(),
            .. report.JudgingFaults.Select(fault => (IReadOnlyList<string>)[$"judge {fault.Key}", $"failed: {fault.Value}"]),
            ["report written by", $"CoIN.Actors {ProductVersion.Current}"],
        ]);

    public static TextTable Stages(RunReport report) => new(
        ["stage", "task", "steps", "global batch", "learning rate", "schedule", "warmup steps", "total steps", "final loss", "tokens", "seconds"],
        [.. report.Stages.Select((stage, index) => (IReadOnlyList<string>)
        [
            Text(index + 1), stage.Task, Text(stage.Steps), Text(stage.Schedule.GlobalBatchSize), Text(stage.Schedule.LearningRate),
            ReportNames.Of(stage.Schedule.Kind), Text(stage.Schedule.WarmupSteps), Text(stage.Schedule.TotalSteps),
            stage.FinalLoss.ToString("0.0000", CultureInfo.InvariantCulture), Text(stage.Tokens),
            stage.TrainingSeconds.ToString("0.0", CultureInfo.InvariantCulture),
        ])]);

    public static TextTable DataFiles(RunReport report) => new(
        ["task", "use", "file", "samples used", "SHA-256"],
        [.. report.DataFiles.Select(file => (IReadOnlyList<string>)[file.Task, file.Use, file.File, Text(file.SamplesUsed), file.Sha256])]);

    public static TextTable Predictions(RunReport report) => new(
        ["stage", "task", "published accuracy", "samples", "file", "SHA-256"],
        [.. JsonReport.InOrder(report).Select(cell => (IReadOnlyList<string>)
        [
            Text(cell.Stage), cell.Task, MatrixText.Percent(cell.AccuracyPercent), cell.Skipped > 0 ? $"{Text(cell.Samples)} ({Text(cell.Skipped)} skipped)" : Text(cell.Samples),
            cell.PredictionsFile, cell.PredictionsSha256,
        ])]);

    /// <summary>Samples that were left out; the JSON report has all of them.</summary>
    public static TextTable Skipped(RunReport report) => new(
        ["task", "use", "sample", "image", "what is wrong with it"],
        [.. report.Skipped.Take(SkippedShown).Select(sample => (IReadOnlyList<string>)[sample.Task, sample.Use, sample.Sample, sample.Image, sample.Reason ?? "-"])]);

    /// <summary>How many samples were left out, as a sentence.</summary>
    public static string SkippedSentence(RunReport report) =>
        $"{Text(report.Skipped.Count)} sample{(report.Skipped.Count == 1 ? " was" : "s were")} left out, as {(report.Skipped.Count == 1 ? "its image" : "their images")} cannot be used "
        + "(data.bad-samples = skip)"
        + (report.Skipped.Count > SkippedShown ? $"; the first {Text(SkippedShown)} of them, the others are in the JSON report:" : ":");

    public static TextTable Adapters(RunReport report) => new(
        ["stage", "task", "adapter", "projector"],
        [.. report.Stages.Select((stage, index) => (IReadOnlyList<string>)
            [Text(index + 1), stage.Task, stage.AdapterSha256, stage.ProjectorSha256 ?? "not trained"])]);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "-";
}
