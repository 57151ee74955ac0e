using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>Tiny models of the families beside LLaVA through the whole program.</summary>
public sealed class FamilyTests : IAsyncLifetime
{
    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Theory]
    [InlineData(
        "minigpt-v2",
        "MiniGPT-v2, one folder",
        "v_proj",
        "training.weight-decay=0.05 lora.targets=[q_proj,v_proj] tasks.Grounding.scorer=grounding-minigpt"
    )]
    [InlineData(
        "qwen-vl",
        ": Qwen-VL",
        "c_attn",
        "model.max-length=768 training.batch-size=4 training.weight-decay=0.1 training.beta2=0.95 lora.targets=[c_attn,attn.c_proj,w1,w2] lora.train-projector=false"
    )]
    [InlineData("qwen2.5-vl", ": Qwen2.5-VL", "gate_proj", "lora.train-projector=false")]
    public async Task It_is_made_looked_into_trained_killed_resumed_and_merged(
        string family,
        string description,
        string adapted,
        string own
    )
    {
        var model = Path.Combine(lab.Folder, "model");
        await Done("mini", "pretrain", "--family", family, "--out", model, "--steps", "1");
        Assert.Contains(description, await Done("model", "info", model), StringComparison.Ordinal);

        string[] settings =
        [
            $"model.path={model}",
            "model.conversation=null",
            "order=[ImageNet,Grounding]",
            "training.max-steps=6",
            "data.max-test-samples=10",
            "evaluation.shard-size=5",
            .. own.Split(' '),
        ];
        await Done(lab.Run("whole", settings));
        await lab.KillAsync("killed", lab.Run("killed", settings), "step-000003", "1-*");
        await lab.KillAsync("killed", lab.Resume("killed"), "step-000003", "2-*");
        await Done(lab.Resume("killed"));
        Laboratory.AssertSame(lab.Essence("whole"), lab.Essence("killed"));

        var adapter = Directory
            .GetFiles(lab.PathOf("whole", "stages"), "adapter_config.json", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Last();
        Assert.Contains(
            $"{adapted}\"",
            await File.ReadAllTextAsync(adapter, TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        var merged = Path.Combine(lab.Folder, "merged");
        await Done("model", "merge", Path.GetDirectoryName(adapter)!, "--model", model, "--out", merged);
        Assert.Contains(description, await Done("model", "info", merged), StringComparison.Ordinal);
    }

    private static async Task<string> Done(params string[] command)
    {
        var (code, output) = await CoinProcess.RunAsync(command);
        Assert.True(code == 0, output);
        return output;
    }
}
