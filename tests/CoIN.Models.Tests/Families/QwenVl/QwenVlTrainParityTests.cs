using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.QwenVl;

[Trait("Category", "Parity")]
public sealed class QwenVlTrainParityTests : IDisposable
{
    private const string Name = "qwen-vl-train";

    private readonly JObject meta = GoldenFolder.Json(Name, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors(Name, "inputs.safetensors");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly QwenVlModel model;

    public QwenVlTrainParityTests() =>
        model = QwenVlCheckpoint.Load(
            Path.GetFullPath(GoldenFolder.Of(Name, (string)meta["base"]!)),
            ScalarType.Float32,
            TestDevice.Device,
            _ => { }
        );

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
    }

    [Fact]
    public void Pictures_become_the_reference_s_pixels()
    {
        var files = meta["images"]!.Select(name => (string)name!).ToList();
        for (var i = 0; i < files.Count; i++)
        {
            Assert.InRange(GoldenFolder.Difference(Pixels(files[i], (int)meta["image_size"]!), inputs["pixels"].narrow(0, i, 1)), 0, 1e-5);
        }

        foreach (var (name, reference) in inputs.Where(pair => pair.Key.StartsWith("pixels448_every_9th.", StringComparison.Ordinal)))
        {
            var i = name[(name.LastIndexOf('.') + 1)..];
            var pixels = Pixels(files[int.Parse(i)], 448)[0];
            var rows = arange(0, 448, 9);
            Assert.InRange(GoldenFolder.Difference(pixels.index_select(1, rows).index_select(2, rows), reference), 0, 1e-5);
            Assert.InRange(GoldenFolder.Difference(pixels.mean([1, 2]), inputs[$"pixels448_mean.{i}"]), 0, 1e-5);
            Assert.InRange(GoldenFolder.Difference(pixels.square().mean([1, 2]), inputs[$"pixels448_square_mean.{i}"]), 0, 1e-5);
        }
    }

