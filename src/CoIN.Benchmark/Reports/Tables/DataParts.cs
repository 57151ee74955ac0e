using System.Globalization;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>Which part of its data a run used, as words.</summary>
internal static class DataParts
{
    /// <summary>E.g. <c>40 % of each task's, at most 2000 per task</c>, or <c>all</c>.</summary>
    public static string Training(DataOptions data)
    {
        string[] limits =
        [
            .. data.Volume < 1
                ? [$"{(100 * data.Volume).ToString("0.##", CultureInfo.InvariantCulture)} % of each task's"]
                : Array.Empty<string>(),
            .. data.MaxTrainSamples > 0
                ? [$"at most {data.MaxTrainSamples.ToString(CultureInfo.InvariantCulture)} per task"]
                : Array.Empty<string>(),
        ];
        var used = limits.Length == 0 ? "all" : string.Join(", ", limits);
        return data.Validation switch
        {
            0 => used,
            < 1 =>
                $"{used}; of these {(100 * data.Validation).ToString("0.##", CultureInfo.InvariantCulture)} % of each task's held out for a validation loss",
            _ => $"{used}; of these {data.Validation.ToString(CultureInfo.InvariantCulture)} of each task's held out for a validation loss",
        };
    }

    /// <summary>E.g. <c>at most 500 per task, drawn by the seed</c>, or <c>all</c>.</summary>
    public static string Test(DataOptions data) =>
        data.MaxTestSamples == 0
            ? "all"
            : $"at most {data.MaxTestSamples.ToString(CultureInfo.InvariantCulture)} per task, {(data.TestSubset == TestSubset.Seeded ? "drawn by the seed" : "the first of the file")}";
}
