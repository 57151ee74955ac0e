using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Sequences;

namespace CoIN.Models.Tests.Sequences;

public sealed class LengthGroupsTests
{
    // Every third sample is text alone; lengths differ widely.
    private static readonly SequenceSize[] Sizes =
    [
        .. Enumerable.Range(0, 50).Select(i => new SequenceSize(10 + (i * 37 % 200), 1, i % 3 == 0 ? 0 : 1)),
    ];

    [Fact]
    public void Steps_are_of_one_modality_and_their_micro_batches_of_about_one_size()
    {
        var arranged = Arrange(5);
        Assert.Equal(Enumerable.Range(0, 50), arranged.Order());

        // 33 samples with pictures and 17 without: 8 and 4 whole steps of 4, the two that stay over come last.
        foreach (var step in arranged[..48].Chunk(4))
        {
            Assert.Single(step.Select(i => Sizes[i].Pictures).Distinct());
            var (a, b) = (step[..2].Sum(i => Sizes[i].Positions), step[2..].Sum(i => Sizes[i].Positions));
            Assert.InRange(Math.Abs(a - b), 0, step.Max(i => Sizes[i].Positions) - step.Min(i => Sizes[i].Positions));
        }
    }

    [Fact]
    public void The_order_follows_from_the_seed()
    {
        Assert.Equal(Arrange(5), Arrange(5));
        Assert.NotEqual(Arrange(5), Arrange(6));
    }

    private static int[] Arrange(long seed) => LengthGroups.Arrange([.. Enumerable.Range(0, 50)], Sizes, 2, 2, new SeededRandom(seed));
}
