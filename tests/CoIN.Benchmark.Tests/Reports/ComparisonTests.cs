using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Comparison;
using CoIN.Benchmark.Reports.Results;

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
    public void The_same_seed_is_a_repeat_and_no_second_seed()
    {
        var twin = First with { RunId = "c" };
        var alone = Render(ComparisonFormat.Text, First, twin);
        Assert.DoesNotContain("mean", alone, StringComparison.Ordinal);
        Assert.Contains("Warning: c repeats a: the same settings and the same seed 42, and the same answers to the bit. Only a counts as a seed.", alone, StringComparison.Ordinal);

        var three = Render(ComparisonFormat.Csv, First, twin, OtherSeed);
        Assert.Contains("rules\",mean ± sd of 2 seeds,final,35.00 ± 7.07,65.00 ± 7.07,", three, StringComparison.Ordinal);
        Assert.DoesNotContain("3 seeds", three, StringComparison.Ordinal);
    }

    [Fact]
    public void A_repeat_that_came_out_differently_or_went_less_far_is_told_as_one()
    {
        var other = OtherSeed with { Seed = First.Seed };
        Assert.Contains("b repeats a: the same settings and the same seed 42, yet other answers", Render(ComparisonFormat.Markdown, First, other), StringComparison.Ordinal);

        var stopped = First with { RunId = "c", Status = "stopped", Cells = [.. First.Cells.Where(cell => cell.Stage == 1)] };
        var text = Render(ComparisonFormat.Csv, stopped, First, OtherSeed);
        Assert.Contains("mean ± sd of 2 seeds,just trained,45.13 ± 7.07,65.00 ± 7.07,", text, StringComparison.Ordinal);
        Assert.Contains("c repeats a: the same settings and the same seed 42.", Render(ComparisonFormat.Text, stopped, First), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_seed_with_the_same_answers_is_no_second_seed_either()
    {
        var zeroShot = Reports.ZeroShot() with { RunId = "a" };
        var text = Render(ComparisonFormat.Text, zeroShot, zeroShot with { RunId = "b", Seed = 43 });
        Assert.DoesNotContain("mean", text, StringComparison.Ordinal);
        Assert.Contains("b has the seed 43 and a the seed 42, but their answers are the same to the bit", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_one_seed_lacks_has_no_mean()
    {
        var unfinished = OtherSeed with { Status = "stopped", Cells = [.. OtherSeed.Cells.Where(cell => cell.Stage == 1)] };

        Assert.Contains("mean ± sd of 2 seeds,just trained,45.13 ± 7.07,,,\n", Render(ComparisonFormat.Csv, First, unfinished), StringComparison.Ordinal);
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
    public void Tasks_learned_at_once_stand_beside_the_end_of_those_learned_one_after_another()
    {
        var joint = Reports.MultiTask() with { RunId = "m" };

        Assert.Contains("rules\",m − a,final,+20.00,+10.00,+17.44,\n", Render(ComparisonFormat.Csv, First, joint), StringComparison.Ordinal);
        Assert.Contains("m learned all tasks at once", Render(ComparisonFormat.Text, First, joint), StringComparison.Ordinal);
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
