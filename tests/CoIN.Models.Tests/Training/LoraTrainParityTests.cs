using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Training;

[Trait("Category", "Parity")]
public sealed class LoraTrainParityTests : IDisposable
{
    private const string Name = "lora-train";

    private readonly LlavaModel model = LlavaCheckpoint.Load(GoldenFolder.Of(Name, "coin"), ScalarType.Float32, TestDevice.Device, _ =>
    { });
    private readonly JObject meta = GoldenFolder.Json(Name, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors(Name, "inputs.safetensors");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
    }

    [Fact]
    public void Losses_with_and_without_the_adapter_agree_with_the_reference()
    {
        using var noGrad = no_grad();
        using var adapter = Adapter();
        for (var i = 0; i < meta["micro_batches"]!.Count(); i++)
        {
            Assert.InRange(Loss(i, null).item<float>() - (double)meta["loss_without_adapter"]![i]!, -2e-5, 2e-5);
            Assert.InRange(Loss(i, adapter).item<float>() - (double)meta["loss_with_adapter"]![i]!, -2e-5, 2e-5);
        }
    }

    [Fact]
    public void Logits_agree_with_the_reference_and_so_do_those_of_the_merged_model()
    {
        using var noGrad = no_grad();
        using var adapter = Adapter();
        foreach (var (name, reference) in expected.Where(pair => pair.Key.EndsWith(".logits", StringComparison.Ordinal)))
        {
            var i = int.Parse(new string([.. name.Where(char.IsDigit)]));
            using var batch = Batch(i);
            var real = reference[inputs[$"mb{i}.attention_mask"].to(ScalarType.Bool)];
            foreach (var (which, lora) in new[] { (model, adapter), ((LlavaModel)model.Merged(adapter), null) })
            {
                var embedded = which.Embed(batch, Features(i), lora?.Projector);
                var logits = which.Language.Logits(which.Language.Forward(embedded, batch.Sequences, lora?.Updates()));
                Assert.InRange(GoldenFolder.Difference(logits, real), 0, 2e-4);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_gradient_agrees_with_the_reference(bool kernels)
    {
        using var adapter = Trainable(Adapter());
        Assert.InRange(Train(0, adapter, 1, kernels) - (double)meta["loss_with_adapter"]![0]!, -2e-5, 2e-5);
        var reference = GoldenFolder.Tensors(Name, "grads_mb0.safetensors");
        var gradients = ByFileName(adapter, tensor => tensor.grad!);
        Assert.Equal(reference.Keys.Order(), gradients.Keys.Order());
        Assert.All(reference, pair => Assert.InRange(GoldenFolder.Difference(gradients[pair.Key], pair.Value), 0, 1e-4));
    }

    [Theory]
    [InlineData("projector_lr", false)]
    [InlineData("coin", false)]
    [InlineData("projector_lr", true)]
    [InlineData("coin", true)]
    public void The_optimizer_steps_agree_with_the_reference(string run, bool kernels)
    {
        var training = meta["training"]!;
        var reference = training["runs"]![run]!;
        double lr = (double)reference["base_lr_lora"]!,
            projectorLr = (double)reference["base_lr_projector"]!;
        var steps = reference["steps"]!.ToList();
        var options = new TrainingOptions
        {
            WarmupRatio = (double)training["warmup_ratio"]!,
            MaxSteps = (int)training["num_training_steps"]!,
        };
        var schedule = LearningRateSchedule.For(options, 1, 1);
        Assert.Equal((int)training["warmup_steps"]!, schedule.WarmupSteps);

        using var adapter = Trainable(Adapter());
        using var optimizer = new FusedAdamW(
            [new([.. adapter.UpdateParameters()], lr), new([.. adapter.Projector!.Parameters], projectorLr)],
            0.9,
            0.999,
            1e-8,
            0
        );
        for (var step = 0; step < steps.Count; step++)
        {
            using var stepScope = NewDisposeScope();
            optimizer.ZeroGrad();
            var losses = new List<double>();
            var micro = steps[step]["micro_batches"]!.Select(value => (int)value).ToList();
            foreach (var i in micro)
            {
                losses.Add(Train(i, adapter, 1.0 / micro.Count, kernels));
            }

            Assert.InRange(losses.Average() - (double)steps[step]["loss"]!, -1e-3, 1e-3);
            var norm = optimizer.GradNorm();
            Assert.InRange(norm / (double)steps[step]["grad_norm_before_clip"]!, 1 - 1e-3, 1 + 1e-3);
            optimizer.Clip(norm, (double)training["max_grad_norm"]!);
            var multiplier = schedule.Multiplier(step);
            Assert.Equal((double)steps[step]["lr_lora"]!, lr * multiplier, lr * 1e-6);
            Assert.Equal((double)steps[step]["lr_projector"]!, projectorLr * multiplier, projectorLr * 1e-6);
            optimizer.Step(multiplier);
        }

        var final = GoldenFolder.Tensors(Name, $"final_{run}.safetensors");
        var weights = ByFileName(adapter, tensor => tensor.detach());
        Assert.Equal(final.Keys.Order(), weights.Keys.Order());
        var differences = cat([.. final.Select(pair => (pair.Value - weights[pair.Key].cpu()).abs().flatten())]);
        Assert.InRange(differences.max().item<float>(), 0, 2e-2);
        Assert.InRange(differences.le(1e-4).to(ScalarType.Float64).mean().item<double>(), 0.999, 1);
        using var noGrad = no_grad();
        for (var i = 0; i < reference["final_micro_batch_losses"]!.Count(); i++)
        {
            Assert.InRange(Loss(i, adapter).item<float>() - (double)reference["final_micro_batch_losses"]![i]!, -2e-3, 2e-3);
        }
    }

    [Fact]
    public void An_adapter_of_PEFT_is_written_back_with_the_same_names_and_values()
    {
        using var adapter = Adapter();
        var folder = Directory.CreateTempSubdirectory("coin-peft-").FullName;
        try
        {
            PeftFolder.Write(folder, adapter, 0, "base");
            using var written = new SafetensorsFile(Path.Combine(folder, "adapter_model.safetensors"));
            var original = GoldenFolder.Tensors(Name, "adapter", "adapter_model.safetensors");
            Assert.Equal(original.Keys.Order(), written.Entries.Keys.Order());
            Assert.All(original, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, written.Read(pair.Key))));
            var reference = GoldenFolder.Json(Name, "adapter", "adapter_config.json");
            var config = JObject.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")));
            foreach (var key in new[] { "r", "lora_alpha", "peft_type", "task_type", "bias", "target_modules", "fan_in_fan_out" })
            {
                Assert.Equal(reference[key]!.ToString(), config[key]!.ToString());
            }

            using var again = PeftFolder.Read(folder, model.Language, model.Projector);
            Assert.NotNull(again.Projector);
            Assert.All(PeftFolder.LowRank(again), pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, original[pair.Key])));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dictionary<string, Tensor> ByFileName(LoraAdapter adapter, Func<Tensor, Tensor> of) =>
        PeftFolder
            .LowRank(adapter, of)
            .Concat(PeftFolder.ProjectorWeights(adapter.Projector, of))
            .ToDictionary(pair => pair.Key, pair => pair.Value);

    private static LoraAdapter Trainable(LoraAdapter adapter)
    {
        foreach (var tensor in adapter.Parameters())
        {
            tensor.requires_grad_(true);
        }

        return adapter;
    }

    /// <summary>PEFT's adapter with a trainable copy of the base's projector, as training starts from it.</summary>
    internal static LoraAdapter Adapter(LlavaModel model)
    {
        using var read = PeftFolder.Read(GoldenFolder.Of(Name, "adapter"), model.Language, model.Projector);
        var rank = read.Rank;
        using var file = new SafetensorsFile(GoldenFolder.Of(Name, "adapter", "adapter_model.safetensors"));
        var layers = model
            .Language.Layers.Select(
                (layer, i) =>
                {
                    LoraLinear Of(Linear linear)
                    {
                        var made = LoraLinear.Empty(linear, rank, TestDevice.Device);
                        foreach (var (name, a, b) in made.Slices())
                        {
                            file.ReadInto($"base_model.model.model.layers.{i}.{name}.lora_A.weight", a);
                            file.ReadInto($"base_model.model.model.layers.{i}.{name}.lora_B.weight", b);
                        }

                        return made;
                    }

                    return new LoraLayer(Of(layer.Qkv), Of(layer.Output), Of(layer.GateUp), Of(layer.Down));
                }
            )
            .ToList();
        return new LoraAdapter(rank, read.Alpha, layers, model.Projector.TrainableCopy());
    }

    internal static SequenceBatch Batch(LlavaModel model, JObject meta, int i) =>
        SequenceBatch.Create(
            [
                .. meta["micro_batches"]![i]!.Select(row => new TokenSequence(
                    [.. row["ids"]!.Select(id => (int)id)],
                    [.. row["labels"]!.Select(id => (int)id)]
                )),
            ],
            model.Config.ImageTokens,
            4096,
            TestDevice.Device
        );

    internal static Tensor? Features(LlavaModel model, IReadOnlyDictionary<string, Tensor> inputs, int i)
    {
        using var noGrad = no_grad();
        return inputs.TryGetValue($"mb{i}.pixel_values", out var pixels) && pixels.numel() > 0 ? model.Features(pixels.There()) : null;
    }

    private LoraAdapter Adapter() => Adapter(model);

    private SequenceBatch Batch(int i) => Batch(model, meta, i);

    private Tensor? Features(int i) => Features(model, inputs, i);

    private Tensor Loss(int i, LoraAdapter? adapter)
    {
        using var batch = Batch(i);
        return Reference.Loss(model, batch, Features(i), adapter);
    }

    private double Train(int i, LoraAdapter adapter, double weight, bool kernels)
    {
        using var batch = Batch(i);
        return TrainingWays.Pass(model, adapter, null, checkpointing: false, kernels).Run(batch, Features(i), weight).item<double>();
    }
}
