using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>The miniature by methods that keep something from stage to stage.</summary>
public sealed class KilledMethodsTests : IAsyncLifetime
{
    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Theory]
    [InlineData("method=ewc", "ewc.samples=20", "ewc.lambda=100")]
    [InlineData("method=lwf", "lwf.samples=10", "lwf.lambda=1")]
    [InlineData("method=replay", "replay.samples=10", "data.validation=20")]
    [InlineData("method=o-lora")]
    public async Task Killed_in_both_stages_a_run_ends_with_the_same_bits(params string[] keys)
    {
        string[] method = [.. keys, "order=[ImageNet,GQA]", "training.max-steps=6"];
        var (code, output) = await CoinProcess.RunAsync(lab.Run("whole", method));
        Assert.True(code == 0, output);
        await lab.KillAsync("killed", lab.Run("killed", method), "step-000003", "1-*");
        await lab.KillAsync("killed", lab.Resume("killed"), "step-000003", "2-*");
        (code, output) = await CoinProcess.RunAsync(lab.Resume("killed"));
        Assert.True(code == 0, output);
        var essence = lab.Essence("whole");
        Laboratory.AssertSame(essence, lab.Essence("killed"));
        Assert.NotEmpty(Directory.GetFiles(lab.PathOf("killed", "stages"), "method_state.json", SearchOption.AllDirectories));
        if (keys.Any(key => key.StartsWith("data.validation", StringComparison.Ordinal)))
        {
            Assert.Equal(
                [3, 6, 3, 6],
                lab.Report("killed")["validation"]!.SelectMany(stage => stage["points"]!).Select(point => (int)point["step"]!)
            );
        }
    }
}
