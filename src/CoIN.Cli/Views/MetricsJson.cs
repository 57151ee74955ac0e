using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Tables;
using CoIN.Benchmark.Scoring;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Views;

/// <summary>The numbers of matrices, for programs. Nothing is rounded; what is not known is null.</summary>
internal static class MetricsJson
{
    public static string Render(IReadOnlyList<NamedResults> matrices, IReadOnlyList<(ScoringKind? Scoring, SeedSummary Summary)> seeds) =>
        JsonText.Of(new JObject { ["matrices"] = new JArray(matrices.Select(Matrix)), ["seeds"] = new JArray(seeds.Select(Seeds)) });

    private static JObject Matrix(NamedResults named)
    {
        var (measured, results) = (named.Results.Measured, named.Results);
        return new JObject
        {
            ["file"] = named.Name,
            ["scoring"] = named.Scoring?.ToString().ToLowerInvariant(),
            ["tasks"] = new JArray(measured.Tasks),
            ["matrix"] = new JArray(measured.Matrix.Rows.Select(row => new JArray(row))),
            ["zeroShot"] = measured.ZeroShot.Count > 0 ? new JArray(measured.ZeroShot) : null,
            ["metrics"] = Named(results.Values, value => value),
            ["intervals"] = Named(results.Intervals, Interval),
            ["cellIntervals"] = new JArray(
                measured.Matrix.Rows.Select(
                    (row, stage) => new JArray(row.Select((_, task) => Interval(results.CellInterval(stage + 1, task))))
                )
            ),
        };
    }

    private static JObject Seeds((ScoringKind? Scoring, SeedSummary Summary) seeds) =>
        new()
        {
            ["scoring"] = seeds.Scoring?.ToString().ToLowerInvariant(),
            ["tasks"] = new JArray(seeds.Summary.Tasks),
            ["matrix"] = new JArray(seeds.Summary.Cells.Select(row => new JArray(row.Select(Spread)))),
            ["metrics"] = Named(seeds.Summary.Metrics, Spread),
        };

    private static JObject Named<T>(MetricSet<T> set, Func<T, JToken?> token) =>
        new(set.Named.Select(metric => new JProperty(metric.Name, token(metric.Value))));

    private static JToken? Interval(Interval? interval) => interval is { } known ? new JArray(known.Low, known.High) : JValue.CreateNull();

    private static JToken? Spread(MeanDeviation? value) =>
        value is { } known
            ? new JObject
            {
                ["mean"] = known.Mean,
                ["deviation"] = known.Deviation,
                ["runs"] = known.Runs,
            }
            : JValue.CreateNull();
}
