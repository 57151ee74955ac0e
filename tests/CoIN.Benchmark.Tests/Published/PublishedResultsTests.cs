using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Published;

namespace CoIN.Benchmark.Tests.Published;

public sealed class PublishedResultsTests
{
    [Theory]
    [InlineData("llava-7b", 71.2848, -10.875)]
    [InlineData("qwen-vl", 80.968, -3.25)]
    [InlineData("minigpt-v2", 75.0488, 0)]
    public void Reasoning_capability_of_table_3_follows_from_its_matrix(string name, double maa, double bwt)
    {
        var judged = PublishedResults.Of(name).Reasoning.First();
        Assert.Equal("Qwen1.5-32B-Chat", judged.Judge);
        Assert.Equal(maa, judged.Maa!.Value, 4);
        Assert.Equal(bwt, judged.Bwt!.Value, 4);
        Assert.Equal(bwt, judged.Matrix.Bwt!.Value, 4);
    }

    [Fact]
    public void The_numbers_printed_follow_from_the_cells_but_for_known_deviations()
    {
        var rows = (
            from result in PublishedResults.All
            from measure in result.Measures
            from print in measure.Printed
            select (result.Name, measure, print)
        ).ToList();
        Assert.Equal(32, rows.Count);

        // Printed to two decimals, once to one; -19.896 is printed as -19.89.
        Assert.Equal(
            ["alphabet 5 -25.9 -25.94", "rank-256 12 -19.8 -19.93"],
            rows.Where(row => Math.Abs(row.measure.Bwt!.Value - row.print.Bwt) > 0.0065)
                .Select(row => FormattableString.Invariant($"{row.Name} {row.print.Table} {row.print.Bwt:0.0#} {row.measure.Bwt:0.00}"))
        );
        Assert.Equal(["alphabet", "volume-0.2", "rank-256"], rows.Where(row => row.print.Deviation is not null).Select(row => row.Name));
        Assert.All(rows.Where(row => row.measure.Maa is not null), row => Assert.Equal(row.print.Maa, row.measure.Maa!.Value, 0.0051));
    }

    [Fact]
    public void Table_7_holds_the_evaluation_of_ocr_vqa_that_its_bwt_uses()
    {
        var truth = PublishedResults.Of("volume-0.2").Truth;
        Assert.Equal(52.10, truth.Cell(8, 7));
        Assert.Equal(-19.89625, truth.Bwt!.Value, 5);
        Assert.Contains("45.62", truth.Printed[0].Deviation, StringComparison.Ordinal);
    }

    [Fact]
    public void Means_printed_over_the_tasks_follow_from_the_rows()
    {
        var rows = PublishedResults
            .All.SelectMany(result => result.Measures.SelectMany(measure => measure.Printed.Select(print => (measure, print))))
            .ToList();
        var zeroShot = rows.Where(row => row.print.ZeroShotMean is not null).ToList();
        var multiTask = rows.Where(row => row.print.MultiTaskMean is not null).ToList();
        Assert.Equal(6, zeroShot.Count);
        Assert.Equal(6, multiTask.Count);
        Assert.All(zeroShot, row => Assert.Equal(row.print.ZeroShotMean!.Value, row.measure.ZeroShot.Average()!.Value, 0.0051));
        Assert.All(multiTask, row => Assert.Equal(row.print.MultiTaskMean!.Value, row.measure.MultiTask.Average()!.Value, 0.0051));
    }

    [Fact]
    public void What_the_unknown_cells_of_ScienceQA_average_follows_from_the_maa_printed()
    {
        Assert.Equal(11.02, PublishedResults.Of("llava-7b").Truth.ImpliedMeanOfUnknown!.Value, 0.03);
        Assert.Equal(39.39, PublishedResults.Of("moelora-8").Truth.ImpliedMeanOfUnknown!.Value, 0.03);
        Assert.Null(PublishedResults.Of("llava-7b").Reasoning.First().ImpliedMeanOfUnknown);
        Assert.Null(PublishedResults.Of("diverse").Truth.ImpliedMeanOfUnknown);
    }

    [Fact]
    public void Cells_know_their_samples()
    {
        var minigpt = PublishedResults.Of("minigpt-v2").Truth;
        Assert.Equal([1032, 1038, 4000, 4000, 4000, 252, 93], Enumerable.Range(2, 7).Select(stage => minigpt.SamplesOf(stage, 1)!.Value));
        Assert.Equal(30969, PublishedResults.Of("llava-7b").Truth.SamplesOf(6, 5));
        Assert.Equal(13290, PublishedResults.Of("llava-7b").Truth.SamplesOf(PublishedMeasure.ZeroShotRow, 5));
        Assert.Equal(4000, PublishedResults.Of("llava-13b").Truth.SamplesOf(6, 5));
        Assert.Null(PublishedResults.Of("llava-7b").Truth.SamplesOf(8, 7));
        Assert.Null(PublishedResults.Of("llava-7b").Truth.SamplesOf(2, 0));
    }

    [Fact]
    public void Cells_that_measure_something_else_say_why()
    {
        var minigpt = PublishedResults.Of("minigpt-v2").Truth;
        Assert.True(minigpt.IsUnlike(PublishedMeasure.ZeroShotRow, 2));
        Assert.True(minigpt.IsUnlike(8, 1));
        Assert.False(minigpt.IsUnlike(5, 1));
        Assert.True(minigpt.IsUnlike(7, 5));
        Assert.Contains(minigpt.CaveatsOf(PublishedMeasure.ZeroShotRow, 2), place =>
            minigpt.Caveats[place].Text.Contains("shifted", StringComparison.Ordinal)
        );
        Assert.True(PublishedResults.Of("qwen-vl").Truth.IsUnlike(3, 2));
        Assert.False(PublishedResults.Of("llava-7b").Truth.IsUnlike(8, 2));
        Assert.Contains(PublishedResults.Of("llava-7b").Truth.CaveatsOf(8, 2), place =>
            PublishedResults.Of("llava-7b").Truth.Caveats[place].Text.Contains("19.15", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Every_result_has_a_source_and_its_numbers_a_setting()
    {
        Assert.Equal(PublishedResults.All.Count, PublishedResults.All.Select(result => result.Name).Distinct().Count());
        Assert.All(PublishedResults.All, result =>
        {
            Assert.NotEmpty(result.Source);
            Assert.All(result.Measures, measure => Assert.Equal(result.Tasks.Count, measure.Matrix.Tasks));
            Assert.Null(result.Truth.Judge);
            Assert.All(result.Reasoning, measure => Assert.NotNull(measure.Judge));
        });
        Assert.Equal(
            new PublishedSetting("LLaVA-7B", "moelora", InstructionType.Original, 1, 128, 8),
            PublishedResults.Of("moelora-8").Setting
        );
        Assert.Equal(
            "Table 8 of the paper; results/CLIT_moe8train_testslim of github.com/zackschen/CoIN (branch CoIN at 4122465)",
            PublishedResults.Of("moelora-8").Source
        );
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_nearest() =>
        Assert.Contains(
            "did you mean \"moelora-8\"?",
            Assert.Throws<CoinException>(() => PublishedResults.Of("moelora8")).Message,
            StringComparison.Ordinal
        );
}
