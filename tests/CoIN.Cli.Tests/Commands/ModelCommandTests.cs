using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class ModelCommandTests : IDisposable
{
    private readonly CommandLine line = new();

    public void Dispose() => line.Dispose();

    [Theory]
    [InlineData("There is no model folder or file", 1, "model", "info", "nowhere")]
    [InlineData("--projector needs --vision-tower", 2, "model", "info", "x", "--projector", "y")]
    [InlineData("There is no model folder", 1, "model", "merge", "a", "--model", "nowhere", "--out", "new")]
    [InlineData("not empty", 1, "model", "merge", "a", "--model", "model", "--out", "full")]
    [InlineData("'float64' not recognized", 2, "model", "merge", "a", "--model", "model", "--out", "new", "--dtype", "float64")]
    [InlineData("--out", 2, "model", "merge", "a", "--model", "model")]
    public async Task What_cannot_be_done_is_told_and_ends_with_a_fault(string expected, int code, params string[] arguments)
    {
        line.Folder.Write("full/file", "");

        Assert.Equal(code, await line.InvokeAsync(arguments));
        Assert.Contains(expected, line.Error);
        Assert.False(Directory.Exists(line.Folder.PathOf("new")));
    }
}
