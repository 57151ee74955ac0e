using CoIN.Benchmark.Files;
using CoIN.Benchmark.Reports.Examples;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;
using CoIN.Benchmark.Runs;

namespace CoIN.Benchmark.Reports;

/// <summary>A run's report in all its forms.</summary>
public static class ReportFiles
{
    /// <summary>For programs.</summary>
    public const string Json = RunPaths.JsonReport;

    /// <summary>For people, as text.</summary>
    public const string Markdown = RunPaths.MarkdownReport;

    /// <summary>For people, as a page for a browser.</summary>
    public const string Html = RunPaths.HtmlReport;

    /// <summary>The matrix for spreadsheets.</summary>
    public const string Csv = "matrix.csv";

    /// <summary>Every cell by every measure, a row each.</summary>
    public const string Cells = "cells.csv";

    /// <summary>Name of the tables in the paper's shape: <c>table.md</c>, <c>.csv</c>, <c>.tex</c>, <c>.json</c>.</summary>
    public const string Table = "table";

    /// <summary>Writes the files into a run's folder or another one, replacing those that are there.</summary>
    /// <param name="folder">The run's folder, to which the paths in the report are relative.</param>
    /// <param name="data">Where examples come from; null for a report without.</param>
    /// <param name="target">The folder that they are written into; null for the run's.</param>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="CoinException">A file cannot be written, or one of scores or judgements cannot be read.</exception>
    public static IReadOnlyList<string> Write(string folder, RunReport report, ExampleData? data = null, string? target = null)
    {
        var results = RunResults.Of(report, folder);
        var table = PaperTable.Of(results);
        var examples = data is null ? [] : ExamplePicker.Pick(report, folder, data);
        return
        [
            Put(Markdown, MarkdownReport.Render(results)),
            Put(Html, HtmlReport.Render(results, examples)),
            Put(Json, JsonReport.Render(results)),
            Put(Csv, CsvMatrix.Render(results)),
            Put(Cells, CsvMatrix.RenderCells(results)),
            Put(Table + ".md", table.ToTable().ToMarkdown()),
            Put(Table + ".csv", table.ToExactTable().ToCsv()),
            Put(Table + ".tex", LatexTable.Render(table, report.Name, report.RunId)),
            Put(Table + ".json", PaperJson.Render(table, report.RunId)),
        ];

        string Put(string name, string text)
        {
            var path = Path.Combine(target ?? folder, name);
            Durable.WriteText(path, text);
            return path;
        }
    }
}
