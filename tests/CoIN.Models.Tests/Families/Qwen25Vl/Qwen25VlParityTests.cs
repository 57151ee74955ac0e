using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Qwen25Vl;

[Trait("Category", "Parity")]
public sealed class Qwen25VlParityTests : IDisposable
{
    private const string Name = "qwen2.5-vl-tiny";
    private const int Longest = 4096;

    private readonly JObject meta = GoldenFolder.Json(Name, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly ModelOptions options = new() { Path = GoldenFolder.Of(Name, "model"), MaxLength = Longest };
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Qwen25VlModel model;
    private readonly IModelSettings settings;
    private readonly IPrompts prompts;

    public Qwen25VlParityTests()
    {
        var loaded = new Qwen25VlFamily().Load(options, ScalarType.Float32, TestDevice.Device, _ => { });
        (model, settings) = ((Qwen25VlModel)loaded.Model, loaded.Settings);
        prompts = PlacedPrompts.Of(settings.Prompts(options), settings.Pictures, GoldenFolder.Of(Name));
    }

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
    }

    [Fact]
    public void Pictures_are_resized_as_in_the_reference()
    {
        var pictures = (Qwen25VlPictures)settings.Pictures;
        Assert.All(meta["resize"]!, one =>
        {
            var (size, limits, to) = (Ints(one["size"]!), Ints(one["limits"]!), Ints(one["to"]!));
            Assert.Equal((to[0], to[1]), (pictures with { Least = limits[0], Most = limits[1] }).Resized(size[0], size[1]));
        });
    }

