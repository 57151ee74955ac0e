using CoIN.Benchmark;
using CoIN.Cli.Engine;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class ReplacementTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_folder_that_is_absent_or_empty_may_be_written()
    {
        Check("new", force: false);
        Directory.CreateDirectory(folder.PathOf("empty"));
        Check("empty", force: false);
    }

    [Fact]
    public void What_was_made_before_is_replaced_on_request_only()
    {
        folder.Write("old/images/a.png", "x");

        Assert.Contains(
            "holds data already",
            Assert.Throws<CoinException>(() => Check("old", force: false)).Message,
            StringComparison.Ordinal
        );
        Check("old", force: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_with_anything_else_is_never_replaced(bool force)
    {
        folder.Write("home/images/a.png", "x");
        folder.Write("home/letters.txt", "x");

        Assert.Contains(
            "holds letters.txt, which would be lost",
            Assert.Throws<CoinException>(() => Check("home", force)).Message,
            StringComparison.Ordinal
        );
    }

    private void Check(string name, bool force) => Replacement.Check(folder.PathOf(name), force, "data", entry => entry == "images");
}
