using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Metrics;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Published;

/// <summary>
/// Reads the file of published results. Cells are named as people would: <c>GQA</c> (the column), <c>GQA after OCR-VQA</c>, <c>GQA
/// zero-shot</c>, <c>GQA multi-task</c>; a caveat that several results share is named by its key.
/// </summary>
internal static class PublishedFile
{
    /// <exception cref="FormatException">A cell, caveat or instruction type is named that there is not.</exception>
    public static IReadOnlyList<PublishedResult> Parse(string text)
    {
        var root = JObject.Parse(text);
        var shared = (JObject)root["caveats"]!;
        return [.. root["results"]!.Select(result => Result((JObject)result, shared))];
    }

    private static PublishedResult Result(JObject json, JObject shared)
    {
        var tasks = json["tasks"]!.ToObject<string[]>()!;
        return new PublishedResult(
            (string)json["name"]!,
            (string)json["title"]!,
            Setting((JObject)json["setting"]!),
            tasks,
            (string?)json["repository"],
            json["notes"]?.ToObject<string[]>() ?? [],
            [.. json["measures"]!.Select(measure => Measure((JObject)measure, tasks, shared))]
        );
    }

    private static PublishedSetting Setting(JObject json) =>
        new(
            (string)json["model"]!,
            (string)json["method"]!,
            InstructionTypes.Names.TryGetValue((string)json["instructions"]!, out var type)
                ? type
                : throw new FormatException($"{json["instructions"]}: no type"),
            (double)json["volume"]!,
            (int)json["rank"]!,
            (int?)json["experts"]
        );

    private static PublishedMeasure Measure(JObject json, string[] tasks, JObject shared) =>
        new(
            (string?)json["judge"],
            new AccuracyMatrix([.. json["matrix"]!.Select(row => (IReadOnlyList<double?>)row.ToObject<double?[]>()!)]),
            json["zeroShot"]?.ToObject<double?[]>() ?? [],
            json["multiTask"]?.ToObject<double?[]>() ?? [],
            ((JObject?)json["samples"])?.Properties().ToDictionary(one => Cell(one.Name, tasks), one => (int)one.Value) ?? [],
            json["printed"]?.Select(print => Print((JObject)print)).ToList() ?? [],
            json["caveats"]?.Select(caveat => Caveat((JObject)caveat, tasks, shared)).ToList() ?? []
        );

    private static PublishedPrint Print(JObject json) =>
        new(
            (string)json["table"]!,
            (string)json["row"]!,
            (double)json["maa"]!,
            (double)json["bwt"]!,
            (double?)json["zeroShotMean"],
            (double?)json["multiTaskMean"],
            (string?)json["deviation"]
        );

    private static PublishedCaveat Caveat(JObject json, string[] tasks, JObject shared) =>
        new(
            (string?)(json["use"] is { } key ? shared[(string)key!] : json["text"])
                ?? throw new FormatException($"{json["use"]}: no such caveat"),
            (bool?)json["unlike"] ?? false,
            [.. json["cells"]!.Select(cell => Cell((string)cell!, tasks))]
        );

    private static PublishedCell Cell(string name, string[] tasks)
    {
        var parts = name.Split(' ');
        return parts switch
        {
            [var task] => new PublishedCell(null, Place(task)),
            [var task, "zero-shot"] => new PublishedCell(PublishedMeasure.ZeroShotRow, Place(task)),
            [var task, "multi-task"] => new PublishedCell(PublishedMeasure.MultiTaskRow, Place(task)),
            [var task, "after", var stage] => new PublishedCell(Place(stage) + 1, Place(task)),
            _ => throw new FormatException($"{name}: no cell"),
        };

        int Place(string task) =>
            Array.IndexOf(tasks, task) is >= 0 and var place ? place : throw new FormatException($"{name}: no task {task}");
    }
}
