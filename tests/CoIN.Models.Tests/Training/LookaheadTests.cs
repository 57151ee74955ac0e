using CoIN.Models.Training;

namespace CoIN.Models.Tests.Training;

public sealed class LookaheadTests
{
    [Fact]
    public void Items_come_in_their_order_however_long_each_takes()
    {
        using var items = new Lookahead<int, int>(Enumerable.Range(3, 6), 3, number =>
        {
            Thread.Sleep(9 - number);
            return number;
        });
        Assert.Equal([3, 4, 5, 6, 7, 8], Enumerable.Range(0, 6).Select(_ => items.Take()));
        Assert.Throws<InvalidOperationException>(() => items.Take());
    }

    [Fact]
    public void No_more_than_the_depth_is_made_ahead()
    {
        var made = 0;
        using (var items = new Lookahead<int, int>(Enumerable.Range(0, 100), 2, _ => Interlocked.Increment(ref made)))
        {
            items.Take();
        }

        Assert.InRange(made, 1, 3);
    }

    [Fact]
    public void What_fails_throws_where_it_is_taken()
    {
        using var items = new Lookahead<int, int>(Enumerable.Range(0, 3), 2, number => number == 1 ? throw new FormatException("one") : 7);
        Assert.Equal(7, items.Take());
        Assert.Equal("one", Assert.Throws<FormatException>(() => items.Take()).Message);
    }
}
