using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class ComparisonTests
{
    private static readonly RunReport First = Reports.Sequential() with { RunId = "a" };

    private static readonly RunReport OtherSeed = First with
    {
        RunId = "b", Seed = 43, Cells = [.. First.Cells.Select(cell => cell with { AccuracyPercent = cell.AccuracyPercent - 10 })],
    };

    [Fact]
    public void Runs_stand_side_by_side_with_differences_and_means_over_seeds()
    {
        var text = Render(ComparisonFormat.Csv, First, OtherSeed);

        Assert.Contains("rules\",a,final,40.00,70.00,52.56,-5.06\n", text, StringComparison.Ordinal);
        Assert.Contains("rules\",b,final,30.00,60.00,42.56,-5.06\n", text, StringComparison.Ordinal);
        Assert.Contains("rules\",b − a,final,-10.00,-10.00,-10.00,+0.00\n", text, StringComparison.Ordinal);
        Assert.Contains("rules\",mean ± sd of 2 seeds,final,35.00 ± 7.07,65.00 ± 7.07,47.56 ± 7.07,-5.06 ± 0.00\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_that_differ_by_more_than_their_seed_have_no_common_mean()
    {
        var other = OtherSeed with { BaseModelSha256 = "another" };

        Assert.DoesNotContain("mean", Render(ComparisonFormat.Text, First, other), StringComparison.Ordinal);
        Assert.Matches(@"base model SHA-256\s+base0\s+another", Render(ComparisonFormat.Text, First, other));
    }

    [Fact]
    public void Other_test_data_are_warned_of_and_runs_alike_are_not()
    {
        Assert.DoesNotContain("Warning", Render(ComparisonFormat.Text, First, OtherSeed), StringComparison.Ordinal);
        var data = OtherSeed with { DataFiles = [First.DataFiles[0], First.DataFiles[1] with { Sha256 = "d3" }] };
        Assert.Contains("Warning: GQA: a and b were tested on different files (SHA-256 d2 and d3)", Render(ComparisonFormat.Text, First, data), StringComparison.Ordinal);
        var fewer = OtherSeed with { DataFiles = [First.DataFiles[0], First.DataFiles[1] with { SamplesUsed = 5 }] };
        Assert.Contains("a was tested on 20 samples, b on 5", Render(ComparisonFormat.Markdown, First, fewer), StringComparison.Ordinal);
        Assert.Contains("b is stopped", Render(ComparisonFormat.Html, First, OtherSeed with { Status = "stopped" }), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_orders_and_scorers_are_warned_of()
    {
        var reversed = OtherSeed with { Tasks = ["OCR-VQA", "GQA"], Cells = [], Stages = [] };
        Assert.Contains("learned the tasks in different orders", Render(ComparisonFormat.Text, First, reversed), StringComparison.Ordinal);
        Assert.Contains(
            "GQA: a is scored by gqa, b by vqav2",
            Render(ComparisonFormat.Text, First with { Options = Options("gqa") }, OtherSeed with { Options = Options("vqav2") }), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_differ_have_the_names_of_the_configuration()
    {
        var options = Options("gqa");
        var text = Render(
            ComparisonFormat.Text, First with { Options = options },
            OtherSeed with { Options = options with { Name = "other", Lora = new LoraOptions { Rank = 64 }, Data = options.Data with { Images = "/elsewhere" } } });

        Assert.Matches(@"lora\.rank\s+128\s+64", text);
        Assert.DoesNotContain("elsewhere", text, StringComparison.Ordinal);
        Assert.DoesNotContain("lora.alpha", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Latex_and_pages_hold_the_same_numbers()
    {
        Assert.Contains("b $-$ a & final & $-$10.00", Render(ComparisonFormat.Latex, First, OtherSeed), StringComparison.Ordinal);
        Assert.Contains("<td class=\"number\">35.00 &#177; 7.07</td>", Render(ComparisonFormat.Html, First, OtherSeed), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_not_compared_with_itself()
        => Assert.Throws<CoinException>(() => Render(ComparisonFormat.Text, First, First));

    private static ExperimentOptions Options(string scorer) => new()
    {
        Name = "x",
        Tasks = [new TaskOptions { Name = "GQA", Folder = "GQA", Scorer = scorer }],
        Data = new DataOptions { Instructions = "/i", Images = "/j" },
        Model = new ModelOptions { Path = "/m" },
    };

    private static string Render(ComparisonFormat format, params RunReport[] runs) =>
        ComparisonText.Render([.. runs.Select(run => new ReportedRun(run, null))], [format])[format];
}
