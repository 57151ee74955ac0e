using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Adapters.MoeLora;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Stages of MoELoRA: stopped, resumed, continued.</summary>
public sealed class MoeLoraStageTests : IDisposable
{
    private readonly TinyStage tiny = new();

    public void Dispose() => tiny.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stage_that_was_stopped_ends_with_the_bits_of_one_that_was_not(bool kernels)
    {
        Train("whole", 3, kernels);
        Train("half", 1, kernels);
        Train("resumed", 3, kernels, checkpoint: "half-checkpoint");
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("resumed"));
        Assert.Equal(tiny.Contents("whole-checkpoint"), tiny.Contents("resumed-checkpoint"));
        Assert.NotEqual(tiny.Contents("whole")[AdapterFiles.Weights], tiny.Contents("half")[AdapterFiles.Weights]);
    }

    [Fact]
    public void The_next_stage_continues_experts_and_routers()
    {
        Train("one", 3, kernels: false);
        Train("two", 1, kernels: false, adapter: "one", stage: 2);
        var (first, second) = (tiny.Tensors("one", AdapterFiles.Weights), tiny.Tensors("two", AdapterFiles.Weights));
        Assert.Equal(first.Keys.Order(), second.Keys.Order());
        foreach (var part in new[] { "lora_A.loraA.1", "lora_B.loraB.0", "lora_router" })
        {
            Assert.Contains(first.Where(pair => pair.Key.Contains(part, StringComparison.Ordinal)), pair =>
                (pair.Value - second[pair.Key]).abs().max().item<float>() is > 0 and < 0.05f
            );
        }
    }

    [Fact]
    public void Adapters_of_another_number_of_experts_or_another_kind_are_refused_with_the_remedy()
    {
        Train("two", 1, kernels: false);
        Refused("2 experts, but moelora.experts is 1", new MoeLoraKind(1), Options());
        Refused($"a MoELoRA adapter, but the method {tiny.Options.Method} trains LoRA", null, tiny.Options);

        void Refused(string fault, MoeLoraKind? kind, ExperimentOptions options) =>
            Assert.Contains(
                fault,
                Assert.Throws<CoinException>(() => tiny.Open(kernels: false, method: null, options, adapter: "two", kind: kind)).Message,
                StringComparison.Ordinal
            );
    }

    private ExperimentOptions Options() => tiny.Options with { Method = MoeLoraOptions.Key };

    private void Train(string name, int steps, bool kernels, string? checkpoint = null, string? adapter = null, int stage = 1)
    {
        using var session = tiny.Open(kernels, null, Options(), stage, adapter, checkpoint, new MoeLoraKind(2));
        while (session.Step < steps)
        {
            session.NextStep();
        }

        session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of($"{name}-checkpoint")).FullName);
        session.SaveAdapter(Directory.CreateDirectory(tiny.Folder.Of(name)).FullName);
    }
}
