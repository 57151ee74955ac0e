using System.Text;
using CoIN.Benchmark.Reports.Html;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports;

/// <summary>
/// Headings, texts and tables in their order, to be written as text, Markdown or a page. A table may have a picture of its own for the
/// page.
/// </summary>
internal sealed class Sheet
{
    private readonly List<Block> blocks = [];

    private enum Kind
    {
        Heading,
        Text,
        Items,
        Warnings,
        Table,
    }

    /// <summary>Begins a section of the page.</summary>
    public void AddHeading(string text, int level = 2) => blocks.Add(new Block(Kind.Heading, [text], level, null, null, null));

    /// <summary>A paragraph.</summary>
    public void AddText(string text) => blocks.Add(new Block(Kind.Text, [text], 0, null, null, null));

    /// <summary>A list; nothing where it is empty.</summary>
    public void AddItems(IReadOnlyList<string> texts) => blocks.Add(new Block(Kind.Items, texts, 0, null, null, null));

    /// <summary>Warnings, in one box of the page that can be folded up; nothing where there are none.</summary>
    public void AddWarnings(IReadOnlyList<string> texts) => blocks.Add(new Block(Kind.Warnings, texts, 0, null, null, null));

    /// <summary>A table.</summary>
    /// <param name="numbersFrom">0-based column from which on there are numbers.</param>
    /// <param name="page">What the page has instead; null for the table.</param>
    /// <param name="plain">What text and Markdown have instead, where the table is too wide for them; null for the table.</param>
    public void AddTable(TextTable table, int numbersFrom = 1, Markup? page = null, IReadOnlyList<TextTable>? plain = null) =>
        blocks.Add(new Block(Kind.Table, [], numbersFrom, table, page, plain));

    /// <summary>Something that the page alone has.</summary>
    public void AddPicture(Markup page) => blocks.Add(new Block(Kind.Table, [], 0, null, page, null));

    /// <summary>As lines for a screen.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        foreach (var block in blocks)
        {
            switch (block.Kind)
            {
                case Kind.Heading:
                    text.Append(text.Length > 0 ? "\n" : "").Append(block.Texts[0]).Append('\n');
                    break;
                case Kind.Text:
                    text.Append(Wrapped(block.Texts[0], ""));
                    break;
                case Kind.Items:
                    text.Append(string.Concat(block.Texts.Select(item => Wrapped(item, "  "))));
                    break;
                case Kind.Warnings:
                    text.Append(string.Concat(block.Texts.Select(warning => $"Warning: {warning}\n")));
                    break;
                default:
                    text.Append(string.Concat(block.Plain.Select(table => table.ToText())));
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>As Markdown of its own.</summary>
    /// <param name="title">The first heading.</param>
    public string ToMarkdown(string title) => $"# {title}\n\n{ToMarkdown()}";

    /// <summary>As a piece of Markdown.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (var block in blocks)
        {
            switch (block.Kind)
            {
                case Kind.Heading:
                    text.Append('#', block.Number).Append(' ').Append(block.Texts[0]).Append("\n\n");
                    break;
                case Kind.Text:
                    text.Append(block.Texts[0]).Append("\n\n");
                    break;
                case Kind.Items when block.Texts.Count > 0:
                    text.Append(string.Concat(block.Texts.Select(item => $"- {item}\n"))).Append('\n');
                    break;
                case Kind.Warnings:
                    text.Append(string.Concat(block.Texts.Select(warning => $"> **Warning:** {warning}\n\n")));
                    break;
                case Kind.Table:
                    text.Append(string.Concat(block.Plain.Select(table => table.ToMarkdown())));
                    break;
                default:
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>As a page of its own.</summary>
    /// <param name="title">Of the page.</param>
    /// <param name="lead">A sentence below it.</param>
    public string ToPage(string title, string lead) =>
        Page.Render(
            title,
            Markup.Of(
                $"""
                <header>
                <h1>{title}</h1>
                <p class="lead">{lead}</p>
                </header>
                {ToMarkup()}
                """
            )
        );

    /// <summary>As a piece of a page.</summary>
    public Markup ToMarkup() => Markup.Join(blocks.Select(OfBlock));

    /// <summary>Lines of at most so many characters, the second and further ones set in by four.</summary>
    private static string Wrapped(string text, string before)
    {
        const int Width = 120;
        var (lines, line) = (new StringBuilder(), new StringBuilder(before));
        foreach (var word in text.Split(' '))
        {
            if (line.Length + word.Length >= Width && line.ToString().Trim().Length > 0)
            {
                lines.Append(line.ToString().TrimEnd()).Append('\n');
                line.Clear().Append(before).Append(before.Length > 0 ? "    " : "");
            }

            line.Append(word).Append(' ');
        }

        return lines.Append(line.ToString().TrimEnd()).Append('\n').ToString();
    }

    private static Markup OfBlock(Block block) =>
        block.Kind switch
        {
            Kind.Heading => Markup.Of($"<h{block.Number}>{block.Texts[0]}</h{block.Number}>"),
            Kind.Text => Markup.Of($"<p>{block.Texts[0]}</p>"),
            Kind.Items => block.Texts.Count == 0
                ? Markup.Empty
                : Markup.Of($"<ul class=\"note\">\n{Markup.Join(block.Texts.Select(item => Markup.Of($"<li>{item}</li>")))}\n</ul>"),
            Kind.Warnings => block.Texts.Count == 0
                ? Markup.Empty
                : Markup.Of(
                    $"""
                    <details class="warning" open><summary>{(
                        block.Texts.Count == 1 ? "1 warning" : FormattableString.Invariant($"{block.Texts.Count} warnings")
                    )}</summary>
                    <ul>
                    {Markup.Join(block.Texts.Select(warning => Markup.Of($"<li>{warning}</li>")))}
                    </ul></details>
                    """
                ),
            _ => block.Page ?? Page.Table(block.Table!, block.Number),
        };

    /// <param name="Number">A heading's level, or a table's first column of numbers.</param>
    private sealed record Block(
        Kind Kind,
        IReadOnlyList<string> Texts,
        int Number,
        TextTable? Table,
        Markup? Page,
        IReadOnlyList<TextTable>? Others
    )
    {
        public IReadOnlyList<TextTable> Plain => Others ?? (Table is null ? [] : [Table]);
    }
}
