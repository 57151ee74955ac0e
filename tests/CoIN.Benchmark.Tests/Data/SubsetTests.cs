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
    public void The_draw_is_spread_over_the_file()
        => Assert.InRange(Subset.Draw(Items, 300, 3).Count(item => item < 1500), 110, 190);

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(5000)]
    public void Zero_and_large_numbers_mean_all(int max) => Assert.Equal(Items, Subset.Draw(Items, max, 42));
}
