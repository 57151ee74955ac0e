using System.Globalization;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Tables;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>Published results in the forms of comparisons, without a run.</summary>
public static class PublishedText
{
    /// <summary>The names there are, one to a line, with what they are.</summary>
    public static string List(ComparisonFormat format) =>
        format switch
        {
            ComparisonFormat.Json => JsonText.Of(PublishedJson.List()),
            ComparisonFormat.Csv => PublishedSheet.List().ToCsv(),
            ComparisonFormat.Markdown => PublishedSheet.List().ToMarkdown(),
            ComparisonFormat.Latex => LatexTable.Render(
                PublishedResults.Paper,
                "coin-published",
                PublishedSheet.List().Header,
                [new LatexGroup("", PublishedSheet.List().Rows)]
            ),
            ComparisonFormat.Html => Sheets([]).ToPage("Published results", PublishedResults.Paper),
            _ => string.Concat(PublishedResults.All.Select(result => $"{result.Name.PadRight(20)}{result.Title}\n")),
        };

    /// <summary>Results with matrices, sums, sources and caveats.</summary>
    /// <param name="names">At least one.</param>
    /// <exception cref="CoinException">There is no such result.</exception>
    public static string Render(IReadOnlyList<string> names, ComparisonFormat format)
    {
        var results = names.Select(PublishedResults.Of).ToList();
        var title = string.Join(", ", names);
        return format switch
        {
            ComparisonFormat.Json => JsonText.Of(
                results.Count == 1 ? PublishedJson.Of(results[0]) : new JArray(results.Select(PublishedJson.Of))
            ),
            ComparisonFormat.Csv => Csv(results),
            ComparisonFormat.Latex => Latex(results, title),
            ComparisonFormat.Markdown => Sheets(results).ToMarkdown(title),
            ComparisonFormat.Html => Sheets(results).ToPage(title, PublishedResults.Paper),
            _ => Sheets(results).ToText(),
        };
    }

    private static Sheet Sheets(List<PublishedResult> results)
    {
        var sheet = new Sheet();
        foreach (var result in results)
        {
            sheet.AddHeading(result.Name);
            PublishedSheet.Add(sheet, result);
        }

        if (results.Count == 0)
        {
            sheet.AddTable(PublishedSheet.List(), 5);
        }

        return sheet;
    }

    private static string Csv(List<PublishedResult> results) =>
        new TextTable(
            ["result", "measure", "judge", "stage", "row", "task", "percent", "samples", "comparable", "caveats"],
            [
                .. from result in results
                from measure in result.Measures
                from stage in Enumerable.Range(PublishedMeasure.MultiTaskRow, result.Tasks.Count + 2)
                from task in Enumerable.Range(0, result.Tasks.Count)
                where measure.Cell(stage, task) is not null
                select (IReadOnlyList<string>)
                    [
                        result.Name,
                        measure.Judge is null ? "truth-alignment" : "reasoning-capability",
                        measure.Judge ?? "",
                        stage.ToString(CultureInfo.InvariantCulture),
                        stage switch
                        {
                            PublishedMeasure.MultiTaskRow => "multi-task",
                            PublishedMeasure.ZeroShotRow => "zero-shot",
                            _ => result.Tasks[stage - 1],
                        },
                        result.Tasks[task],
                        CsvMatrix.Number(measure.Cell(stage, task)),
                        measure.SamplesOf(stage, task)?.ToString(CultureInfo.InvariantCulture) ?? "",
                        measure.IsUnlike(stage, task) ? "no" : "yes",
                        string.Join(" ", measure.CaveatsOf(stage, task).Select(place => measure.Caveats[place].Text)),
                    ],
            ]
        ).ToCsv();

    private static string Latex(List<PublishedResult> results, string title) =>
        string.Join(
            '\n',
            results
                .GroupBy(result => string.Join(",", result.Tasks))
                .Select(alike =>
                    LatexTable.Render(
                        $"{string.Join("; ", alike.Select(result => $"{result.Name}: {result.Title}"))}. Accuracy in percent after each stage, as published.",
                        "coin-published-" + title,
                        ["after", .. alike.First().Tasks],
                        [
                            .. from result in alike
                            from measure in result.Measures
                            select new LatexGroup(
                                $"{result.Name}, {measure.Title}",
                                [
                                    .. result.Tasks.Select(
                                        (name, stage) =>
                                            (IReadOnlyList<string>)
                                                [
                                                    name,
                                                    .. result.Tasks.Select(
                                                        (_, task) => task > stage ? "" : MatrixText.Percent(measure.Cell(stage + 1, task))
                                                    ),
                                                ]
                                    ),
                                ]
                            ),
                        ]
                    )
                )
        );
}
