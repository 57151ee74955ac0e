using System.Globalization;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports;

/// <summary>
/// The report for programs. Whatever depends on the clock stands under <c>provenance</c>, so that the rest of two runs of the same experiment
/// can be compared as it is.
/// </summary>
internal static class JsonReport
{
    public static string Render(RunReport report)
    {
        var root = new JObject
        {
            ["run"] = report.RunId,
            ["name"] = report.Name,
            ["method"] = ReportNames.Of(report.Method),
            ["seed"] = report.Seed,
            ["status"] = report.Status,
            ["baseModelSha256"] = report.BaseModelSha256,
            ["tasks"] = new JArray(report.Tasks),
            ["stages"] = new JArray(report.Stages.Select(Stage)),
            ["truthAlignment"] = new JObject { ["published"] = Published(report) },
            ["predictions"] = new JArray(report.Cells
                .OrderBy(cell => cell.Stage)
                .ThenBy(cell => report.Tasks.TakeWhile(task => task != cell.Task).Count())
                .Select(cell => new JObject
                {
                    ["stage"] = cell.Stage,
                    ["task"] = cell.Task,
                    ["samples"] = cell.Samples,
                    ["file"] = cell.PredictionsFile,
                    ["sha256"] = cell.PredictionsSha256,
                })),
            ["dataFiles"] = new JArray(report.DataFiles.Select(file => new JObject
            {
                ["task"] = file.Task,
                ["use"] = file.Use,
                ["file"] = file.File,
                ["sha256"] = file.Sha256,
                ["samplesUsed"] = file.SamplesUsed,
            })),
            ["provenance"] = new JObject
            {
                ["started"] = Time(report.Started),
                ["finished"] = Time(report.Finished),
                ["trainingSeconds"] = new JArray(report.Stages.Select(stage => stage.TrainingSeconds)),
                ["tokens"] = new JArray(report.Stages.Select(stage => stage.Tokens)),
            },
        };

        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        using var writer = new JsonTextWriter(text) { Formatting = Formatting.Indented };
        root.WriteTo(writer);
        return text.ToString() + "\n";
    }

    private static JObject Stage(StageReport stage, int index) => new()
    {
        ["stage"] = index + 1,
        ["task"] = stage.Task,
        ["adapterSha256"] = stage.AdapterSha256,
        ["projectorSha256"] = stage.ProjectorSha256,
        ["steps"] = stage.Steps,
        ["finalLoss"] = stage.FinalLoss,
        ["schedule"] = new JObject
        {
            ["learningRate"] = stage.Schedule.LearningRate,
            ["kind"] = ReportNames.Of(stage.Schedule.Kind),
            ["warmupSteps"] = stage.Schedule.WarmupSteps,
            ["totalSteps"] = stage.Schedule.TotalSteps,
            ["globalBatchSize"] = stage.Schedule.GlobalBatchSize,
        },
    };

    private static JObject Published(RunReport report)
    {
        var matrix = report.Matrix();
        var published = new JObject
        {
            ["matrix"] = Square(report, (stage, task) => matrix[stage, task]),
            ["samples"] = Square(report, (stage, task) => report.Cell(stage + 1, report.Tasks[task])?.Samples),
            ["maa"] = matrix.Maa,
            ["bwt"] = matrix.Bwt,
        };
        if (report.Method == Method.ZeroShot)
        {
            published["zeroShot"] = new JArray(report.Tasks.Select(task => report.Cell(0, task)?.AccuracyPercent));
            published["zeroShotSamples"] = new JArray(report.Tasks.Select(task => report.Cell(0, task)?.Samples));
        }

        return published;
    }

    /// <summary>T rows of T, null above the diagonal.</summary>
    private static JArray Square<T>(RunReport report, Func<int, int, T?> cell)
        where T : struct
    {
        var places = Enumerable.Range(0, report.Tasks.Count).ToList();
        return new JArray(places.Select(stage => new JArray(places.Select(task => task <= stage ? cell(stage, task) : null))));
    }

    private static string? Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
