using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static CoIN.Models.Tests.Families.MiniGptV2.MiniGptTinyParityTests;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.MiniGptV2;

/// <summary>Against CoIN's own class with PEFT, its picture processor, and what its programs write.</summary>
[Trait("Category", "Parity")]
public sealed class MiniGptTrainParityTests : IDisposable
{
    private const string Name = "minigptv2-train";

    private readonly TemporaryFolder folder = new();
    private readonly JToken meta = PromptFixtures.Read(Name, "meta.json");
    private readonly MiniGptModel model;
    private readonly MiniGptPrompts prompts;
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();

    public MiniGptTrainParityTests()
    {
        TinyMiniGpt.WriteGolden(GoldenFolder.Of(Name, (string)meta["base"]!), folder.Of("model"));
        model = TinyMiniGpt.Load(folder.Of("model"), TestDevice.Device);
        prompts = TinyMiniGpt.Prompts(folder.Of("model"));
    }

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
        folder.Dispose();
    }

    private LoraOptions Options => new() { Rank = (int)meta["lora"]!["r"]!, Alpha = (double)meta["lora"]!["alpha"]! };

    [Fact]
    public void Pixels_of_pictures_agree_with_the_reference()
    {
        var reference = GoldenFolder.Tensors(Name, "inputs.safetensors");
        var own = Pixels(meta["images"]!.Select(name => (string)name!));
        Near(reference["pixels"], own, 1e-5, 0);

        // A picture at the model's real size.
        var full = new ClipPictures(new ClipImageProcessor(ImageSettings.Clip(EvaSettings.ImageSize)), ImageMode.Squash).Numbers(
            GoldenFolder.Of(Name, (string)meta["images"]![0]!)
        );
        var large = tensor(full, [3, EvaSettings.ImageSize, EvaSettings.ImageSize]);
        Near(reference["pixels448_every_9th.0"], large[.., TensorIndex.Slice(0, null, 9), TensorIndex.Slice(0, null, 9)], 1e-5, 0);
        Near(reference["pixels448_mean.0"], large.mean([1, 2]), 1e-5, 0);
        Near(reference["pixels448_square_mean.0"], (large * large).mean([1, 2]), 1e-5, 1e-5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Embeddings_labels_logits_and_losses_agree_with_the_reference(bool kernels)
    {
        using var noGrad = no_grad();
        using var adapter = Read("adapter/coin");
        var backend = TrainingWays.Backend(kernels);
        for (var i = 0; i < meta["micro_batches"]!.Count(); i++)
        {
            using var batch = Batch(i);
            var mask = expected[$"mb{i}.attention_mask"].to(ScalarType.Bool);
            var embedded = model.Embed(batch, Features(i), adapter.Projector);
            Near(expected[$"mb{i}.inputs_embeds"][mask], embedded, 1e-4, 1e-4);
            var place = (mask.flatten().to(ScalarType.Int64).cumsum(0) - 1).view(mask.shape);
            var rows = expected[$"mb{i}.logit_index"].data<long>().ToArray().Chunk(2).ToList();
            var at = tensor(rows.Select(one => place[one[0], one[1]].item<long>()).ToArray(), device: TestDevice.Device);
            var hidden = model.Language.Forward(embedded, batch.Sequences, adapter.Updates());
            Near(expected[$"mb{i}.logits_at_index"], backend.Logits(model.Language, hidden.index_select(0, at)), 5e-4, 1e-4);
            Assert.Equal(
                rows.Select(one => expected[$"mb{i}.labels"][one[0], one[1] + 1].item<long>()).Order(),
                batch.Targets.cpu().data<long>().ToArray().Order()
            );
            Assert.InRange(
                Reference.Loss(model, batch, Features(i), adapter).item<float>() - (double)meta["loss_with_adapter"]![i]!,
                -1e-4,
                1e-4
            );
            Assert.InRange(
                Reference.Loss(model, batch, Features(i)).item<float>() - (double)meta["loss_without_adapter"]![i]!,
                -1e-4,
                1e-4
            );
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_gradient_agrees_with_the_reference(bool kernels)
    {
        using var adapter = Trainable(Read("adapter/coin"));
        Assert.InRange(Train(0, adapter, kernels) - (double)meta["loss_with_adapter"]![0]!, -1e-4, 1e-4);
        var reference = GoldenFolder.Tensors(Name, "grads_mb0.safetensors");
        var gradients = adapter.Named(tensor => tensor.grad!).ToDictionary(pair => pair.Name, pair => pair.Tensor);
        Assert.All(reference, pair => Near(pair.Value, gradients[pair.Key], 1e-4, 1e-3));
        Assert.All(gradients.Where(pair => !reference.ContainsKey(pair.Key)), pair =>
            Assert.Equal(0, pair.Value.abs().max().item<float>())
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_optimizer_steps_and_the_final_weights_agree_with_the_reference(bool kernels)
    {
        var training = meta["training"]!;
        using var adapter = Trainable(Read("adapter/peft"));
        using var optimizer = new FusedAdamW(
            [
                new([.. adapter.UpdateParameters()], (double)training["lr"]!),
                new([.. adapter.Projector!.Parameters], (double)training["lr"]!) { SparesVectors = true },
            ],
            (double)training["betas"]![0]!,
            (double)training["betas"]![1]!,
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

        using var final = Read("final/coin");
        var differences = cat([
            .. adapter.Named().Zip(final.Named(), (own, wanted) => (own.Tensor.detach() - wanted.Tensor).abs().cpu().flatten()),
        ]);
        Assert.InRange(differences.max().item<float>(), 0, 0.004);
        Assert.InRange(differences.le(1e-4).to(ScalarType.Float64).mean().item<double>(), 0.999, 1);
        using var noGrad = no_grad();
        for (var i = 0; i < meta["micro_batches"]!.Count(); i++)
        {
            using var batch = Batch(i);
            Assert.InRange(
                Reference.Loss(model, batch, Features(i), adapter).item<float>() - (double)training["final_micro_batch_losses"]![i]!,
                -1e-3,
                1e-3
            );
        }
    }

    [Theory]
    [InlineData("adapter", "checkpoint_0.pth")]
    [InlineData("final", "checkpoint_1.pth")]
    public void All_forms_of_an_adapter_are_read_to_the_same_numbers(string which, string file)
    {
        using var coin = Read($"{which}/coin");
        using var peft = Read($"{which}/peft");
        using var stage = Read($"{which}/{file}");
        Assert.Equal(coin.Alpha, stage.Alpha);
        var reference = GoldenFolder.Tensors(Name, which, "peft", "adapter_model.safetensors");
        foreach (var adapter in new[] { coin, peft, stage })
        {
            var named = PeftFolder.LowRank(adapter);
            Assert.All(reference, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, named[pair.Key])));
        }

        Assert.All(coin.Named().Zip(stage.Named()), pair =>
            Assert.Equal(0, GoldenFolder.Difference(pair.First.Tensor, pair.Second.Tensor))
        );
        using var trained = CheckpointFolder.Open(GoldenFolder.Of(Name, which, "coin", "non_lora_trainables.bin"));
        Assert.Equal(0, GoldenFolder.Difference(trained.Read("llama_proj.weight"), coin.Projector!.Parameters[0]));
        Assert.Equal(0, GoldenFolder.Difference(trained.Read("llama_proj.bias"), coin.Projector!.Parameters[1]));
    }

    [Fact]
    public void What_is_written_has_PEFTs_names_and_the_projector_CoINs()
    {
        using var adapter = Read("final/coin");
        PeftFolder.Write(Directory.CreateDirectory(folder.Of("written")).FullName, adapter, 0, "base");
        using (var weights = new SafetensorsFile(folder.Of("written", "adapter_model.safetensors")))
        {
            var reference = GoldenFolder.Tensors(Name, "final", "peft", "adapter_model.safetensors");
            Assert.All(reference, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, weights.Read(pair.Key))));
        }

        using var projector = new SafetensorsFile(folder.Of("written", "non_lora_trainables.safetensors"));
        Assert.Equal(
            meta["checkpoint_names"]!["coin_non_lora_trainables.bin"]!.Select(name => (string)name!).Order(),
            projector.Names.Order()
        );
        using var again = (LoraAdapter)
            AdapterKinds.Lora.ReadToTrain(folder.Of("written"), model.Language, model.Projector, Options, seed: 1);
        Assert.All(adapter.Named().Zip(again.Named()), pair =>
            Assert.Equal(0, GoldenFolder.Difference(pair.First.Tensor, pair.Second.Tensor))
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answers_with_the_adapter_beside_and_merged_agree_with_the_reference(bool kernels)
    {
        using var noGrad = no_grad();
        var reference = GoldenFolder.Tensors(Name, "eval.safetensors");
        foreach (
            var (which, cases) in meta["evaluation"]!.GroupBy(one => (string)one["adapter"]!).Select(group => (group.Key, group.ToList()))
        )
        {
            using var adapter = Read($"{which}/coin");
            var sequences = cases.Select(one => new TokenSequence(prompts.Prompt((string)one["text_input"]!), null)).ToList();
            var features = model.Features(Pixels(cases.Select(one => (string)one["image"]!)).There());
            using (var batch = SequenceBatch.Create(sequences, model.ImageTokens, 4096, TestDevice.Device))
            {
                Near(
                    cat([.. cases.Select((_, i) => reference[$"{which}.{i}.inputs_embeds"])]),
                    model.Embed(batch, features, adapter.Projector),
                    1e-4,
                    1e-4
                );
            }

            foreach (var merged in new[] { false, true })
            {
                var seen = new HashSet<int>();
                var request = new GenerationRequest(sequences, features, cases.Max(one => one["new_ids"]!.Count()))
                {
                    EndOfSequence = prompts.EndOfSequence,
                    Logits = (scores, rows) =>
                    {
                        foreach (var (row, prompt) in rows.Index().Where(pair => seen.Add(pair.Item)))
                        {
                            Near(reference[$"{which}.{prompt}.first_logits"], scores[row], 5e-4, 1e-4);
                        }
                    },
                };
                var answers = DecodingWays.Generate(merged ? model.Merged(adapter) : model, request, kernels, merged ? null : adapter);
                Assert.Equal(
                    cases.Select(one => PromptFixtures.Ints(one["new_ids"]!).TakeWhile(id => id != prompts.EndOfSequence)),
                    answers
                );
                Assert.Equal(cases.Select(one => (string)one["answer"]!), answers.Select(ids => prompts.Decode(ids)));
            }
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

    /// <summary>An adapter as training begins with it: PEFT's own form brings no projector.</summary>
    private LoraAdapter Read(string path)
    {
        var (place, kind) = (GoldenFolder.Of([Name, .. path.Split('/')]), AdapterKinds.Lora);
        Assert.True(kind.Recognizes(place));
        return (LoraAdapter)kind.ReadToTrain(place, model.Language, model.Projector, Options, seed: 1);
    }

    private Tensor Pixels(IEnumerable<string> names)
    {
        var pictures = MiniGptSettings.Read(MiniGptSource.Of(new ModelOptions { Path = folder.Of("model") })).Pictures;
        return stack([.. names.Select(name => tensor(pictures.Numbers(GoldenFolder.Of(Name, name)), [3, pictures.Size, pictures.Size]))]);
    }

    private SequenceBatch Batch(int i) =>
        SequenceBatch.Create(
            [
                .. meta["micro_batches"]![i]!.Select(row =>
                {
                    // The data set's own words around a question.
                    const string Front = "<Img><ImageHere></Img> ";
                    var question = ((string)row["text_input"]!)[Front.Length..^1];
                    var tokens = prompts.Training(
                        new TrainingSample("", "", [new Turn("human", question), new Turn("gpt", (string)row["text_output"]!)])
                    );
                    return new TokenSequence(tokens.Ids, tokens.Labels);
                }),
            ],
            model.ImageTokens,
            4096,
            TestDevice.Device
        );

    private Tensor Features(int i)
    {
        using var noGrad = no_grad();
        return model.Features(Pixels(meta["micro_batches"]![i]!.Select(row => (string)row["image"]!)).There());
    }

    private double Train(int i, LoraAdapter adapter, bool kernels)
    {
        using var batch = Batch(i);
        return TrainingWays.Backend(kernels).Training(model, adapter, null, checkpointing: false).Run(batch, Features(i), 1).item<double>();
    }
}
