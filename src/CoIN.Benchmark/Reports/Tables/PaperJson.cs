using CoIN.Benchmark.Metrics;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>The paper's shape for programs.</summary>
internal static class PaperJson
{
    public static string Render(PaperTable table, string runId) =>
        JsonText.Of(
            new JObject
            {
                ["run"] = runId,
                ["tasks"] = new JArray(table.Tasks),
                ["rows"] = new JArray(table.Rows.Select(Row)),
            }
        );

    private static JObject Row(PaperRow row)
    {
        var json = new JObject
        {
            ["measure"] = row.Measure.Key,
            ["title"] = row.Measure.Title,
            ["row"] = row.When,
            ["accuracies"] = new JArray(row.Cells),
            ["maa"] = row.Maa,
            ["bwt"] = row.Bwt,
        };
        if (row.Measure.Matrix.IsJoint)
        {
            json["undefined"] = new JObject { ["bwt"] = AccuracyMatrix.WhyNoTransfer };
        }

        return json;
    }
}
