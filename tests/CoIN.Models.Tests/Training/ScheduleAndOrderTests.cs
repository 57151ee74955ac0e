using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Sequences;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

public sealed class ScheduleAndOrderTests
{
    [Theory]
    [InlineData(100, 16, 1, 1.0, 7, 1)]
    [InlineData(100, 16, 2, 1.0, 3, 1)]
    [InlineData(100, 16, 8, 1.0, 1, 1)]
    [InlineData(1000, 10, 1, 0.5, 50, 2)]
    public void Steps_are_counted_as_the_trainer_of_transformers_4_31_does(
        int samples,
        int batch,
        int accumulation,
        double epochs,
        int total,
        int warmup
    )
    {
        var schedule = LearningRateSchedule.For(
            new TrainingOptions { GradientAccumulation = accumulation, Epochs = epochs },
            batch,
            samples
        );
        Assert.Equal((total, warmup), (schedule.TotalSteps, schedule.WarmupSteps));
    }

    [Fact]
    public void Warmup_rises_from_zero_and_the_cosine_falls_to_zero()
    {
        var cosine = new LearningRateSchedule(Schedule.Cosine, 12, 2);
        Assert.Equal([0, 0.5, 1], new[] { 0, 1, 2 }.Select(cosine.Multiplier));
        Assert.Equal(0.5, cosine.Multiplier(7), 12);
        Assert.Equal(0, cosine.Multiplier(12), 12);
        Assert.Equal(1, new LearningRateSchedule(Schedule.Constant, 12, 2).Multiplier(11));

        // A floor of a tenth: half way down is half way between the two.
        var floor = LearningRateSchedule.For(
            new TrainingOptions
            {
                LearningRate = 2,
                MinLr = 0.2,
                MaxSteps = 12,
                WarmupRatio = 2 / 12.0,
            },
            1,
            1
        );
        Assert.Equal([0, 0.5, 1], new[] { 0, 1, 2 }.Select(floor.Multiplier));
        Assert.Equal([0.55, 0.1], new[] { 7, 12 }.Select(step => Math.Round(floor.Multiplier(step), 12)));
    }

    [Fact]
    public void An_epoch_takes_every_sample_once_and_the_next_one_in_another_order()
    {
        var order = new DataOrder(20, 3, 2, seed: 5);
        List<int> Epoch(int epoch) =>
            [.. Enumerable.Range(0, 3).SelectMany(step => new[] { 0, 1 }.SelectMany(micro => order.MicroBatch((epoch * 3) + step, micro)))];
        Assert.Equal(18, Epoch(0).Distinct().Count());
        Assert.NotEqual(Epoch(0), Epoch(1));
        Assert.Equal(
            Epoch(0),
            new DataOrder(20, 3, 2, seed: 5) is var again
                ? [.. Enumerable.Range(0, 3).SelectMany(step => new[] { 0, 1 }.SelectMany(micro => again.MicroBatch(step, micro)))]
                : []
        );
        Assert.NotEqual(Epoch(0)[..3], new DataOrder(20, 3, 2, seed: 6).MicroBatch(0, 0));
    }

    [Fact]
    public void A_step_s_samples_do_not_depend_on_where_one_begins()
    {
        var straight = new DataOrder(10, 4, 1, seed: 1);
        var all = Enumerable.Range(0, 9).Select(step => straight.MicroBatch(step, 0)).ToList();
        Assert.Equal(all[8], new DataOrder(10, 4, 1, seed: 1).MicroBatch(8, 0));
    }

    [Fact]
    public void Fewer_samples_than_a_step_takes_are_gone_round_again() =>
        Assert.Equal(3, new DataOrder(3, 4, 2, seed: 1).MicroBatch(0, 1).Count);

    [Fact]
    public void Random_numbers_stay_the_same_in_every_version()
    {
        var random = new SeededRandom(42);
        Assert.Equal([13679457532755275413UL, 2949826092126892291UL], [random.NextBits(), random.NextBits()]);
        Assert.NotEqual(SeededRandom.Combine(1, 2), SeededRandom.Combine(2, 1));
    }

    [Fact]
    public void Dropout_follows_from_its_seed_alone()
    {
        using var scope = NewDisposeScope();
        var dropout = new Dropout(0.25, CPU);
        var x = ones(100, 100);
        Tensor Masked(long seed)
        {
            dropout.Seed(seed);
            return dropout.Apply(x);
        }

        Assert.True(Masked(3).equal(Masked(3)).all().item<bool>());
        Assert.False(Masked(3).equal(Masked(4)).all().item<bool>());
        Assert.InRange(Masked(3).gt(0).to(ScalarType.Float32).mean().item<float>(), 0.72, 0.78);
        Assert.Equal(4.0 / 3, dropout.Scale, 4);
    }

    [Fact]
    public void Random_bytes_drawn_in_pieces_are_those_drawn_at_once()
    {
        byte[] whole = new byte[1000],
            pieces = new byte[1000];
        RandomBits.Below(whole, 7, 20000);
        RandomBits.Below(pieces.AsSpan(0, 320), 7, 20000);
        RandomBits.Below(pieces.AsSpan(320), 7, 20000, 320);
        Assert.Equal(whole, pieces);
    }
}
