using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class PlainNarratorTests
{
    private readonly PlainNarrator narrator = new(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1));
    private DateTimeOffset now = new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_stages_beginning_and_end_are_told_once()
    {
        Assert.Equal(
            [
                "run 20261124-090000-mini-s42: 8 tasks: ScienceQA, TextVQA, ImageNet, GQA, VizWiz, Grounding, VQAv2, OCR-VQA",
                "stage 1/8 ScienceQA: training, 120 steps",
            ],
            Tell(Snapshots.Training(1, 0), 0)
        );
        Assert.Empty(Tell(Snapshots.Training(1, 1), 1));
        Assert.Contains("stage 1/8 ScienceQA: trained after 45 s", Tell(Snapshots.Of(1), 1));
    }

    [Fact]
    public void Progress_is_told_every_ten_seconds()
    {
        Tell(Snapshots.Training(1, 0), 0);

        Assert.Empty(Tell(Snapshots.Training(1, 10), 9));
        Assert.Equal(
            ["stage 1/8 ScienceQA: step 11/120  loss 0.2083  lr 1.82e-3  5,312 tokens/s, about 6 min 29 s left"],
            Tell(Snapshots.Training(1, 11), 1)
        );
        Assert.Empty(Tell(Snapshots.Training(1, 12), 9));
    }

    [Fact]
    public void Progress_of_a_slow_training_is_told_by_micro_batches_and_not_repeated_while_nothing_moves()
    {
        RunSnapshot At(int step, int microBatch, StepFigures? last = null) =>
            Snapshots.Training(1, step) with
            {
                Training = new TrainingProgress(1, "ScienceQA", step, 120, microBatch, 512, last, microBatch > 0 ? 8.64 : null),
                Remaining = null,
            };
        Tell(At(0, 0), 0);
        Assert.Equal(["stage 1/8 ScienceQA: step 0/120"], Tell(At(0, 0), 10));
        Assert.Equal(["stage 1/8 ScienceQA: step 0/120, micro-batch 3/512  8.6 tokens/s"], Tell(At(0, 3), 10));
        Assert.Empty(Tell(At(0, 3), 10));
        Assert.Empty(Tell(At(0, 3), 49));
        Assert.Single(Tell(At(0, 3), 1));
        Assert.Equal(
            ["stage 1/8 ScienceQA: step 1/120, micro-batch 1/512  loss 9.5000  lr 2.00e-4  8.6 tokens/s"],
            Tell(At(1, 1, new StepFigures(9.5, 2e-4)), 10)
        );
    }

    [Fact]
    public void A_cell_is_told_with_what_it_was_when_just_trained_and_a_row_when_it_is_whole()
    {
        Tell(Snapshots.Of(2), 0);

        var lines = Tell(Snapshots.Of(3), 1);

        Assert.Contains("stage 3/8 ImageNet: ScienceQA 70.00 % published (just trained: 92.00 %)", lines);
        Assert.Contains("stage 3/8 ImageNet: ImageNet 97.00 % published", lines);
        Assert.Equal("after stage 3, published: MAA 80.17 %, BWT -23.00 % so far", lines[^1]);
        Assert.Empty(Tell(Snapshots.Of(3), 1));
    }

    [Fact]
    public void A_resumed_run_does_not_repeat_what_was_told_before_it_stopped()
    {
        var lines = Tell(Snapshots.Training(4, 30), 0);

        Assert.Equal(3, lines.Count);
        Assert.Equal("stage 4/8 GQA: training, 120 steps, at step 30", lines[1]);
        Assert.Equal("stage 3/8 ImageNet: testing on ImageNet, 500 samples", lines[2]);
    }

    [Fact]
    public void A_zero_shot_run_tells_the_base_models_cells()
    {
        var start = Snapshots.Of(0) with { Cells = [], ZeroShot = new double?[8], Evaluations = [new EvaluationProgress(0, "GQA", 0, 40)] };
        Assert.Contains("base model: testing on GQA, 40 samples", Tell(start, 0));

        Assert.Equal(
            ["base model: GQA 12.50 % published"],
            Tell(start with { ZeroShot = [null, null, null, 12.5, null, null, null, null] }, 1)
        );
    }

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(724, "12 min 04 s")]
    [InlineData(11100, "3 h 05 min")]
    [InlineData(183600, "2 d 3 h")]
    public void A_duration_reads_as_people_say_it(int seconds, string expected) =>
        Assert.Equal(expected, Words.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void MAA_and_BWT_are_the_papers_and_wait_for_the_whole_matrix()
    {
        Assert.Equal(71.285, MatrixMetrics.MeanAverageAccuracy(Snapshots.Completed())!.Value, 0.001);
        Assert.Equal(-10.875, MatrixMetrics.BackwardTransfer(Snapshots.Completed())!.Value, 1e-9);
        Assert.Null(MatrixMetrics.MeanAverageAccuracy(Snapshots.Of(7)));
        Assert.Null(MatrixMetrics.BackwardTransfer(Snapshots.Of(7)));
    }

    private IReadOnlyList<string> Tell(RunSnapshot snapshot, int secondsLater)
    {
        now = now.AddSeconds(secondsLater);
        return narrator.Tell(snapshot, now);
    }
}
