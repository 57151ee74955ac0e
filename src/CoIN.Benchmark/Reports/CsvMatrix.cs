using System.Globalization;
using System.Text;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Reports;

/// <summary>The accuracy matrix as comma-separated values (RFC 4180, but with line feeds), unrounded; empty where nothing is known.</summary>
internal static class CsvMatrix
{
    public static string Render(RunReport report)
    {
        var text = new StringBuilder();
        AddLine(["stage", "after", .. report.Tasks]);
        if (report.Method == Method.ZeroShot)
        {
            AddLine(["0", "", .. report.Tasks.Select(task => Number(report.Cell(0, task)?.AccuracyPercent))]);
            return text.ToString();
        }

        var matrix = report.Matrix();
        for (var stage = 0; stage < matrix.Tasks; stage++)
        {
            var cells = Enumerable.Range(0, matrix.Tasks).Select(task => task <= stage ? Number(matrix[stage, task]) : "");
            AddLine([(stage + 1).ToString(CultureInfo.InvariantCulture), report.Tasks[stage], .. cells]);
        }

        return text.ToString();

        void AddLine(IEnumerable<string> fields) => text.AppendJoin(',', fields.Select(Quote)).Append('\n');
    }

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string Quote(string field) => field.AsSpan().ContainsAny(",\"\r\n")
        ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
        : field;
}
