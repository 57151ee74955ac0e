using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Families.Llava;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

/// <summary>A base in bfloat16 against the reference in float32: eight bits of a number are left, and the tolerances are theirs.</summary>
[Trait("Category", "Parity")]
public sealed class BFloat16ParityTests : IDisposable
{
    private const string Name = "lora-train";

    private readonly LlavaModel model = LlavaCheckpoint.Load(GoldenFolder.Of(Name, "coin"), ScalarType.BFloat16, TestDevice.Device, _ =>
    { });

    private readonly JObject meta = GoldenFolder.Json(Name, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors(Name, "inputs.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Losses_and_gradients_are_near_the_reference_s(bool checkpointing)
    {
        using var adapter = Adapter();
        var pass = TrainingWays.Pass(model, adapter, null, checkpointing, kernels: false);
        for (var i = 0; i < meta["micro_batches"]!.Count(); i++)
        {
            using var batch = Batch(i);
            foreach (var parameter in adapter.Parameters())
            {
                parameter.grad = null;
            }

            Assert.InRange(pass.Run(batch, Features(i), 1).item<double>() - (double)meta["loss_with_adapter"]![i]!, -2e-2, 2e-2);
            if (i == 0)
            {
                var own = PeftFolder
                    .LowRank(adapter, tensor => tensor.grad!)
                    .Concat(PeftFolder.ProjectorWeights(adapter.Projector, tensor => tensor.grad!))
                    .ToDictionary(pair => pair.Key, pair => pair.Value);
                Near(GoldenFolder.Tensors(Name, "grads_mb0.safetensors").Select(pair => (pair.Value, own[pair.Key])), 5e-2);
            }
        }
    }

    [Fact]
    public void Logits_are_near_the_reference_s()
    {
        using var noGrad = no_grad();
        using var adapter = Adapter();
        var expected = GoldenFolder.Tensors(Name, "expected.safetensors");
        Near(
            expected
                .Where(pair => pair.Key.EndsWith(".logits", StringComparison.Ordinal))
                .Select(pair =>
                {
                    var i = int.Parse(new string([.. pair.Key.Where(char.IsDigit)]));
                    using var batch = Batch(i);
                    var hidden = model.Language.Forward(
                        model.Embed(batch, Features(i), adapter.Projector),
                        batch.Sequences,
                        adapter.Updates()
                    );
                    return (pair.Value[inputs[$"mb{i}.attention_mask"].to(ScalarType.Bool)], model.Language.Logits(hidden));
                }),
            3e-2
        );
    }

    /// <summary>The distance of all numbers together, as a part of the reference's 2-norm.</summary>
    private static void Near(IEnumerable<(Tensor Reference, Tensor Own)> pairs, double tolerance)
    {
        var all = pairs.ToList();
        Assert.NotEmpty(all);
        Assert.All(all, pair => Assert.Equal(pair.Reference.shape, pair.Own.shape));
        var reference = cat([.. all.Select(pair => pair.Reference.flatten().to(ScalarType.Float64))]);
        var own = cat([.. all.Select(pair => pair.Own.cpu().flatten().to(ScalarType.Float64))]);
        Assert.InRange(((own - reference).norm() / reference.norm()).item<double>(), 0, tolerance);
    }

    private LoraAdapter Adapter()
    {
        var adapter = LoraTrainParityTests.Adapter(model);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        return adapter;
    }

    private SequenceBatch Batch(int i) => LoraTrainParityTests.Batch(model, meta, i);

    private Tensor? Features(int i) => LoraTrainParityTests.Features(model, inputs, i);
}
