using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Sequences;

namespace CoIN.Models.Tests.Sequences;

public sealed class StepCutTests
{
    // Lengths from 10 to 209, one to nine labelled tokens; sample 7 is longer than any budget here.
    private static readonly SequenceSize[] Sizes =
    [
        .. Enumerable.Range(0, 50).Select(i => new SequenceSize(i == 7 ? 900 : 10 + (i * 37 % 200), 1 + (i * 5 % 9), 1)),
    ];

    [Fact]
    public void Samples_are_counted_where_no_tokens_are_named()
    {
        var cuts = Cut(null, 2).Of(3);
        Assert.Equal([0, 1, 2, 3], cuts.Select(cut => cut.Number));
        Assert.Equal([0, 0, 1, 1], cuts.Select(cut => cut.Share));
        Assert.Equal([false, true, false, true], cuts.Select(cut => cut.EndsShare));
        Assert.All(cuts, cut => Assert.Equal((3, null, null), (cut.Samples.Count, cut.Weight, cut.Factors)));
        Assert.Equal(Enumerable.Range(0, 4).Select(micro => Order().MicroBatch(3, micro)), cuts.Select(cut => cut.Samples));
        Assert.Equal(1, Cut(null, 2, LossMean.TokenMean).Of(3).Sum(cut => cut.Weight!.Value), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void By_tokens_each_share_keeps_its_samples_in_few_full_micro_batches_of_about_one_length(int shares)
    {
        var alone = 0;
        foreach (var step in Enumerable.Range(0, 12))
        {
            var (counted, cuts) = (Cut(null, shares).Of(step), Cut(400, shares).Of(step));
            Assert.Equal(Enumerable.Range(0, cuts.Count), cuts.Select(cut => cut.Number));
            for (var share = 0; share < shares; share++)
            {
                var own = cuts.Where(cut => cut.Share == share).ToList();
                Assert.Equal(
                    counted.Where(cut => cut.Share == share).SelectMany(cut => cut.Samples).Order(),
                    own.SelectMany(cut => cut.Samples).Order()
                );
                Assert.Equal([.. Enumerable.Repeat(false, own.Count - 1), true], own.Select(cut => cut.EndsShare));
                Assert.Equal(
                    own.SelectMany(cut => cut.Samples).Select(sample => Sizes[sample].Positions),
                    own.SelectMany(cut => cut.Samples).Select(sample => Sizes[sample].Positions).OrderDescending()
                );

                // No two neighbours could have been one.
                Assert.All(own.Zip(own.Skip(1)), pair =>
                    Assert.True(Positions(pair.First) + Sizes[pair.Second.Samples[0]].Positions > 400)
                );
            }

            foreach (var cut in cuts.Where(cut => Positions(cut) > 400))
            {
                Assert.Equal([7], cut.Samples);
                alone++;
            }
        }

        Assert.InRange(alone, 1, 12);
    }

    [Theory]
    [InlineData(LossMean.MicroBatchMean, 400)]
    [InlineData(LossMean.MicroBatchMean, 10_000)]
    [InlineData(LossMean.TokenMean, 400)]
    public void By_tokens_every_labelled_token_weighs_what_it_weighs_in_counted_micro_batches(LossMean loss, int tokens)
    {
        foreach (var step in Enumerable.Range(0, 4))
        {
            var wanted = Weights(Cut(null, 1, loss).Of(step));
            var found = Weights(Cut(tokens, 1, loss).Of(step));
            Assert.Equal(wanted.Keys.Order(), found.Keys.Order());
            Assert.All(wanted, one => Assert.Equal(one.Value, found[one.Key], 1e-6));
            Assert.Equal(1, Cut(tokens, 1, loss).Of(step).Sum(cut => cut.Weight!.Value), 1e-12);
            Assert.Equal(loss == LossMean.MicroBatchMean, Cut(tokens, 1, loss).Of(step).Any(cut => cut.Factors is not null));
        }
    }

    [Fact]
    public void A_data_set_smaller_than_a_step_is_gone_round_again_by_tokens_too()
    {
        var few = Sizes[..5];
        var cut = new StepCut(new DataOrder(5, 3, 4, 1), few, Training(100, 1));
        Assert.Equal(
            new StepCut(new DataOrder(5, 3, 4, 1), few, Training(null, 1)).Of(0).SelectMany(one => one.Samples).Order(),
            cut.Of(0).SelectMany(one => one.Samples).Order()
        );
        Assert.Equal(1, cut.Of(0).Sum(one => one.Weight!.Value), 1e-12);
    }

    /// <summary>What a labelled token of each sample weighs in the step.</summary>
    private static Dictionary<int, double> Weights(IReadOnlyList<MicroBatchCut> cuts) =>
        cuts.SelectMany(cut =>
                cut.Samples.Select(
                    (sample, place) =>
                        (sample, (cut.Weight ?? 0.25) / cut.Samples.Sum(each => Sizes[each].Labelled) * (cut.Factors?[place] ?? 1))
                )
            )
            .ToDictionary();

    private static long Positions(MicroBatchCut cut) => cut.Samples.Sum(sample => Sizes[sample].Positions);

    private static DataOrder Order() => new(50, 3, 4, 1);

    private static StepCut Cut(int? tokens, int shares, LossMean loss = LossMean.MicroBatchMean) =>
        new(Order(), Sizes, Training(tokens, shares) with { Loss = loss });

    private static TrainingOptions Training(int? tokens, int shares) =>
        new()
        {
            BatchSize = 3,
            GradientAccumulation = 4,
            WorldSize = shares,
            MicroBatchTokens = tokens,
        };
}
