using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Tests.Data;

public sealed class SubsetTests
{
    private static readonly int[] Items = [.. Enumerable.Range(0, 1000).Select(item => item * 3)];

    [Fact]
    public void A_smaller_subset_is_contained_in_a_larger_one()
    {
        var small = Subset.Draw(Items, 100, 42);
        var large = Subset.Draw(Items, 400, 42);

        Assert.Equal(100, small.Distinct().Count());
        Assert.Equal(400, large.Distinct().Count());
        Assert.Empty(small.Except(large));
    }

    [Fact]
    public void File_order_is_kept() => Assert.Equal(Subset.Draw(Items, 200, 1).Order(), Subset.Draw(Items, 200, 1));

    [Fact]
    public void The_seed_decides()
    {
        Assert.Equal(Subset.Draw(Items, 50, 7), Subset.Draw(Items, 50, 7));
        Assert.NotEqual(Subset.Draw(Items, 50, 7), Subset.Draw(Items, 50, 8));
    }

    [Fact]
    public void The_draw_is_spread_over_the_file() => Assert.InRange(Subset.Draw(Items, 300, 3).Count(item => item < 1500), 110, 190);

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(5000)]
    public void Zero_and_large_numbers_mean_all(int max) => Assert.Equal(Items, Subset.Draw(Items, max, 42));

    [Theory]
    [InlineData(0.1, 0, 100)]
    [InlineData(0.0001, 0, 1)]
    [InlineData(0.0025, 0, 3)]
    [InlineData(1.0, 0, 1000)]
    [InlineData(0.4, 250, 250)]
    [InlineData(0.4, 600, 400)]
    public void A_volume_is_a_part_and_a_maximum_limits_it(double volume, int max, int expected) =>
        Assert.Equal(expected, Subset.DrawVolume(Items, volume, max, 42).Count);

    [Fact]
    public void The_papers_volumes_are_nested()
    {
        var volumes = new[] { 0.1, 0.2, 0.4, 0.6, 0.8, 1.0 }.Select(volume => Subset.DrawVolume(Items, volume, 0, 5)).ToList();

        Assert.All(volumes.Zip(volumes.Skip(1)), pair => Assert.Empty(pair.First.Except(pair.Second)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    public void A_volume_outside_of_0_to_1_is_refused(double volume) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Subset.DrawVolume(Items, volume, 0, 42));
}
