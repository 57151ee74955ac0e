using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Data;

public sealed class LookAlikesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a/cafe\u0301.jpg", "a/caf\u00E9.jpg", "written with other code points")]
    [InlineData("cafe\u0301/1.jpg", "caf\u00E9/1.jpg", ", but cafe\u0301/1.jpg does")]
    [InlineData("a/1.JPG", "a/1.jpg", ", but 1.JPG does")]
    [InlineData("a/1.jpg", "a/1.gif", ", but 1.jpg does")]
    [InlineData("A/1.png", "a/1.png", ", but A/1.png does")]
    public void A_file_of_nearly_the_same_name_is_found_and_named(string there, string asked, string clause)
    {
        folder.Write(there, "x");
        var others = new LookAlikes(folder.Path);

        Assert.Equal(there, others.Find(asked));
        Assert.Contains(clause, others.Clause(asked), StringComparison.Ordinal);
        Assert.Contains(
            others.Clause(asked),
            Assert.Throws<CoinException>(() => ImageFiles.Check(folder.Path, [("1", asked)])).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("a/2.jpg")]
    [InlineData("b/1.jpg")]
    [InlineData("a/1/1.jpg")]
    [InlineData("a")]
    public void Another_name_is_none(string asked)
    {
        folder.Write("a/1.jpg", "x");

        Assert.Null(new LookAlikes(folder.Path).Find(asked));
        Assert.Equal("", new LookAlikes(folder.Path).Clause(asked));
    }
}
