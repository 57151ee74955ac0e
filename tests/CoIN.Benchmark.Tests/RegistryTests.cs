namespace CoIN.Benchmark.Tests;

public sealed class RegistryTests
{
    private readonly Registry<string> words = new("word", word => word[..2], "Look it up.", "apple", "banana");

    [Fact]
    public void What_is_added_stands_behind_what_there_is_under_a_key_of_its_own()
    {
        words.Add("cherry");
        Assert.Equal(["ap", "ba", "ch"], words.Keys);
        Assert.Equal(["apple", "banana", "cherry"], words.All);
        Assert.Equal("cherry", words.Of("ch"));
        Assert.Throws<ArgumentException>(() => words.Add("barrel"));
        Assert.Equal("banana", words.Of("ba"));
    }

    [Fact]
    public void A_key_that_nobody_has_is_an_error_with_the_nearest_one_all_others_and_the_remedy() =>
        Assert.Equal(
            "There is no word \"bu\"; did you mean \"ba\"? The words are ap, ba. Look it up.",
            Assert.Throws<CoinException>(() => words.Of("bu")).Message
        );

    [Fact]
    public void Of_what_several_threads_add_nothing_is_lost()
    {
        var many = new Registry<string>("number", number => number, "");
        Parallel.For(0, 500, number => many.Add(FormattableString.Invariant($"{number}")));
        Assert.Equal(500, many.Keys.Distinct().Count());
    }
}
