using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Families.Llava;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Llava;

/// <summary>A LLaVA as transformers 5 saves it, model and processor, and its parts by themselves.</summary>
[Trait("Category", "Parity")]
public sealed class LlavaSavedAnewParityTests : IDisposable
{
    private const string Golden = "llava-v5";

    /// <summary>Longer than any of the golden sequences, which go beyond what the model was made for.</summary>
    private const int Longest = 512;

    private readonly JObject meta = GoldenFolder.Json(Golden, "meta.json");
    private readonly IReadOnlyDictionary<string, Tensor> inputs = GoldenFolder.Tensors(Golden, "inputs.safetensors");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Golden, "expected.safetensors");
    private readonly List<string> warnings = [];
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();

    public void Dispose()
    {
        noGrad.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void The_model_and_its_parts_give_the_reference_s_numbers(bool parts, bool kernels)
    {
        var source = LlavaSource.Of(parts ? Parts() : new ModelOptions { Path = GoldenFolder.Of(Golden, "model"), MaxLength = Longest });
        using var model = LlavaCheckpoint.Load(source, ScalarType.Float32, TestDevice.Device, warnings.Add);
        Assert.Empty(warnings);
        var backend = TrainingWays.Backend(kernels);

        var features = backend.Vision(model.Vision, inputs["pixel_values"].There());
        Assert.InRange(GoldenFolder.Difference(features, expected["clip_features"]), 0, 5e-5);
        Assert.InRange(
            GoldenFolder.Difference(backend.Project(model.Projector, features, ScalarType.Float32), expected["projector_output"]),
            0,
            5e-5
        );
        using var batch = SequenceBatch.Create(
            [.. meta["samples"]!.Select(sample => new TokenSequence(Ints(sample["ids"]!), Ints(sample["labels"]!)))],
            model.Config.ImageTokens,
            4096,
            TestDevice.Device
        );
        var embedded = model.Embed(batch, features);
        var mask = inputs["attention_mask"].to(ScalarType.Bool);
        Assert.InRange(GoldenFolder.Difference(embedded, expected["inputs_embeds"][mask]), 0, 5e-5);
        var hidden = model.Language.Forward(embedded, batch.Sequences);
        Assert.InRange(GoldenFolder.Difference(model.Language.Normalize(hidden), expected["last_hidden_state"][mask]), 0, 2e-4);
        Assert.InRange(Reference.Loss(model, batch, features).item<float>() - expected["loss"].item<float>(), -2e-5, 2e-5);
    }

    [Fact]
    public void Settings_of_the_model_s_folder_are_read_whole_and_warn_of_nothing()
    {
        var options = new ModelOptions { Path = GoldenFolder.Of(Golden, "model"), MaxLength = Longest };
        var problems = new CoIN.Benchmark.Problems();
        using var outline = ModelFamilies.Of(options).Check(options, problems, warnings.Add);
        problems.ThrowIfAny("model");
        Assert.NotNull(outline);
        Assert.Contains("max_position_embeddings", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(LlavaLayout.Hub, LlavaSource.Of(options).Layout);
    }

    [Fact]
    public void Pictures_have_the_processor_s_values()
    {
        var pixels = GoldenFolder.Tensors(Golden, "processor_expected.safetensors");
        var processor = ClipImageProcessor.Load(GoldenFolder.Of(Golden, "model"));
        var cases = meta["processor"]!.ToList();
        for (var i = 0; i < cases.Count; i++)
        {
            var values = tensor(
                new ClipPictures(processor, ImageMode.Crop).Numbers(GoldenFolder.Of(Golden, (string)cases[i]["image"]!)),
                [1, 3, processor.Size, processor.Size]
            );
            Assert.InRange(GoldenFolder.Difference(values, pixels[$"pixel_values_pil.{i}"].reshape(values.shape)), 0, 1e-4);
        }
    }

    [Fact]
    public void A_prompt_with_its_picture_has_the_processor_s_ids()
    {
        var settings = LlavaSettings.Read(LlavaSource.Of(GoldenFolder.Of(Golden, "model")));
        var tokenizer = FileTokenizer.Load(GoldenFolder.Of(Golden, "model"));
        var placeholder = tokenizer.AddedId(PromptBuilder.ImageTag)!.Value;
        foreach (var one in meta["processor"]!)
        {
            List<int> ids = [tokenizer.BeginOfSequence, .. tokenizer.Encode((string)one["text"]!)];
            Assert.Equal(
                Ints(one["input_ids"]!),
                ids.SelectMany(id => Enumerable.Repeat(id, id == placeholder ? settings.Shape.ImageTokens : 1))
            );
        }
    }

    [Fact]
    public void A_tower_that_was_saved_without_its_processor_has_CLIPs_own_and_says_so()
    {
        var options = Parts();
        var problems = new CoIN.Benchmark.Problems();
        ModelFamilies.Of(options).Check(options, problems, warnings.Add)?.Dispose();
        problems.ThrowIfAny("parts");
        Assert.Contains("CLIP's own settings", warnings[0], StringComparison.Ordinal);
        var path = GoldenFolder.Of(Golden, (string)meta["processor"]![0]!["image"]!);
        Assert.Equal(
            new ClipPictures(ClipImageProcessor.Load(GoldenFolder.Of(Golden, "model")), ImageMode.Pad).Numbers(path),
            LlavaSettings.Read(LlavaSource.Of(options)).Pictures.Numbers(path)
        );
    }

    /// <summary>The same weights as a language model, a tower and a projector; the language model has the tokenizer.</summary>
    private ModelOptions Parts()
    {
        var language = Directory.CreateDirectory(folder.Of("language")).FullName;
        foreach (var file in Directory.EnumerateFiles(GoldenFolder.Of(Golden, "llama")))
        {
            File.Copy(file, Path.Combine(language, Path.GetFileName(file)));
        }

        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(GoldenFolder.Of(Golden, "model", name), Path.Combine(language, name));
        }

        return new ModelOptions
        {
            MaxLength = Longest,
            Path = "",
            Language = language,
            VisionTower = GoldenFolder.Of(Golden, "clip"),
            Projector = GoldenFolder.Of(Golden, "mm_projector.safetensors"),
        };
    }

    private static List<int> Ints(JToken token) => [.. token.Select(id => (int)id)];
}
