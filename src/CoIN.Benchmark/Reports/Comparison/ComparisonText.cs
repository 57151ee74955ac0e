using System.Text;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>Forms in which runs are put side by side.</summary>
public enum ComparisonFormat
{
    /// <summary>Aligned text for a screen.</summary>
    Text,

    /// <summary>Markdown.</summary>
    Markdown,

    /// <summary>Comma-separated values.</summary>
    Csv,

    /// <summary>LaTeX with booktabs.</summary>
    Latex,

    /// <summary>A page for a browser.</summary>
    Html,
}

/// <summary>Renders runs side by side.</summary>
public static class ComparisonText
{
    private const string Explanation = "Percent; MAA in percent, BWT in points. Rows of differences are in points.";

    /// <summary>Compares runs and renders that in each of several forms.</summary>
    /// <param name="runs">Two or more; the first one is what the others are compared with.</param>
    /// <exception cref="CoinException">A run is given twice, or there are fewer than two.</exception>
    public static IReadOnlyDictionary<ComparisonFormat, string> Render(IReadOnlyList<ReportedRun> runs, IEnumerable<ComparisonFormat> formats)
    {
        var comparison = RunComparison.Of(runs);
        return formats.Distinct().ToDictionary(format => format, format => format switch
        {
            ComparisonFormat.Markdown => Markdown(comparison),
            ComparisonFormat.Csv => Csv(comparison),
            ComparisonFormat.Latex => Latex(comparison),
            ComparisonFormat.Html => Html(comparison),
            _ => Plain(comparison),
        });
    }

    /// <summary>The name of the file that holds a form.</summary>
    public static string FileName(ComparisonFormat format) => "comparison" + format switch
    {
        ComparisonFormat.Markdown => ".md",
        ComparisonFormat.Csv => ".csv",
        ComparisonFormat.Latex => ".tex",
        ComparisonFormat.Html => ".html",
        _ => ".txt",
    };

    private static string Plain(RunComparison comparison)
    {
        var text = new StringBuilder();
        foreach (var warning in comparison.Warnings)
        {
            text.Append("Warning: ").Append(warning).Append('\n');
        }

        foreach (var measure in comparison.Measures)
        {
            text.Append(text.Length > 0 ? "\n" : "").Append(measure.Title).Append('\n').Append(Table(comparison, measure).ToText());
        }

        if (comparison.Differences.Rows.Count > 0)
        {
            text.Append("\nSettings that differ\n").Append(comparison.Differences.ToText());
        }

        return text.ToString();
    }

    private static string Markdown(RunComparison comparison)
    {
        var text = new StringBuilder().Append("# ").AppendJoin(", ", comparison.Runs).Append("\n\n").Append(Explanation).Append("\n\n");
        foreach (var warning in comparison.Warnings)
        {
            text.Append("> **Warning:** ").Append(warning).Append("\n\n");
        }

        foreach (var measure in comparison.Measures)
        {
            text.Append("## ").Append(measure.Title).Append("\n\n").Append(Table(comparison, measure).ToMarkdown());
        }

        if (comparison.Differences.Rows.Count > 0)
        {
            text.Append("## Settings that differ\n\n").Append(comparison.Differences.ToMarkdown());
        }

        return text.ToString();
    }

    private static string Csv(RunComparison comparison) => new TextTable(
        ["measure", .. comparison.Header],
        [.. comparison.Measures.SelectMany(measure => Table(comparison, measure).Rows.Select(row => (IReadOnlyList<string>)[measure.Title, .. row]))]).ToCsv();

    private static string Latex(RunComparison comparison) => LatexTable.Render(
        "Accuracy in percent on each task just after it was trained and at the end of the run; MAA in percent, BWT and differences in points.",
        "coin-" + string.Join('-', comparison.Runs), comparison.Header,
        [.. comparison.Measures.SelectMany(measure => measure.Groups.Select((group, place) => place == 0 ? group with { Title = measure.Title } : group))]);

    private static string Html(RunComparison comparison)
    {
        var warnings = Markup.Join(comparison.Warnings.Select(warning => Markup.Of($"<p class=\"warning\">{warning}</p>")));
        var measures = Markup.Join(comparison.Measures.Select((measure, place) =>
            Page.Section(FormattableString.Invariant($"measure-{place + 1}"), measure.Title, Page.Table(Table(comparison, measure), 2))));
        var settings = comparison.Differences.Rows.Count > 0
            ? Page.Section("settings", "Settings that differ", Page.Table(comparison.Differences, comparison.Differences.Header.Count))
            : Markup.Empty;
        return Page.Render(string.Join(", ", comparison.Runs), Markup.Of($"""
            <header>
            <h1>{string.Join(", ", comparison.Runs)}</h1>
            <p class="lead">{comparison.Runs.Count} runs side by side. {Explanation}</p>
            {warnings}
            </header>
            {measures}
            {settings}
            """));
    }

    private static TextTable Table(RunComparison comparison, ComparedMeasure measure) =>
        new(comparison.Header, [.. measure.Groups.SelectMany(group => group.Rows)]);
}
