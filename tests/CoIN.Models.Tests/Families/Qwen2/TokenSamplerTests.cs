using CoIN.Models.Families.Qwen2;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Qwen2;

public sealed class TokenSamplerTests : IDisposable
{
    private const int Draws = 4000;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Tokens_come_as_often_as_their_probabilities_say_and_never_beyond_top_p()
    {
        // Of 0.5, 0.3, 0.15 and 0.05 the first two reach 0.7 together.
        var counts = Sample(new SamplingOptions(1, 0.7, 1, 7)).CountBy(id => id).ToDictionary();
        Assert.Equal([0, 2], counts.Keys.Order());
        Assert.InRange(counts[2] / (double)Draws, 0.595, 0.655);
    }

    [Fact]
    public void Without_top_p_every_token_may_come()
    {
        var counts = Sample(new SamplingOptions(1, 1, 1, 7)).CountBy(id => id).ToDictionary();
        Assert.InRange(counts[2] / (double)Draws, 0.47, 0.53);
        Assert.InRange(counts[3] / (double)Draws, 0.035, 0.065);
    }

    [Fact]
    public void The_same_seed_gives_the_same_tokens_and_another_seed_others()
    {
        Assert.Equal(Sample(new SamplingOptions(1, 1, 1, 7)), Sample(new SamplingOptions(1, 1, 1, 7)));
        Assert.NotEqual(Sample(new SamplingOptions(1, 1, 1, 7)), Sample(new SamplingOptions(1, 1, 1, 8)));
    }

    /// <summary>What SplitMix64 gives where it is written out elsewhere: replies of former runs depend on it.</summary>
    [Fact]
    public void The_draws_of_a_seed_and_a_prompt_are_for_good()
    {
        long[] Drawn(int seed, int[] prompt, int count)
        {
            var sampler = new TokenSampler(new SamplingOptions(1, 1, 1, seed), [prompt]);
            return [.. Enumerable.Range(0, count).Select(_ => sampler.Choose(Scores(1), [0])[0])];
        }

        Assert.Equal([0, 2, 2, 2, 2, 0, 0, 2, 2, 1, 2, 2, 0, 2, 2, 0, 1, 2, 2, 2, 2, 2, 2, 0], Drawn(7, [1, 2], 24));
        Assert.Equal([2, 0, 0, 2, 2, 2, 2, 0, 2, 2, 0, 2], Drawn(-3, [5], 12));
    }

    [Fact]
    public void A_row_is_the_same_in_whatever_batch_it_is()
    {
        int[] first = [1, 2],
            second = [3];
        var options = new SamplingOptions(1, 1, 1, 7);
        var (both, alone) = (new TokenSampler(options, [first, second]), new TokenSampler(options, [second]));
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(both.Choose(Scores(2), [0, 1])[1], alone.Choose(Scores(1), [0])[0]);
        }
    }

    [Fact]
    public void A_token_that_was_chosen_is_penalized_from_then_on()
    {
        var sampler = new TokenSampler(
            new SamplingOptions(0, 1, 2, 0),
            [
                [0],
            ]
        );
        Tensor Step() =>
            tensor(
                new[,]
                {
                    { 5f, 4f, 3f, -1f },
                }
            );
        Assert.Equal(1, sampler.Choose(Step(), [0])[0]);
        Assert.Equal(2, sampler.Choose(Step(), [0])[0]);
        Assert.Equal(0, sampler.Choose(Step(), [0])[0]);
        var scores = tensor(
            new[,]
            {
                { -1f, 1f },
            }
        );
        new TokenSampler(
            new SamplingOptions(0, 1, 2, 0),
            [
                [0],
            ]
        ).Penalize(scores, [0]);
        Assert.Equal([-2f, 1f], scores.data<float>().ToArray());
    }

    private static Tensor Scores(int rows) => tensor(new[] { 0.3f, 0.15f, 0.5f, 0.05f }).log().unsqueeze(0).repeat(rows, 1);

    private static List<long> Sample(SamplingOptions options)
    {
        var sampler = new TokenSampler(
            options,
            [
                [1],
            ]
        );
        return [.. Enumerable.Range(0, Draws / 100).SelectMany(_ => sampler.Choose(Scores(100), [.. Enumerable.Repeat(0, 100)]))];
    }
}
