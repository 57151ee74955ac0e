using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Results;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>Published results for programs.</summary>
internal static class PublishedJson
{
    /// <summary>The names there are.</summary>
    public static JArray List() => new(PublishedResults.All.Select(Head));

    /// <summary>A result with all its numbers.</summary>
    public static JObject Of(PublishedResult result)
    {
        var json = Head(result);
        json["paper"] = PublishedResults.Paper;
        json["notes"] = new JArray(result.Notes);
        json["measures"] = new JArray(
            result.Measures.Select(measure => new JObject
            {
                ["measure"] = measure.Judge is null ? "truth-alignment" : "reasoning-capability",
                ["judge"] = measure.Judge,
                ["matrix"] = Square(result, measure.Cell),
                ["samples"] = Square(result, measure.SamplesOf),
                ["zeroShot"] = Row(result, measure, PublishedMeasure.ZeroShotRow),
                ["multiTask"] = Row(result, measure, PublishedMeasure.MultiTaskRow),
                ["maa"] = measure.Maa,
                ["bwt"] = measure.Bwt,
                ["impliedMeanOfUnknown"] = measure.ImpliedMeanOfUnknown,
                ["printed"] = new JArray(
                    measure.Printed.Select(print => new JObject
                    {
                        ["table"] = print.Table,
                        ["row"] = print.Row,
                        ["maa"] = print.Maa,
                        ["bwt"] = print.Bwt,
                        ["zeroShotMean"] = print.ZeroShotMean,
                        ["multiTaskMean"] = print.MultiTaskMean,
                        ["deviation"] = print.Deviation,
                    })
                ),
                ["caveats"] = new JArray(
                    measure.Caveats.Select(caveat => new JObject
                    {
                        ["text"] = caveat.Text,
                        ["comparable"] = !caveat.Unlike,
                        ["cells"] = new JArray(
                            caveat.Cells.Select(cell => new JObject { ["row"] = RowName(cell.Stage), ["task"] = result.Tasks[cell.Task] })
                        ),
                    })
                ),
            })
        );
        return json;
    }

    /// <summary>What a run's report says of the published result of its setting.</summary>
    public static JObject Of(PaperMatch match, RunResults run) =>
        match.Result is { } result
            ? Of(PaperBeside.Of(result, run, match.Remarks))
            : new JObject { ["name"] = null, ["reason"] = match.Reason };

    /// <summary>A run cell by cell beside a result; a difference is the run's number less the published one.</summary>
    public static JObject Of(PaperBeside beside)
    {
        var json = Head(beside.Published);
        json["run"] = beside.Run.Report.RunId;
        json["remarks"] = new JArray(beside.Remarks);
        json["measures"] = new JArray(
            beside.Measures.Select(measure => new JObject
            {
                ["measure"] = measure.Run.Key,
                ["title"] = measure.Run.Title,
                ["publishedJudge"] = measure.Published.Judge,
                ["remarks"] = new JArray(measure.Remarks),
                ["published"] = new JObject
                {
                    ["maa"] = measure.PublishedMaa,
                    ["bwt"] = measure.PublishedBwt,
                    ["mean"] = measure.Means?.Published,
                },
                ["run"] = new JObject
                {
                    ["maa"] = measure.Run.Results.Values.Maa,
                    ["bwt"] = measure.Run.Results.Values.Bwt,
                    ["mean"] = measure.Means?.Run,
                },
                ["cells"] = new JArray(
                    from row in measure.Rows
                    from one in row.Cells.Zip(beside.Published.Tasks)
                    where one.First is not null
                    select new JObject
                    {
                        ["row"] = row.Label,
                        ["task"] = one.Second,
                        ["published"] = one.First!.Published,
                        ["run"] = one.First.Run,
                        ["difference"] = one.First.Difference,
                        ["comparable"] = !one.First.Unlike,
                        ["publishedSamples"] = one.First.PublishedSamples,
                        ["runSamples"] = one.First.RunSamples,
                        ["caveats"] = new JArray(
                            PublishedNotes
                                .OfAll(measure.Published)
                                .Concat(PublishedNotes.OfColumn(measure.Published, beside.Published.Tasks.ToList().IndexOf(one.Second)))
                                .Concat(one.First.Caveats)
                                .Select(place => measure.Published.Caveats[place].Text)
                        ),
                    }
                ),
            })
        );
        return json;
    }

    private static JObject Head(PublishedResult result) =>
        new()
        {
            ["name"] = result.Name,
            ["title"] = result.Title,
            ["source"] = result.Source,
            ["model"] = result.Setting.Model,
            ["method"] = result.Setting.Method,
            ["experts"] = result.Setting.Experts,
            ["rank"] = result.Setting.Rank,
            ["volume"] = result.Setting.Volume,
            ["instructions"] = InstructionTypes.NameOf(result.Setting.Instructions),
            ["tasks"] = new JArray(result.Tasks),
        };

    private static string RowName(int? stage) =>
        stage switch
        {
            null => "all",
            PublishedMeasure.ZeroShotRow => "zero-shot",
            PublishedMeasure.MultiTaskRow => "multi-task",
            { } number => FormattableString.Invariant($"{number}"),
        };

    private static JToken Row(PublishedResult result, PublishedMeasure measure, int row)
    {
        var cells = result.Tasks.Select((_, task) => measure.Cell(row, task)).ToList();
        return cells.TrueForAll(cell => cell is null) ? JValue.CreateNull() : new JArray(cells);
    }

    private static JArray Square<T>(PublishedResult result, Func<int, int, T?> cell)
        where T : struct =>
        new(result.Tasks.Select((_, stage) => new JArray(result.Tasks.Select((_, task) => task <= stage ? cell(stage + 1, task) : null))));
}
