using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Tests.Metrics;

public sealed class MetricSetTests
{
    // Rows: after stages 1, 2, 3. Task 1 peaks after stage 2, task 2 gains in stage 3.
    private static readonly AccuracyMatrix Matrix = new([
        [50.0],
        [80.0, 60.0],
        [20.0, 70.0, 90.0],
    ]);

    private static MeasuredMatrix Measured => new(["a", "b", "c"], Matrix);

    [Fact]
    public void Averages_are_of_the_last_row_and_of_the_diagonal()
    {
        Assert.Equal(60, Measured.Metrics().LastAverage);
        Assert.Equal((50 + 60 + 90) / 3.0, Measured.Metrics().JustTrainedAverage);
    }

    [Fact]
    public void Forgetting_is_from_the_best_earlier_stage_over_all_tasks_but_the_last() =>
        Assert.Equal(((80 - 20) + (60 - 70)) / 2.0, Measured.Metrics().Forgetting);

    [Fact]
    public void A_single_task_has_no_forgetting_and_no_forward_transfer()
    {
        var metrics = new MeasuredMatrix(
            ["a"],
            new AccuracyMatrix([
                [50.0],
            ])
        )
        {
            ZeroShot = [5],
            BeforeTraining = [null],
        }.Metrics();

        Assert.Null(metrics.Forgetting);
        Assert.Null(metrics.ForwardTransfer);
        Assert.Equal((50, 0, 45), (metrics.Maa, metrics.Bwt, metrics.LearningGain));
    }

    [Fact]
    public void The_learning_gain_is_over_the_untrained_model_and_needs_it_for_every_task()
    {
        Assert.Equal(((50 - 10) + (60 - 5) + 90) / 3.0, (Measured with { ZeroShot = [10, 5, 0] }).Metrics().LearningGain);
        Assert.Null((Measured with { ZeroShot = [10, 5, null] }).Metrics().LearningGain);
        Assert.Null(Measured.Metrics().LearningGain);
    }

    [Fact]
    public void Forward_transfer_needs_the_cells_above_the_diagonal()
    {
        Assert.Null((Measured with { ZeroShot = [10, 5, 0] }).Metrics().ForwardTransfer);
        Assert.Null((Measured with { BeforeTraining = [null, 15, 40] }).Metrics().ForwardTransfer);
        Assert.Equal(
            ((15 - 5) + (40 - 0)) / 2.0,
            (Measured with { ZeroShot = [10, 5, 0], BeforeTraining = [null, 15, 40] }).Metrics().ForwardTransfer
        );
    }

    [Fact]
    public void A_missing_cell_leaves_the_numbers_that_need_it_unknown()
    {
        var metrics = new MeasuredMatrix(
            ["a", "b"],
            new AccuracyMatrix([
                [50.0],
                [null, 60.0],
            ])
        ).Metrics();

        Assert.Equal(55, metrics.JustTrainedAverage);
        Assert.All([metrics.Maa, metrics.Bwt, metrics.LastAverage, metrics.Forgetting], value => Assert.Null(value));
    }

    [Fact]
    public void Seeds_are_summed_up_as_mean_and_sample_deviation()
    {
        var summary = SeedSummary.Of([
            Measured,
            new(
                ["a", "b", "c"],
                new AccuracyMatrix([
                    [60.0],
                    [80.0, 60.0],
                    [20.0, 70.0, null],
                ])
            ),
        ]);

        Assert.Equal(new MeanDeviation(55, Math.Sqrt(50), 2), summary.Cells[0][0]);
        Assert.Equal(new MeanDeviation(90, null, 1), summary.Cells[2][2]);
        Assert.Equal(new MeanDeviation(Matrix.Maa!.Value, null, 1), summary.Metrics.Maa);
        Assert.Null(summary.Metrics.LearningGain);
    }

    [Fact]
    public void Runs_over_different_numbers_of_tasks_are_no_seeds_of_one_experiment() =>
        Assert.Throws<ArgumentException>(() => SeedSummary.Of([Measured, new(["a"], new AccuracyMatrix(1))]));
}