    [Fact]
    public void Pixels_and_grids_agree_with_the_reference()
    {
        Assert.All(meta["images"]!.Index(), one =>
        {
            var (file, size, grid) = ((string)one.Item["file"]!, Ints(one.Item["size"]!), Ints(one.Item["grid"]!));
            var merge = model.Config.Vision.Merge;
            Assert.Equal((grid[1] / merge, grid[2] / merge), settings.Pictures.GridOf(size[0], size[1])!.Value);

            // The reference has a row for each patch, squares of them together, and every still picture twice.
            var picture = Picture(one.Index);
            int side = model.Config.Vision.PatchSize,
                frames = GridVisionConfig.Frames;
            var patches = picture
                .view(3, grid[1] / merge, merge, side, grid[2] / merge, merge, side)
                .permute(1, 4, 2, 5, 0, 3, 6)
                .unsqueeze(5)
                .expand(-1, -1, -1, -1, -1, frames, -1, -1)
                .reshape(grid[1] * grid[2], -1);
            Assert.InRange(GoldenFolder.Difference(expected[$"pixels.{one.Index}"], patches), 0, 1e-5);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Features_of_pictures_of_any_size_agree_with_the_reference(bool kernels)
    {
        using var noGrad = no_grad();
        var backend = TrainingWays.Backend(kernels);
        for (var i = 0; i < meta["images"]!.Count(); i++)
        {
            var features = backend.Vision(model.Vision, Picture(i));
            Assert.InRange(GoldenFolder.Difference(expected[$"features.{i}"], features.squeeze(0)), 0, 1e-4);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pictures_of_one_size_have_the_same_features_together(bool kernels)
    {
        using var noGrad = no_grad();
        var backend = TrainingWays.Backend(kernels);
        Tensor picture = Picture(2),
            other = picture.flip(3).contiguous();
        var together = backend.Vision(model.Vision, cat([picture, other], 0));
        Assert.InRange(GoldenFolder.Difference(backend.Vision(model.Vision, picture), together.narrow(0, 0, 1)), 0, 1e-5);
        Assert.InRange(GoldenFolder.Difference(backend.Vision(model.Vision, other), together.narrow(0, 1, 1)), 0, 1e-5);
        Assert.True(GoldenFolder.Difference(together.narrow(0, 0, 1), together.narrow(0, 1, 1)) > 0.01);
    }

    [Fact]
    public void Conversations_become_the_reference_s_text_ids_and_labels()
    {
        Assert.All(Cases(), one =>
        {
            var sample = Sample(one.Meta);
            Assert.Equal(
                (string)one.Meta["text"]!,
                prompts.TrainingPrompt(sample).Replace("<image>", Qwen25VlPrompts.Pad, StringComparison.Ordinal)
            );
            var tokens = TrainingSet.Tokenize(prompts, sample);
            Assert.Equal(Ids(expected[$"case.{one.Number}.input_ids"]), Expanded(tokens.Ids));
            Assert.Equal(Ids(expected[$"case.{one.Number}.labels"]), Expanded(tokens.Ids, tokens.Labels));
        });
    }

    [Fact]
    public void Questions_become_the_reference_s_ids()
    {
        // Those of one turn: a test sample has no more.
        var asked = Cases().Where(one => one.Meta["messages"]!.Count() == 2).ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, one => Assert.Equal(Ints(one.Meta["prompt_ids"]!), Expanded(Prompt(one.Meta))));
    }

    [Fact]
    public void Rotary_positions_agree_with_the_reference()
    {
        Assert.All(Cases(), one =>
        {
            using var batch = Batch([one]);
            var positions = batch.RotaryPositions;
            var three = positions.dim() == 1 ? positions.unsqueeze(0).expand(3, -1) : positions.t();
            Assert.Equal(Ids(expected[$"case.{one.Number}.positions"]), Ids(three.contiguous()));
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_and_losses_agree_with_the_reference_in_one_batch(bool kernels)
    {
        using var noGrad = no_grad();
        var cases = Cases();
        using var batch = Batch(cases);
        using var states = TrainingWays
            .Backend(kernels)
            .Training(
                model,
                LoraAdapter.Initialize(
                    model.Language,
                    model.Projector,
                    new LoraOptions { Rank = 2, TrainProjector = false },
                    TestDevice.Device,
                    1
                ),
                null,
                false
            )
            .Forward(batch, Features(cases));
        var logits = states.Logits(0, states.Count);
        var from = 0;
        Assert.All(cases, one =>
        {
            var labels = Ids(expected[$"case.{one.Number}.labels"]);
            var rows = Enumerable
                .Range(0, labels.Count - 1)
                .Where(row => labels[row + 1] != SequenceBatch.Ignored)
                .Select(row => (long)row)
                .ToArray();
            var wanted = expected[$"case.{one.Number}.logits"].index_select(0, tensor(rows));
            Assert.InRange(GoldenFolder.Difference(wanted, logits.narrow(0, from, rows.Length)), 0, 2e-4);
            var loss = nn.functional.cross_entropy(
                logits.narrow(0, from, rows.Length),
                tensor(rows.Select(row => (long)labels[(int)row + 1]).ToArray(), device: TestDevice.Device)
            );
            Assert.InRange(loss.item<float>() - (double)one.Meta["loss"]!, -2e-5, 2e-5);
            from += rows.Length;
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_answers_agree_with_the_reference_alone_and_in_company(bool kernels)
    {
        var cases = Cases();
        var sequences = cases.Select(one => new TokenSequence(Prompt(one.Meta), null)).ToList();
        var images = cases.SelectMany(one => Ints(one.Meta["images"]!)).ToList();
        var distinct = images.Distinct().ToList();
        var features = PictureFeatures.Of([.. distinct.Select(image => model.Features(Picture(image)))]);
        var longest = cases.Max(one => one.Meta["generated"]!.Count());
        var request = new GenerationRequest([.. sequences, .. sequences], features, longest)
        {
            Pictures = [.. images.Concat(images).Select(image => distinct.IndexOf(image))],
        };
        var answers = DecodingWays.Generate(model, request, kernels);
        Assert.All(cases.Concat(cases).Index(), one => Assert.Equal(Ints(one.Item.Meta["generated"]!), answers[one.Index]));
        Assert.All(cases, one =>
        {
            var logits = new List<Tensor>();
            var shown = Ints(one.Meta["images"]!);
            var alone = new GenerationRequest(
                [sequences[one.Number]],
                shown.Count == 0 ? null : PictureFeatures.Of([.. shown.Select(image => model.Features(Picture(image)))]),
                longest
            )
            {
                Logits = (scores, _) => logits.Add(scores.clone().DetachFromDisposeScope()),
            };
            Assert.Equal(answers[one.Number], DecodingWays.Generate(model, alone, kernels)[0]);
            Assert.InRange(GoldenFolder.Difference(expected[$"case.{one.Number}.generate_logits"], cat(logits, 0)), 0, 2e-4);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_and_optimizer_steps_agree_with_the_reference(bool kernels)
    {
        using var adapter = PeftFolder.Read(GoldenFolder.Of(Name, "adapter"), model.Language, model.Projector);
        foreach (var tensor in adapter.Parameters())
        {
            tensor.requires_grad_(true);
        }

        var pass = TrainingWays.Backend(kernels).Training(model, adapter, null, checkpointing: true);
        var gradients = GoldenFolder.Tensors(Name, "gradients.safetensors");
        var training = meta["training"]!;
        using var optimizer = new FusedAdamW(
            [new([.. adapter.UpdateParameters()], (double)training["learning_rate"]!)],
            0.9,
            0.999,
            1e-8,
            0
        );
        foreach (var one in Cases())
        {
            optimizer.ZeroGrad();
            Assert.InRange(Run(one, 1) - (double)meta["loss_with_adapter"]![one.Number]!, -2e-5, 2e-5);
            var of = PeftFolder.LowRank(adapter, tensor => tensor.grad!).ToDictionary(pair => pair.Key, pair => pair.Value);
            Assert.All(gradients.Where(pair => pair.Key.StartsWith($"{one.Number}.", StringComparison.Ordinal)), pair =>
                Assert.InRange(
                    GoldenFolder.Difference(pair.Value, of[pair.Key[(pair.Key.IndexOf('.', StringComparison.Ordinal) + 1)..]]),
                    0,
                    1e-4
                )
            );
        }

        foreach (var (micro, step) in training["micro_batches"]!.Zip(training["steps"]!))
        {
            optimizer.ZeroGrad();
            var numbers = Ints(micro);
            Assert.All(numbers.Index(), one =>
                Assert.InRange(Run(Cases()[one.Item], 1.0 / numbers.Count) - (double)step["losses"]![one.Index]!, -1e-3, 1e-3)
            );
            var norm = optimizer.GradNorm();
            Assert.InRange(norm / (double)step["gradient_norm"]!, 1 - 1e-3, 1 + 1e-3);
            optimizer.Clip(norm, 1.0);
            optimizer.Step(1);
        }

        var final = GoldenFolder.Tensors(Name, "final.safetensors");
        var weights = PeftFolder.LowRank(adapter, tensor => tensor.detach()).ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(final.Keys.Order(), weights.Keys.Order());
        var differences = cat([.. final.Select(pair => (pair.Value - weights[pair.Key].cpu()).abs().flatten())]);
        Assert.InRange(differences.max().item<float>(), 0, 2e-2);
        Assert.InRange(differences.le(1e-4).to(ScalarType.Float64).mean().item<double>(), 0.999, 1);

        double Run((int Number, JToken Meta) one, double weight)
        {
            using var inner = NewDisposeScope();
            using var batch = Batch([one]);
            return pass.Run(batch, Features([one]), weight).item<double>();
        }
    }

    [Fact]
    public void The_configuration_that_transformers_5_writes_says_the_same()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(options.Path))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        File.Copy(GoldenFolder.Of(Name, "v5", "config.json"), Path.Combine(folder.Path, "config.json"), overwrite: true);
        var (newer, older) = (Qwen25VlConfig.Read(folder.Path), Qwen25VlConfig.Read(options.Path));
        Assert.Equal(older.Text with { RopeSections = null }, newer.Text with { RopeSections = null });
        Assert.Equal(older.Text.RopeSections, newer.Text.RopeSections);
        IReadOnlyList<int> none = [];
        Assert.Equal(older.Vision with { WholeLayers = none }, newer.Vision with { WholeLayers = none });
        Assert.Equal(older.Vision.WholeLayers, newer.Vision.WholeLayers);
    }

    [Fact]
    public void Every_weight_goes_by_its_name_in_the_file()
    {
        var file = GoldenFolder.Tensors(Name, "model", "model.safetensors");
        var named = model
            .Language.Named("model.", Qwen25VlCheckpoint.Head)
            .Concat(model.Vision.Named())
            .ToDictionary(pair => pair.Name, pair => pair.Tensor);
        Assert.Equal(file.Keys.Order(), named.Keys.Order());
        Assert.All(file, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, named[pair.Key])));
        Assert.Equal(model.Vision.Parameters().Sum(tensor => tensor.numel()), settings.Shape.VisionParameters);
    }

    private static List<int> Ints(JToken values) => [.. values.Select(value => (int)value)];

    private static List<int> Ids(Tensor ids) => [.. ids.cpu().flatten().data<long>().Select(id => (int)id)];

    private List<(int Number, JToken Meta)> Cases() => [.. meta["cases"]!.Select((one, number) => (number, one))];

    private Tensor Picture(int image)
    {
        var path = GoldenFolder.Of(Name, (string)meta["images"]![image]!["file"]!);
        return new ImageLoader("", settings.Pictures, _ => { }).Load("", path, TestDevice.Device);
    }

    /// <summary>Picture placeholders as the ids that the reference repeats.</summary>
    private List<int> Expanded(IReadOnlyList<int> ids, IReadOnlyList<int>? labels = null) =>
        [
            .. ids.Index()
                .SelectMany(one =>
                    PicturePlace.Is(one.Item)
                        ? Enumerable.Repeat(
                            labels is null ? model.Config.ImageTokenId : SequenceBatch.Ignored,
                            PicturePlace.Positions(one.Item, 0)
                        )
                        : [labels is null ? one.Item : labels[one.Index]]
                ),
        ];

    private TrainingSample Sample(JToken one)
    {
        var images = Ints(one["images"]!).Select(image => (string)meta["images"]![image]!["file"]!).ToList();
        var turns = one["messages"]!.Select(message => new Turn(
            (string)message["role"]! switch
            {
                "user" => "human",
                "assistant" => "gpt",
                var other => other,
            },
            Content(message["content"]!)
        ));
        return new TrainingSample($"{one.Path}", images.FirstOrDefault(), [.. turns]) { FurtherImages = [.. images.Skip(1)] };
    }

    private static string Content(JToken content) =>
        content is JArray parts
            ? string.Concat(parts.Select(part => (string)part["type"]! == "image" ? PromptBuilder.ImageTag : (string)part["text"]!))
            : (string)content!;

    /// <summary>The ids of a case's question, with the sizes of its pictures.</summary>
    private IReadOnlyList<int> Prompt(JToken one)
    {
        var messages = one["messages"]!.ToList();
        var sample = Sample(one);
        if (messages.Count == 2)
        {
            return prompts.Placed("", prompts.Evaluation(Content(messages[0]["content"]!), sample.Images.Count), sample.Images);
        }

        // Several turns, which test samples do not have: the training sequence up to the last answer.
        var whole = TrainingSet.Tokenize(prompts, sample);
        var expanded = Expanded(whole.Ids);
        var length = Ints(one["prompt_ids"]!).Count;
        var (at, count) = (0, 0);
        while (at < length)
        {
            at += PicturePlace.Positions(whole.Ids[count++], 0);
        }

        Assert.Equal(Ints(one["prompt_ids"]!), expanded.Take(length));
        return [.. whole.Ids.Take(count)];
    }

    private SequenceBatch Batch(IReadOnlyList<(int Number, JToken Meta)> cases) =>
        SequenceBatch.Create(
            [.. cases.Select(one => TrainingSet.Tokenize(prompts, Sample(one.Meta)))],
            model.ImageTokens,
            Longest,
            TestDevice.Device
        );

    private Tensor? Features(IReadOnlyList<(int Number, JToken Meta)> cases)
    {
        using var noGrad = no_grad();
        var each = cases.SelectMany(one => Ints(one.Meta["images"]!)).Select(image => model.Features(Picture(image))).ToList();
        return each.Count == 0 ? null : cat(each, 1);
    }
}
