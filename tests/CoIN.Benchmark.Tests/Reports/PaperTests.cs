using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Paper;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class PaperTests
{
    private static readonly string[] Order = ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"];

    private static readonly RunReport Same = Reports.Sequential() with
    {
        Tasks = Order,
        Cells =
        [
            .. Enumerable
                .Range(1, 8)
                .SelectMany(stage => Order.Take(stage).Select(task => new CellReport(task, new(stage, 0, 50, 4000, "p", "s")))),
        ],
        Stages = [],
        Model = new ModelDescription("LLaVA", 32, 4096),
        Options = Options("Instructions_Original"),
    };

    [Fact]
    public void A_run_is_set_beside_the_published_one_of_its_setting_cell_by_cell()
    {
        using var folder = new TemporaryFolder();
        ReportFiles.Write(folder.Path, Same);

        var paper = JObject.Parse(File.ReadAllText(folder.File("report.json")))["paper"]!;
        Assert.Equal("llava-7b", (string?)paper["name"]);
        var cell = paper["measures"]![0]!["cells"]!.Single(one => (string?)one["row"] == "8 OCR-VQA" && (string?)one["task"] == "ImageNet");
        Assert.Equal(10.25, (double)cell["published"]!);
        Assert.Equal(50, (double)cell["run"]!);
        Assert.Equal(39.75, (double)cell["difference"]!);
        Assert.Contains(cell["caveats"]!, caveat => ((string)caveat!).Contains("19.15", StringComparison.Ordinal));
        Assert.Equal(32.97, (double)paper["measures"]![0]!["published"]!["maa"]!);

        var page = File.ReadAllText(folder.File("report.html"));
        Assert.Contains("Beside the paper", page, StringComparison.Ordinal);
        Assert.Contains("<small>10.25 (+39.75)</small>", page, StringComparison.Ordinal);
        var markdown = File.ReadAllText(folder.File("report.md"));
        Assert.Matches(@"\| published \| ScienceQA \[e\] \|", markdown);
        Assert.Matches(@"\| 8 OCR-VQA \| -28\.74|\| 8 OCR-VQA \| \+28\.74", markdown);
    }

    [Theory]
    [InlineData("volume", "volume-0.4")]
    [InlineData("rank", "rank-256")]
    [InlineData("alphabetical", "alphabet")]
    [InlineData("diverse", "diverse")]
    [InlineData("ten", "ten-type")]
    [InlineData("13B", "llava-13b")]
    [InlineData("zero-shot", "llava-7b")]
    [InlineData("qwen", "qwen-vl")]
    public void The_setting_decides_what_a_run_is_set_beside(string what, string name)
    {
        var run = what switch
        {
            "volume" => Same with { Options = Volume(0.4, 128) },
            "rank" => Same with { Options = Volume(0.4, 256) },
            "alphabetical" => Same with { Tasks = [.. Order.Order(StringComparer.OrdinalIgnoreCase)] },
            "diverse" => Same with { Options = Options("Instructions_Diverse") },
            "ten" => Same with { Options = Options("Instructions_10type_slim") },
            "13B" => Same with { Model = new ModelDescription("LLaVA", 40, 5120) },
            "qwen" => Same with { Model = new ModelDescription("Qwen-VL", 32, 4096) },
            _ => Same with { Method = ZeroShot.Name, Tasks = [.. Order.Reverse()] },
        };
        Assert.Equal(name, PaperMatch.For(run).Result?.Name);
    }

    [Fact]
    public void Why_nothing_fits_is_said()
    {
        AssertNone("base model is not known", Same with { Model = null });
        AssertNone(
            "no published results of the model LLaVA; there are of LLaVA-7B, LLaVA-13B",
            Same with
            {
                Model = new ModelDescription("LLaVA", 4, 128),
            }
        );
        AssertNone("has its tasks in its order", Same with { Tasks = [.. Order.Reverse()] });
        AssertNone(
            "none of its model, method and order was trained on 30 % of the data; there are llava-7b (100 %), volume-0.1 (10 %)",
            Same with
            {
                Options = Volume(0.3, 128),
            }
        );
        AssertNone(
            "none has instructions of the type diverse; there are llava-13b (original)",
            Same with
            {
                Model = new ModelDescription("LLaVA", 40, 5120),
                Options = Options("Instructions_Diverse"),
            }
        );

        using var folder = new TemporaryFolder();
        ReportFiles.Write(folder.Path, Same with { Model = null });
        foreach (var file in (string[])["report.html", "report.md", "report.json"])
        {
            Assert.Contains("No published result fits this run", File.ReadAllText(folder.File(file)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_unknown_instruction_type_is_remarked() =>
        Assert.Contains(
            "taken for the type original",
            Assert.Single(PaperMatch.For(Same with { Options = Options("my-data") }).Remarks),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_cell_that_measures_something_else_has_no_difference()
    {
        var beside = PaperBeside.Of(PublishedResults.Of("minigpt-v2"), RunResults.Of(Same, null));
        var cell = beside.Measures[0].Rows[7].Cells[1]!;
        Assert.Equal((29.89, 50.0, (double?)null), (cell.Published!.Value, cell.Run!.Value, cell.Difference));
        var sheet = new Sheet();
        PublishedSheet.Add(sheet, beside, 2);
        Assert.Matches(@"8 OCR-VQA +\+5\.65 +× ", sheet.ToText());
        Assert.Contains("Not comparable: Over 1,032", sheet.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_order_is_compared_by_its_rows_just_trained_and_final()
    {
        var beside = PaperBeside.Of(PublishedResults.Of("alphabet"), RunResults.Of(Same, null));
        Assert.Equal(["just trained", "final"], beside.Measures[0].Rows.Select(row => row.Label));
        Assert.Equal(50 - 62.68, beside.Measures[0].Rows[0].Cells[0]!.Difference!.Value, 6);
        Assert.Contains(beside.Remarks, remark => remark.Contains("different orders", StringComparison.Ordinal));
    }

    [Fact]
    public void What_differs_between_the_settings_is_named()
    {
        Assert.Empty(PaperBeside.Of(PublishedResults.Of("llava-7b"), RunResults.Of(Same, null)).Remarks);
        var run = Same with { Model = new ModelDescription("LLaVA", 4, 128), Options = Volume(0.4, 64) };
        Assert.Equal(
            [
                "The settings differ in model (LLaVA-7B, the run LLaVA), method (moelora, the run sequential-lora), LoRA rank (128, the run 64), "
                    + "training samples (all, the run 40 % of each task's).",
            ],
            PaperBeside.Of(PublishedResults.Of("moelora-8"), RunResults.Of(run, null)).Remarks
        );
    }

    [Fact]
    public void A_zero_shot_run_stands_beside_the_zero_shot_row()
    {
        var run = Same with
        {
            Method = ZeroShot.Name,
            Cells = [.. Order.Select(task => new CellReport(task, new(0, 0, 10, 4000, "p", "s")))],
        };
        var row = Assert.Single(PaperBeside.Of(PublishedResults.Of("llava-7b"), RunResults.Of(run, null)).Measures[0].Rows);
        Assert.Equal("zero-shot", row.Label);
        Assert.Equal(10 - 49.91, row.Cells[0]!.Difference!.Value, 6);
        Assert.Null(row.Cells[5]!.Difference);
    }

    [Fact]
    public void A_run_on_all_tasks_at_once_stands_beside_the_multi_task_row()
    {
        var run = Same with
        {
            Method = MultiTask.Name,
            Cells = [.. Order.Select(task => new CellReport(task, new(1, 0, 60, 4000, "p", "s")))],
        };
        Assert.Equal("llava-7b", PaperMatch.For(run).Result?.Name);
        var beside = PaperBeside.Of(PublishedResults.Of("llava-7b"), RunResults.Of(run, null)).Measures[0];
        var row = Assert.Single(beside.Rows);
        Assert.Equal("multi-task", row.Label);
        Assert.Equal(60 - 56.77, row.Cells[0]!.Difference!.Value, 6);
        Assert.Equal(60 - 57.1825, beside.Means!.Difference!.Value, 6);
        Assert.Null(beside.PublishedMaa);
    }

    [Fact]
    public void Published_results_need_no_run()
    {
        var text = PublishedText.Render(["moelora-8"], ComparisonFormat.Text);
        Assert.Matches(@"8 OCR-VQA +63\.09 +38\.63 +10\.50 ", text);
        Assert.Matches(@"printed, Table 8 \(8\) +42\.76 +-25\.91", text);
        Assert.Contains("average 39.39", text, StringComparison.Ordinal);
        Assert.Contains("Source: Table 8 of the paper; results/CLIT_moe8train_testslim", text, StringComparison.Ordinal);
        var json = JObject.Parse(PublishedText.Render(["llava-7b"], ComparisonFormat.Json));
        Assert.Equal(71.2848, (double)json["measures"]![1]!["maa"]!, 4);
        Assert.Equal(8, json["measures"]![0]!["zeroShot"]!.Count());
        Assert.Contains(
            "minigpt-v2,truth-alignment,,8,OCR-VQA,TextVQA,29.89,93,no,",
            PublishedText.Render(["minigpt-v2"], ComparisonFormat.Csv),
            StringComparison.Ordinal
        );
        Assert.Contains("<sup>", PublishedText.Render(["llava-7b"], ComparisonFormat.Html), StringComparison.Ordinal);
        Assert.Contains("\\begin{tabular}", PublishedText.Render(["llava-7b"], ComparisonFormat.Latex), StringComparison.Ordinal);
        Assert.All(PublishedResults.All, result =>
            Assert.Contains(result.Name, PublishedText.List(ComparisonFormat.Text), StringComparison.Ordinal)
        );
    }

    private static void AssertNone(string reason, RunReport run)
    {
        var match = PaperMatch.For(run);
        Assert.Null(match.Result);
        Assert.Contains(reason, match.Reason, StringComparison.Ordinal);
    }

    private static ExperimentOptions Volume(double volume, int rank)
    {
        var options = Options("Instructions_Original");
        return options with { Lora = options.Lora with { Rank = rank }, Data = options.Data with { Volume = volume } };
    }

    private static ExperimentOptions Options(string folder) =>
        new()
        {
            Name = "x",
            Tasks = [],
            Data = new DataOptions { Instructions = "/data/" + folder, Images = "/data" },
            Model = new ModelOptions { Path = "/m" },
        };
}
