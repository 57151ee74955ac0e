using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class DataPartsTests
{
    private static readonly DataOptions All = new() { Instructions = "i", Images = "p" };

    [Fact]
    public void A_report_says_which_part_of_the_training_sets_was_used()
    {
        Assert.Equal("all", DataParts.Training(All));
        Assert.Equal("40 % of each task's", DataParts.Training(All with { Volume = 0.4 }));
        Assert.Equal(
            "12.5 % of each task's, at most 2000 per task",
            DataParts.Training(All with { Volume = 0.125, MaxTrainSamples = 2000 })
        );
    }

    [Fact]
    public void A_report_says_which_test_samples_were_asked()
    {
        Assert.Equal("all", DataParts.Test(All with { TestSubset = TestSubset.Seeded }));
        Assert.Equal("at most 500 per task, the first of the file", DataParts.Test(All with { MaxTestSamples = 500 }));
        Assert.Equal(
            "at most 500 per task, drawn by the seed",
            DataParts.Test(All with { MaxTestSamples = 500, TestSubset = TestSubset.Seeded })
        );
    }
}
