using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

/// <summary>Whom experts served, in a run's report.</summary>
public sealed class RoutingReportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_form_shows_the_cells_experts_by_task_and_the_page_by_layer_too()
    {
        var report = WithRouting();
        var last = report.Cells.MaxBy(cell => cell.Stage)!;
        ReportFiles.Write(folder.Path, report);
        var json = (JArray)JObject.Parse(File.ReadAllText(folder.File(ReportFiles.Json)))["routing"]!["cells"]!;
        Assert.Equal(report.Cells.Count, json.Count);
        var found = json.Single(cell => (int)cell["stage"]! == last.Stage && (string)cell["task"]! == last.Task);
        Assert.Equal([0.35, 0.65], found["experts"]!.Select(mean => Math.Round((double)mean, 6)));
        Assert.Equal([0.3, 0.7], found["layers"]![0]!.Select(mean => Math.Round((double)mean, 6)));

        var page = File.ReadAllText(folder.File(ReportFiles.Html));
        Assert.Contains("Who serves which task", page, StringComparison.Ordinal);
        Assert.Contains("expert 2", page, StringComparison.Ordinal);
        Assert.Contains("title=\"65.00 %\">65.0", page, StringComparison.Ordinal);
        Assert.Contains("layer 1, expert 2: 70.00 %", page, StringComparison.Ordinal);
        Assert.Contains("all the same would be 50.0 %", page, StringComparison.Ordinal);

        var text = File.ReadAllText(folder.File(ReportFiles.Markdown));
        Assert.Contains("## Who serves which task", text, StringComparison.Ordinal);
        Assert.Matches($@"\| {last.Task} +\| +35\.0 % +\| +65\.0 % +\|", text);
    }

    [Fact]
    public void Runs_without_experts_say_nothing_of_them()
    {
        ReportFiles.Write(folder.Path, Reports.Sequential());
        Assert.DoesNotContain("routing", File.ReadAllText(folder.File(ReportFiles.Json)), StringComparison.Ordinal);
        Assert.DoesNotContain("Who serves", File.ReadAllText(folder.File(ReportFiles.Html)), StringComparison.Ordinal);
        Assert.DoesNotContain("Who serves", File.ReadAllText(folder.File(ReportFiles.Markdown)), StringComparison.Ordinal);
    }

    private RunReport WithRouting()
    {
        var report = Reports.Sequential();
        var cells = report.Cells.Select((cell, i) => cell with { RoutingFile = $"routing/{cell.Stage}-{i}.json" }).ToList();
        var last = cells.MaxBy(cell => cell.Stage);
        foreach (var cell in cells)
        {
            var share = cell == last ? 0.3 : 0.5;
            Directory.CreateDirectory(folder.File("routing"));
            RoutingFile.Write(
                folder.File(cell.RoutingFile!),
                new ExpertRouting([
                    new([new("q", 10, [10 * share, 10 * (1 - share)])]),
                    new([new("q", 5, [5 * (share + 0.1), 5 * (0.9 - share)])]),
                ])
            );
        }

        return report with
        {
            Cells = cells,
        };
    }
}
