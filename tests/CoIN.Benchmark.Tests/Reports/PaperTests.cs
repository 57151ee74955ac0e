using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class PaperTests
{
    private static readonly RunReport Same = Reports.Sequential() with
    {
        Tasks = ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"],
        Cells = [],
        Stages = [],
        Model = new ModelDescription("LLaVA", 32, 4096),
    };

    [Fact]
    public void The_printed_matrix_gives_the_printed_numbers()
    {
        foreach (var result in PublishedResult.All.Where(result => result.Reasoning is not null))
        {
            Assert.Equal(result.ReasoningMaa!.Value, result.Reasoning!.Maa!.Value, 0.01);
            Assert.Equal(result.ReasoningBwt!.Value, result.Reasoning.Bwt!.Value, 0.01);
        }
    }

    [Fact]
    public void The_paper_is_shown_beside_a_run_of_its_setting()
    {
        using var folder = new TemporaryFolder();
        ReportFiles.Write(folder.Path, Same);

        var page = File.ReadAllText(folder.File("report.html"));
        Assert.Contains("Beside the paper", page, StringComparison.Ordinal);
        Assert.Contains("-32.62", page, StringComparison.Ordinal);
        Assert.Contains("| Reasoning Capability, paper (Qwen1.5-32B-Chat) | final | 82.00 |", File.ReadAllText(folder.File("report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_shown_beside_another_model_order_or_method()
    {
        Assert.NotNull(PublishedResult.For(Same));
        Assert.Null(PublishedResult.For(Same with { Model = null }));
        Assert.Null(PublishedResult.For(Same with { Model = new ModelDescription("LLaVA", 4, 128) }));
        Assert.Null(PublishedResult.For(Same with { Tasks = [.. Same.Tasks.Reverse()] }));
        Assert.Null(PublishedResult.For(Same with { Method = ZeroShot.Name }));
    }
}