    [Fact]
    public void Losses_and_logits_with_and_without_the_adapter_agree_with_the_reference()
    {
        using var noGrad = no_grad();
        using var adapter = Read("adapter");
        for (var i = 0; i < meta["loss_without_adapter"]!.Count(); i++)
        {
            Assert.InRange(Loss(i, null).item<float>() - (double)meta["loss_without_adapter"]![i]!, -1e-4, 1e-4);
            Assert.InRange(Loss(i, adapter).item<float>() - (double)meta["loss_with_adapter"]![i]!, -1e-4, 1e-4);
            if (!expected.TryGetValue($"mb{i}.logits_at_index", out var reference))
            {
                continue;
            }

            using var batch = Batch(i, out var lengths);
            var starts = lengths.Select((_, row) => lengths.Take(row).Sum()).ToList();
            var index = inputs.TryGetValue($"mb{i}.logit_index", out var given) ? given : expected[$"mb{i}.logit_index"];
            var rows = Enumerable
                .Range(0, (int)index.size(0))
                .Select(k => starts[(int)index[k][0].item<long>()] + index[k][1].item<long>())
                .ToArray();
            foreach (var (which, lora) in new[] { (model, adapter), ((QwenVlModel)model.Merged(adapter), null) })
            {
                var hidden = which.Language.Forward(which.Embed(batch, Features(i)), batch.Sequences, lora?.Updates());
                var logits = which.Language.Logits(hidden.index_select(0, tensor(rows, device: TestDevice.Device)));
                Assert.True(logits.cpu().sub(reference).abs().le(reference.abs().mul(1e-4).add(5e-4)).all().item<bool>());
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_gradient_agrees_with_the_reference(bool kernels)
    {
        using var adapter = Trainable(Read("adapter"));
        Assert.InRange(Train(0, adapter, kernels) - (double)meta["loss_with_adapter"]![0]!, -1e-4, 1e-4);
        var reference = GoldenFolder.Tensors(Name, "grads_mb0.safetensors");
        var gradients = PeftFolder.LowRank(adapter, tensor => tensor.grad!);
        Assert.Equal(reference.Keys.Order(), gradients.Keys.Order());
        Assert.All(reference, pair =>
            Assert.True(
                gradients[pair.Key].cpu().sub(pair.Value).abs().le(pair.Value.abs().mul(1e-3).add(1e-4)).all().item<bool>(),
                pair.Key
            )
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_optimizer_steps_agree_with_the_reference(bool kernels)
    {
        var training = meta["training"]!;
        using var adapter = Trainable(Read("adapter"));
        var betas = training["betas"]!.Select(value => (double)value).ToList();
        using var optimizer = new FusedAdamW(
            [new([.. adapter.UpdateParameters()], (double)training["lr"]!) { SparesVectors = true }],
            betas[0],
            betas[1],
            (double)training["eps"]!,
            (double)training["weight_decay"]!
        );
        foreach (var step in training["steps"]!)
        {
            using var stepScope = NewDisposeScope();
            optimizer.ZeroGrad();
            Assert.InRange(Train((int)step["micro_batch"]!, adapter, kernels) - (double)step["loss"]!, -1e-3, 1e-3);
            var norm = optimizer.GradNorm();
            Assert.InRange(norm / (double)step["grad_norm_before_clip"]!, 1 - 1e-3, 1 + 1e-3);
            optimizer.Clip(norm, (double)training["max_grad_norm"]!);
            optimizer.Step(1);
        }

        var final = GoldenFolder.Tensors(Name, "final", "adapter_model.safetensors");
        var weights = PeftFolder.LowRank(adapter, tensor => tensor.detach());
        Assert.Equal(final.Keys.Order(), weights.Keys.Order());
        var differences = cat([.. final.Select(pair => (pair.Value - weights[pair.Key].cpu()).abs().flatten())]);
        Assert.InRange(differences.max().item<float>(), 0, 0.004);
        Assert.InRange(differences.le(1e-4).to(ScalarType.Float64).mean().item<double>(), 0.999, 1);
        using var noGrad = no_grad();
        for (var i = 0; i < training["final_micro_batch_losses"]!.Count(); i++)
        {
            Assert.InRange(Loss(i, adapter).item<float>() - (double)training["final_micro_batch_losses"]![i]!, -2e-3, 2e-3);
        }
    }

    /// <summary>As the reference asks: another prompt than the trained one, and the first character cut off.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answers_to_the_reference_s_prompt_agree_with_the_reference(bool kernels)
    {
        using var noGrad = no_grad();
        var first = GoldenFolder.Tensors(Name, "eval.safetensors");
        var prompts = new QwenVlPrompts(
            QwenVlTokenizer.Load(Path.GetFullPath(GoldenFolder.Of(Name, (string)meta["base"]!))),
            PromptKind.Reference
        );
        foreach (var cases in meta["evaluation"]!.GroupBy(one => (string)one["adapter"]!))
        {
            using var adapter = Read(cases.Key);
            var merged = model.Merged(adapter);
            var all = cases.ToList();
            var sequences = all.Select(one => new TokenSequence(prompts.Evaluation((string)one["question"]!, Images(one).Count), null))
                .ToList();
            Assert.All(all.Zip(sequences), pair =>
                Assert.Equal(PromptFixtures.Ints(pair.First["prompt_ids"]!), PictureIds.Expand(pair.Second.Ids, Images(pair.First)))
            );
            var pixels = all.SelectMany(Images).Select(image => Pixels(image, model.Config.Vision.ImageSize)).ToArray();
            var longest = all.Max(one => one["new_ids"]!.Count());
            var seen = new Dictionary<int, Tensor>();
            var request = new GenerationRequest(sequences, model.Features(cat(pixels, 0).There()), longest)
            {
                EndOfSequence = prompts.EndOfSequence,
                Logits = (logits, rows) =>
                {
                    for (var row = 0; row < rows.Count; row++)
                    {
                        seen.TryAdd(rows[row], logits[row].clone().DetachFromDisposeScope());
                    }
                },
            };
            var answers = DecodingWays.Generate(merged, request, kernels);
            for (var i = 0; i < all.Count; i++)
            {
                var ids = PromptFixtures.Ints(all[i]["new_ids"]!);
                Assert.Equal(ids.Where(id => id != prompts.EndOfSequence), answers[i].Take(ids.Count));
                Assert.Equal((string)all[i]["answer"]!, prompts.Decode(answers[i].Take(ids.Count)));
                var reference = first[$"{cases.Key}.{i}.first_logits"].flatten();
                Assert.True(seen[i].cpu().sub(reference).abs().le(reference.abs().mul(1e-4).add(5e-4)).all().item<bool>());
            }

            merged.Language.Dispose();
        }

        static List<string> Images(JToken one) => (string?)one["image"] is { } image ? [image] : [];
    }

    [Theory]
    [InlineData("adapter_model.safetensors")]
    [InlineData("adapter_model.bin")]
    public void An_adapter_of_PEFT_is_read_in_either_form_and_written_back_with_its_names(string weights)
    {
        var folder = Directory.CreateTempSubdirectory("coin-peft-").FullName;
        try
        {
            foreach (var file in new[] { "adapter_config.json", weights, "non_lora_trainables.bin" })
            {
                File.Copy(GoldenFolder.Of(Name, "adapter", file), Path.Combine(folder, file));
            }

            using var adapter = PeftFolder.Read(folder, model.Language, model.Projector);
            Assert.Null(adapter.Projector);
            var written = Directory.CreateDirectory(Path.Combine(folder, "again")).FullName;
            adapter.Write(written, 0, "base");
            using var file2 = new SafetensorsFile(Path.Combine(written, "adapter_model.safetensors"));
            var original = GoldenFolder.Tensors(Name, "adapter", "adapter_model.safetensors");
            Assert.Equal(original.Keys.Order(), file2.Entries.Keys.Order());
            Assert.All(original, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, file2.Read(pair.Key))));

            // PEFT's rule for what it says: these maps and no others.
            var targets = JObject.Parse(File.ReadAllText(Path.Combine(written, "adapter_config.json")))["target_modules"]!
                .Select(name => (string)name!)
                .ToList();
            Assert.All(model.Language.Layers[0].Linears.SelectMany(linear => linear.Parts), part =>
                Assert.Equal(
                    part.Name != "mlp.c_proj",
                    targets.Exists(name => $"transformer.h.0.{part.Name}".EndsWith($".{name}", StringComparison.Ordinal))
                )
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static LoraAdapter Trainable(LoraAdapter adapter)
    {
        foreach (var tensor in adapter.Parameters())
        {
            tensor.requires_grad_(true);
        }

        return adapter;
    }

    private static Tensor Pixels(string file, int size) =>
        tensor(
            new ClipPictures(new ClipImageProcessor(ImageSettings.Clip(size)), ImageMode.Squash).Numbers(GoldenFolder.Of(Name, file)),
            [1, 3, size, size]
        );

    private LoraAdapter Read(string folder) => PeftFolder.Read(GoldenFolder.Of(Name, folder), model.Language, model.Projector);

    private SequenceBatch Batch(int i) => Batch(i, out _);

    private SequenceBatch Batch(int i, out List<int> lengths)
    {
        var mask = inputs[$"mb{i}.attention_mask"].to(ScalarType.Int64);
        lengths = [.. Enumerable.Range(0, (int)mask.size(0)).Select(row => (int)mask[row].sum().item<long>())];
        List<int> Row(string name, int row, int length) =>
            [.. inputs[$"mb{i}.{name}"][row].to(ScalarType.Int64).data<long>().Take(length).Select(id => (int)id)];
        return SequenceBatch.Create(
            [.. lengths.Select((length, row) => PictureIds.Contract(Row("input_ids", row, length), Row("labels", row, length)))],
            model.ImageTokens,
            4096,
            TestDevice.Device
        );
    }

    private Tensor? Features(int i)
    {
        using var noGrad = no_grad();
        var images = meta["images_of_micro_batch"]![i]!.Select(image => (long)image).ToArray();
        return images.Length == 0 ? null : model.Features(inputs["pixels"].index_select(0, tensor(images)).There());
    }

    private Tensor Loss(int i, LoraAdapter? adapter)
    {
        using var batch = Batch(i);
        return Reference.Loss(model, batch, Features(i), adapter);
    }

    private double Train(int i, LoraAdapter adapter, bool kernels)
    {
        using var batch = Batch(i);
        return TrainingWays.Backend(kernels).Training(model, adapter, null, checkpointing: false).Run(batch, Features(i), 1).item<double>();
    }
}
