using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;

namespace CoIN.Actors.Tests.Protocol;

public sealed class InnerPathTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../other/journal.db")]
    [InlineData("stages/../../other")]
    [InlineData("stages/..")]
    [InlineData("out/file")]
    [InlineData("out")]
    [InlineData("circle/file")]
    public void A_path_that_leads_out_of_the_runs_folder_is_refused(string path)
    {
        Links();
        Assert.Contains(
            "leads out",
            Assert.Throws<CoinException>(() => InnerPath.Of(folder.Of("run"), path)).Message,
            StringComparison.Ordinal
        );
        Assert.False(InnerPath.AllInside(folder.Of("run"), ["journal.db", path]));
    }

    [Theory]
    [InlineData("journal.db")]
    [InlineData("stages/1-Task1/adapter")]
    [InlineData("in/file")]
    [InlineData("a..b/c")]
    public void A_path_in_the_runs_folder_is_made_absolute(string path)
    {
        Links();
        Assert.Equal(Path.Combine(folder.Of("run"), path), InnerPath.Of(folder.Of("run") + "/", path));
        Assert.True(InnerPath.AllInside(folder.Of("run"), [path]));
    }

    [Fact]
    public void The_runs_folder_may_be_a_link_itself()
    {
        Links();
        Directory.CreateSymbolicLink(folder.Of("linked"), folder.Of("run"));
        Assert.Equal(folder.Of("linked/stages"), InnerPath.Of(folder.Of("linked"), "stages"));
    }

    private void Links()
    {
        Directory.CreateDirectory(folder.Of("run/stages"));
        Directory.CreateDirectory(folder.Of("other"));
        Directory.CreateSymbolicLink(folder.Of("run/out"), folder.Of("other"));
        Directory.CreateSymbolicLink(folder.Of("run/in"), folder.Of("run/stages"));
        Directory.CreateSymbolicLink(folder.Of("run/circle"), folder.Of("run/circle"));
    }
}
