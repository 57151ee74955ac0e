using System.Text;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>A table of texts, to be written in one of the forms that programs and people read.</summary>
/// <param name="Header">Names of the columns.</param>
/// <param name="Rows">Each as long as the header.</param>
internal sealed record TextTable(IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>GitHub's Markdown, followed by an empty line.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        AddRow(Header);
        AddRow([.. Header.Select(_ => "---")]);
        foreach (var row in Rows)
        {
            AddRow(row);
        }

        return text.Append('\n').ToString();

        void AddRow(IReadOnlyList<string> cells) =>
            text.Append("| ")
                .AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ")))
                .Append(" |\n");
    }

    /// <summary>Comma-separated values (RFC 4180, but with line feeds).</summary>
    public string ToCsv()
    {
        var text = new StringBuilder();
        foreach (var row in Rows.Prepend(Header))
        {
            text.AppendJoin(',', row.Select(Quote)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Aligned columns for a screen: the first one to the left, the others to the right.</summary>
    public string ToText()
    {
        var widths = Header.Select((name, column) => Rows.Select(row => row[column].Length).Append(name.Length).Max()).ToList();
        var text = new StringBuilder();
        foreach (var row in Rows.Prepend(Header))
        {
            var cells = row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }

        return text.ToString();
    }

    private static string Quote(string field) =>
        field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
}
