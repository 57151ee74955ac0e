using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;
using CoIN.Benchmark.Work;

namespace CoIN.Benchmark.Tests.Work;

public sealed class TestSetsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TestSets sets = new(capacity: 2);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_read_once_while_it_stays_what_it_is()
    {
        Write("a", 3);
        Assert.Same(sets.Of(folder.File("a")), sets.Of(folder.File("a")));
    }

    [Fact]
    public void A_file_that_was_changed_is_read_again()
    {
        Write("a", 3);
        Assert.Equal(3, sets.Of(folder.File("a")).Count);
        Write("a", 4);
        Assert.Equal(4, sets.Of(folder.File("a")).Count);

        // The same size, another time.
        var before = sets.Of(folder.File("a"));
        File.SetLastWriteTimeUtc(folder.File("a"), File.GetLastWriteTimeUtc(folder.File("a")).AddSeconds(1));
        Assert.NotSame(before, sets.Of(folder.File("a")));

        File.Delete(folder.File("a"));
        Assert.Throws<CoinException>(() => sets.Of(folder.File("a")));
    }

    [Fact]
    public void Only_so_many_are_kept_and_those_that_were_asked_for_last()
    {
        foreach (var name in new[] { "a", "b", "c" })
        {
            Write(name, 1);
        }

        var (a, b) = (sets.Of(folder.File("a")), sets.Of(folder.File("b")));
        Assert.Same(a, sets.Of(folder.File("a")));
        sets.Of(folder.File("c"));
        Assert.Same(a, sets.Of(folder.File("a")));
        Assert.NotSame(b, sets.Of(folder.File("b")));
    }

    private void Write(string name, int samples) =>
        File.WriteAllText(
            folder.File(name),
            "[" + string.Join(",", Enumerable.Range(0, samples).Select(id => $$"""{"question_id":{{id}},"text":"q","answer":"a"}""")) + "]"
        );
}
