using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Reports;

/// <summary>A run's report in three forms: for programs, for people, for spreadsheets.</summary>
public static class ReportFiles
{
    public const string Json = "report.json";

    public const string Markdown = "report.md";

    public const string Csv = "matrix.csv";

    /// <summary>Writes the three files into a folder, replacing those that are there.</summary>
    /// <exception cref="CoinException">A file cannot be written.</exception>
    public static void Write(string folder, RunReport report)
    {
        Durable.WriteText(Path.Combine(folder, Json), JsonReport.Render(report));
        Durable.WriteText(Path.Combine(folder, Markdown), MarkdownReport.Render(report));
        Durable.WriteText(Path.Combine(folder, Csv), CsvMatrix.Render(report));
    }
}
