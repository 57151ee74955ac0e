using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>
/// A page that needs nothing but itself: no scripts, no fonts, no network; it follows the reader's choice of light or dark, and prints.
/// </summary>
internal static class Page
{
    private static readonly Lazy<string> Style = new(() =>
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream("CoIN.Benchmark.report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    });

    public static string Render(string title, Markup body) =>
        Markup
            .Of(
                $"""
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
                <title>{title}</title>
                <style>
                {new Markup(Style.Value)}</style>
                </head>
                <body>
                <main>
                {body}
                <footer>Written by CoIN.Actors {ProductVersion.Current}. This file needs no network and no scripts.</footer>
                </main>
                </body>
                </html>

                """
            )
            .Text.ReplaceLineEndings("\n");

    public static Markup Section(string id, string title, Markup body) =>
        Markup.Of(
            $"""
            <section id="{id}">
            <h2>{title}</h2>
            {body}
            </section>
            """
        );

    /// <summary>A table of which the columns from a place on are numbers.</summary>
    /// <param name="numbersFrom">0-based column from which the cells are set to the right.</param>
    public static Markup Table(TextTable table, int numbersFrom, string kind = "plain") =>
        Markup.Of(
            $"""
            <div class="scroll"><table class="{kind}">
            <thead><tr>{Cells("th scope=\"col\"", "th", table.Header, numbersFrom)}</tr></thead>
            <tbody>
            {Markup.Join(table.Rows.Select(row => Markup.Of($"<tr>{Cells("td", "td", row, numbersFrom)}</tr>")))}
            </tbody></table></div>
            """
        );

    private static Markup Cells(string open, string close, IReadOnlyList<string> cells, int numbersFrom) =>
        Markup.Join(
            cells.Select(
                (cell, place) =>
                    Markup.Of($"<{new Markup(open)}{new Markup(place >= numbersFrom ? " class=\"number\"" : "")}>{cell}</{close}>")
            ),
            ""
        );
}
