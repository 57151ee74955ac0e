using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Metrics;

public sealed class RunMetricsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Both_scorings_are_summed_up_with_intervals_from_the_scores_files()
    {
        var report = Tests.Reports.Reports.Sequential() with
        {
            Cells = [Cell(1, "GQA", "1-1", 50, 75), Cell(2, "GQA", "2-1", 25, 50), Cell(2, "OCR-VQA", "2-2", 100, 100)],
        };

        var metrics = RunMetrics.Of(new ReportedRun(report, folder.Path));

        Assert.Equal((-12.5, -12.5), (metrics.Published.Values.Bwt, metrics.Corrected!.Values.Bwt));
        Assert.Equal((50 + 62.5) / 2, metrics.Published.Values.Maa);
        Assert.Equal((75 + 75) / 2.0, metrics.Corrected.Values.Maa);
        Assert.Equal(75, metrics.Corrected.Measured.Matrix[0, 0]);
        Assert.Equal(new Interval(100, 100), metrics.Published.CellInterval(2, 1));
        Assert.True(metrics.Published.CellInterval(1, 0) is { } cell && cell.Low < 50 && cell.High > 50);
        Assert.True(metrics.Corrected.Intervals.Bwt is { } bwt && bwt.Low < -12.5 && bwt.High > -12.5);
        Assert.Null(metrics.Published.CellInterval(0, 0));
    }

    [Fact]
    public void A_run_older_than_corrected_scoring_has_published_numbers_without_intervals()
    {
        var metrics = RunMetrics.Of(new ReportedRun(Tests.Reports.Reports.Sequential(), folder.Path));

        Assert.Null(metrics.Corrected);
        Assert.Equal(-5.064, metrics.Published.Values.Bwt!.Value, 1e-9);
        Assert.Null(metrics.Published.Intervals.Bwt);
        Assert.Empty(metrics.Published.CellIntervals);
    }

    [Fact]
    public void A_zero_shot_run_gives_the_learning_gain_with_samples_paired_by_question()
    {
        var report = Tests.Reports.Reports.Sequential() with
        {
            Cells = [Cell(1, "GQA", "1-1", 50, 50), Cell(2, "GQA", "2-1", 50, 50), Cell(2, "OCR-VQA", "2-2", 100, 100)],
        };
        var zeroShot = Tests.Reports.Reports.ZeroShot() with
        {
            Tasks = ["OCR-VQA", "GQA"],
            Cells = [Cell(0, "GQA", "0-1", 50, 50), Cell(0, "OCR-VQA", "0-2", 0, 0)],
        };

        var published = RunMetrics.Of(new ReportedRun(report, folder.Path), new ReportedRun(zeroShot, folder.Path)).Published;

        Assert.Equal([50, 0], published.Measured.ZeroShot);
        Assert.Equal(50, published.Values.LearningGain);
        Assert.Equal(new Interval(50, 50), published.Intervals.LearningGain);
    }

    [Fact]
    public void A_zero_shot_run_has_a_zero_shot_row_and_no_matrix()
    {
        var published = RunMetrics.Of(new ReportedRun(Tests.Reports.Reports.ZeroShot(), null)).Published;

        Assert.Equal([5.5, 0], published.Measured.ZeroShot);
        Assert.Null(published.Values.Maa);
    }

    [Fact]
    public void A_damaged_scores_file_is_named_with_its_line()
    {
        folder.Write(
            "scores/x.jsonl",
            "{\"question_id\":\"1\",\"published\":1.0,\"corrected\":1.0}\n{\"question_id\":\"2\",\"published\":17,\"corrected\":1.0}\n"
        );
        var report = Tests.Reports.Reports.Sequential() with
        {
            Cells = [new("GQA", new(1, 0, 50, 4, "p", "s") { ScoresFile = "scores/x.jsonl" })],
        };

        var fault = Assert.Throws<CoinException>(() => RunMetrics.Of(new ReportedRun(report, folder.Path)));

        Assert.Contains("scores/x.jsonl, line 2", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>A cell with a scores file of four samples.</summary>
    private CellReport Cell(int stage, string task, string name, double published, double corrected)
    {
        var file = $"scores/{name}.jsonl";
        ScoresFile.Write(
            folder.File(file),
            [
                .. Enumerable
                    .Range(0, 4)
                    .Select(place => new SampleScore($"q{place}", place < published / 25 ? 1 : 0, place < corrected / 25 ? 1 : 0)),
            ]
        );
        return new CellReport(
            task,
            new(stage, 0, published, 4, "p", "s")
            {
                Corrected = corrected,
                CorrectedSamples = 4,
                ScoresFile = file,
            }
        );
    }
}
