using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Tables;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>A comparison for programs: unrounded, null where nothing is known.</summary>
internal static class ComparisonJson
{
    public static string Render(RunComparison comparison) =>
        JsonText.Of(
            new JObject
            {
                ["runs"] = new JArray(
                    comparison.Results.Select(run => new JObject
                    {
                        ["run"] = run.Report.RunId,
                        ["method"] = run.Report.Method,
                        ["seed"] = run.Report.Seed,
                        ["status"] = run.Report.Status,
                        ["tasks"] = new JArray(run.Report.Tasks),
                    })
                ),
                ["tasks"] = new JArray(comparison.Tasks),
                ["warnings"] = new JArray(comparison.Warnings),
                ["seeds"] = new JArray(comparison.Seeds.Select(group => new JArray(group.Runs.Select(run => run.Report.RunId)))),
                ["measures"] = new JArray(
                    comparison.Measures.Select(measure => new JObject
                    {
                        ["measure"] = measure.Title,
                        ["rows"] = new JArray(
                            from run in comparison.Results
                            from one in run.Measures
                            where one.Title == measure.Title
                            from row in ComparedRow.Of(run, one, comparison.Tasks)
                            select new JObject
                            {
                                ["run"] = run.Report.RunId,
                                ["row"] = row.When,
                                ["accuracies"] = new JArray(row.Values),
                                ["maa"] = row.Maa,
                                ["bwt"] = row.Bwt,
                            }
                        ),
                        ["differences"] = new JArray(
                            measure.Differences.Select(one => new JObject
                            {
                                ["run"] = one.Run,
                                ["from"] = one.From,
                                ["row"] = one.When,
                                ["accuracies"] = new JArray(one.Values.SkipLast(2)),
                                ["maa"] = one.Values[^2],
                                ["bwt"] = one.Values[^1],
                                ["intervals"] = new JArray(one.Intervals.SkipLast(2).Select(Pair)),
                                ["maaInterval"] = Pair(one.Intervals[^2]),
                                ["bwtInterval"] = Pair(one.Intervals[^1]),
                            })
                        ),
                    })
                ),
                ["factors"] = new JArray(
                    comparison.Factors.Select(table => new JObject
                    {
                        ["factor"] = table.Factor,
                        ["at"] = table.At,
                        ["measure"] = table.Measure,
                        ["rows"] = new JArray(
                            table.Rows.Select(row => new JObject
                            {
                                ["value"] = row.Value,
                                ["row"] = row.When,
                                ["runs"] = new JArray(row.Runs),
                                ["accuracies"] = new JArray(row.Cells.SkipLast(2).Select(cell => cell?.Mean)),
                                ["maa"] = row.Cells[^2]?.Mean,
                                ["bwt"] = row.Cells[^1]?.Mean,
                                ["deviations"] = new JArray(row.Cells.SkipLast(2).Select(cell => cell?.Deviation)),
                                ["maaDeviation"] = row.Cells[^2]?.Deviation,
                                ["bwtDeviation"] = row.Cells[^1]?.Deviation,
                            })
                        ),
                    })
                ),
                ["settings"] = new JArray(
                    comparison.Settings.Rows.Select(row => new JObject
                    {
                        ["setting"] = row[0],
                        ["values"] = new JObject(comparison.Runs.Zip(row.Skip(1), (run, value) => new JProperty(run, value))),
                    })
                ),
                ["published"] = new JArray(comparison.Besides.Select(PublishedJson.Of)),
            }
        );

    private static JToken Pair(Interval? interval) => interval is { } known ? new JArray(known.Low, known.High) : JValue.CreateNull();
}
