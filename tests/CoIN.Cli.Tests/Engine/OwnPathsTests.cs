using CoIN.Cli.Engine;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Engine;

public sealed class OwnPathsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("coin.node.paths = [\"/data/hf = /mnt/models\"]", "/mnt/models/llava")]
    [InlineData("coin.name = other", "/data/hf/llava")]
    [InlineData("coin.node.paths = [nonsense]", "/data/hf/llava")]
    [InlineData("coin {", "/data/hf/llava")]
    [InlineData(null, "/data/hf/llava")]
    public void Files_of_a_run_that_nobody_drives_are_where_its_settings_say(string? settings, string here)
    {
        var complete = string.Join('\n', folder.Complete().Select(setting => "coin." + setting));
        if (settings is not null)
        {
            folder.Write("settings.conf", $"{complete}\n{settings}");
        }

        Assert.Equal(here, OwnPaths.Of(folder.Path).Here("/data/hf/llava"));
    }
}
