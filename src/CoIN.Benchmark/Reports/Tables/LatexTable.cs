using System.Text;
using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>A group of rows of a LaTeX table under one heading.</summary>
internal sealed record LatexGroup(string Title, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>
/// Tables for LaTeX with the package booktabs. A file can be <c>\input</c> into a document, and compiles on its own as well: it brings a
/// preamble where none was.
/// </summary>
internal static class LatexTable
{
    private const string Head = """
        % \input this file into a document that uses the package booktabs, or compile it as it is to look at it.
        \expandafter\ifx\csname @nodocument\endcsname\relax\let\CoinTableEnd\relax\else
        \documentclass[a4paper,10pt]{article}
        \usepackage[T1]{fontenc}
        \usepackage[landscape,margin=1.5cm]{geometry}
        \usepackage{booktabs}
        \def\CoinTableEnd{\end{document}}
        \begin{document}
        \fi

        """;

    /// <summary>Renders a floating table.</summary>
    /// <param name="caption">Above the table, as text.</param>
    /// <param name="label">For <c>\ref</c>.</param>
    /// <param name="header">Names of the columns; the first is set to the left, the others to the right.</param>
    /// <param name="groups">Rows, each as long as the header; a rule between groups.</param>
    public static string Render(string caption, string label, IReadOnlyList<string> header, IReadOnlyList<LatexGroup> groups)
    {
        var text = new StringBuilder(Head);
        text.Append("\\begin{table}[htbp]\n\\centering\n\\footnotesize\n\\setlength{\\tabcolsep}{4pt}\n");
        text.Append("\\caption{").Append(Escape(caption)).Append("}\n\\label{tab:").Append(Label(label)).Append("}\n\\smallskip\n");

        // A table wider than the text stands in its middle, instead of in the right margin.
        text.Append("\\makebox[\\linewidth][c]{%\n\\begin{tabular}{l").Append('r', header.Count - 1).Append("}\n\\toprule\n");
        AddRow(header);
        foreach (var group in groups)
        {
            text.Append("\\midrule\n");
            if (group.Title.Length > 0)
            {
                text.Append("\\multicolumn{").Append(header.Count).Append("}{l}{\\textit{").Append(Escape(group.Title)).Append("}} \\\\\n");
            }

            foreach (var row in group.Rows)
            {
                AddRow(row);
            }
        }

        return text.Append("\\bottomrule\n\\end{tabular}}\n\\end{table}\n\\CoinTableEnd\n").ToString();

        void AddRow(IReadOnlyList<string> cells) => text.AppendJoin(" & ", cells.Select(Cell)).Append(" \\\\\n");
    }

    /// <summary>A run in the paper's shape.</summary>
    public static string Render(PaperTable table, string runName, string runId) =>
        Render(
            table.Rows.Any(row => row.Measure.Matrix.IsJoint)
                ? $"{runName}: accuracy in percent on each task after all were learned at once; MAA in percent, BWT {AccuracyMatrix.WhyNoTransfer}."
                : $"{runName}: accuracy in percent on each task just after it was trained and at the end of the run; MAA in percent, BWT in points.",
            "coin-" + runId,
            ["", .. table.Tasks, "MAA", "BWT"],
            [
                .. table
                    .Rows.GroupBy(row => row.Measure.Title)
                    .Select(group => new LatexGroup(
                        group.Key,
                        [
                            .. group.Select(row =>
                                (IReadOnlyList<string>)
                                    [
                                        row.When,
                                        .. row.Cells.Select(MatrixText.Percent),
                                        row.When == PaperTable.Final ? MatrixText.Percent(row.Maa) : "",
                                        row.When == PaperTable.Final ? PaperTable.Transfer(row) : "",
                                    ]
                            ),
                        ]
                    )),
            ]
        );

    /// <summary>A minus sign instead of a hyphen before numbers.</summary>
    private static string Cell(string text) =>
        text.Length > 1 && text[0] == '-' && char.IsAsciiDigit(text[1]) ? $"$-${Escape(text[1..])}"
        : text is "-" or "–" ? "--"
        : Escape(text);

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in text)
        {
            escaped.Append(
                c switch
                {
                    '\\' => "\\textbackslash{}",
                    '~' => "\\textasciitilde{}",
                    '^' => "\\textasciicircum{}",
                    '&' or '%' or '$' or '#' or '_' or '{' or '}' => "\\" + c,
                    '−' => "$-$",
                    '±' => "$\\pm$",
                    '…' => "\\ldots{}",
                    '\r' or '\n' => " ",
                    _ => c.ToString(),
                }
            );
        }

        return escaped.ToString();
    }

    private static string Label(string text) => string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '-'));
}
