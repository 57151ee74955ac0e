using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>A tiny Qwen-VL through the whole program.</summary>
public sealed class QwenVlTests : IAsyncLifetime
{
    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task It_is_made_looked_into_trained_killed_resumed_and_merged()
    {
        var model = Path.Combine(lab.Folder, "model");
        await Done("mini", "pretrain", "--family", "qwen-vl", "--out", model, "--steps", "1");
        Assert.Contains(": Qwen-VL", await Done("model", "info", model), StringComparison.Ordinal);

        string[] settings =
        [
            $"model.path={model}", "model.conversation=null", "model.max-length=768", "order=[ImageNet,Grounding]", "training.max-steps=6",
            "training.batch-size=4", "training.weight-decay=0.1", "training.beta2=0.95", "lora.targets=[c_attn,attn.c_proj,w1,w2]", "lora.train-projector=false",
        ];
        await Done(lab.Run("whole", settings));
        await lab.KillAsync("killed", lab.Run("killed", settings), "step-000003", "1-*");
        await lab.KillAsync("killed", lab.Resume("killed"), "step-000003", "2-*");
        await Done(lab.Resume("killed"));
        Laboratory.AssertSame(lab.Essence("whole"), lab.Essence("killed"));

        var adapter = Directory.GetFiles(lab.PathOf("whole", "stages"), "adapter_config.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last();
        Assert.Contains("c_attn\"", await File.ReadAllTextAsync(adapter, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var merged = Path.Combine(lab.Folder, "merged");
        await Done("model", "merge", Path.GetDirectoryName(adapter)!, "--model", model, "--out", merged);
        Assert.Contains(": Qwen-VL", await Done("model", "info", merged), StringComparison.Ordinal);
    }

    private static async Task<string> Done(params string[] command)
    {
        var (code, output) = await CoinProcess.RunAsync(command);
        Assert.True(code == 0, output);
        return output;
    }
}
