using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Llava;

/// <summary>Every arrangement of the same weights gives the reference's numbers.</summary>
[Trait("Category", "Parity")]
public sealed class LlavaLayoutParityTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();
    private readonly List<string> warnings = [];

    public void Dispose()
    {
        noGrad.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("model.safetensors", "mm_projector.safetensors", 2e-4)]
    [InlineData("model.safetensors", "mm_projector.bin", 2e-4)]
    // The archive holds the same tensors rounded to float16, as Vicuna's do.
    [InlineData("pytorch_model.bin", "mm_projector.safetensors", 2e-2)]
    [InlineData("pytorch_model.bin", "mm_projector.bin", 2e-2)]
    public void CoINs_parts_agree_with_the_reference_in_every_combination_of_formats(string weights, string projector, double tolerance)
    {
        var language = Language(weights);
        foreach (
            var source in new[]
            {
                LlavaSource.Of(
                    new ModelOptions
                    {
                        Language = language,
                        VisionTower = Golden("clip"),
                        Projector = Golden(projector),
                    }
                ),
                LlavaSource.Of(Parts(language, projector)),
            }
        )
        {
            Assert.Equal(LlavaLayout.Parts, source.Layout);
            Agrees(source, tolerance);
        }

        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("model.language_model.", "model.vision_tower.", "model.multi_modal_projector.", "lm_head.weight")]
    [InlineData("language_model.model.", "vision_tower.", "multi_modal_projector.", "language_model.lm_head.weight")]
    public void Newer_and_older_hub_names_agree_with_the_reference(string language, string vision, string projector, string head)
    {
        var tensors = new Dictionary<string, Tensor>();
        using (var hub = CheckpointFolder.Open(GoldenFolder.Of("llava-tiny", "hub")))
        {
            foreach (var name in hub.Names)
            {
                tensors[
                    name == "language_model.lm_head.weight"
                        ? head
                        : name.Replace("language_model.model.", language, StringComparison.Ordinal)
                            .Replace("vision_tower.", vision, StringComparison.Ordinal)
                            .Replace("multi_modal_projector.", projector, StringComparison.Ordinal)
                ] = hub.Read(name);
            }
        }

        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        File.Copy(GoldenFolder.Of("llava-tiny", "hub", "config.json"), folder.Of("config.json"));
        Agrees(LlavaSource.Of(folder.Path), 2e-4);
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("llava_llama")]
    [InlineData("llava")]
    public void LLaVAs_own_layout_agrees_with_the_reference_and_names_its_tower(string type)
    {
        Original(type);
        Assert.Contains(
            "model.vision-tower",
            Assert.Throws<CoinException>(() => LlavaSource.Of(folder.Path)).Message,
            StringComparison.Ordinal
        );
        var source = LlavaSource.Of(new ModelOptions { Path = folder.Path, VisionTower = Golden("clip") });
        Assert.Equal(LlavaLayout.Original, source.Layout);
        Agrees(source, 2e-4);
        Assert.Empty(warnings);
    }

    [Fact]
    public void Tensors_that_nothing_uses_and_missing_ones_are_named_but_a_copy_of_the_frozen_tower_is_passed_over()
    {
        Original("llava");
        var tensors = GoldenTensors(Golden("llama", "model.safetensors"));
        tensors["model.layers.0.self_attn.extra"] = ones(1);
        tensors["model.layers.1.self_attn.extra"] = ones(1);
        foreach (var (name, tensor) in GoldenTensors(Golden("mm_projector.safetensors")))
        {
            tensors[name] = tensor;
        }

        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        Assert.Contains(
            "model.layers.{0-1}.self_attn.extra",
            Assert.Throws<CoinException>(() => LlavaCheckpoint.Load(Source(), ScalarType.Float32, TestDevice.Device, warnings.Add)).Message,
            StringComparison.Ordinal
        );
        tensors.Remove("model.layers.0.self_attn.extra");
        tensors.Remove("model.layers.1.self_attn.extra");
        tensors["model.vision_tower.vision_tower.vision_model.post_layernorm.bias"] = ones(1);
        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        LlavaCheckpoint.Load(Source(), ScalarType.Float32, TestDevice.Device, warnings.Add).Dispose();
        Assert.Empty(warnings);
        tensors.Remove("model.norm.weight");
        tensors.Remove("model.mm_projector.2.bias");
        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        var message = Assert
            .Throws<CoinException>(() => LlavaCheckpoint.Load(Source(), ScalarType.Float32, TestDevice.Device, warnings.Add))
            .Message;
        Assert.Contains("model.norm.weight", message, StringComparison.Ordinal);
        Assert.Contains("model.mm_projector.2.bias", message, StringComparison.Ordinal);
    }

    private LlavaSource Source() => LlavaSource.Of(folder.Path, Golden("clip"));

    private static string Golden(params string[] parts) => GoldenFolder.Of(["llava-tiny", "coin", .. parts]);

    private static Dictionary<string, Tensor> GoldenTensors(string path)
    {
        using var file = CheckpointFolder.Open(path);
        return file.Names.ToDictionary(name => name, file.Read);
    }

    /// <summary>LLaMA folder with weights of one format only.</summary>
    private string Language(string weights)
    {
        var language = Directory.CreateDirectory(folder.Of("language")).FullName;
        File.Copy(Golden("llama", weights), Path.Combine(language, weights));
        File.Copy(Golden("llama", "config.json"), Path.Combine(language, "config.json"));
        return language;
    }

    /// <summary>The parts in one folder, under CoIN's names.</summary>
    private string Parts(string language, string projector)
    {
        var parts = Directory.CreateDirectory(folder.Of("parts")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(parts, "llama"), language);
        Directory.CreateSymbolicLink(Path.Combine(parts, "clip"), Golden("clip"));
        File.Copy(Golden(projector), Path.Combine(parts, projector));
        return parts;
    }

    private void Original(string type)
    {
        var tensors = GoldenTensors(Golden("llama", "model.safetensors"));
        foreach (var (name, tensor) in GoldenTensors(Golden("mm_projector.bin")))
        {
            tensors[name] = tensor;
        }

        SafetensorsWriter.Write(folder.Of("model.safetensors"), tensors);
        var config = JObject.Parse(File.ReadAllText(Golden("llama", "config.json")));
        config["model_type"] = type;
        config["mm_projector_type"] = "mlp2x_gelu";
        config["mm_vision_tower"] = "openai/clip-vit-large-patch14-336";
        config["mm_vision_select_layer"] = -2;
        File.WriteAllText(folder.Of("config.json"), config.ToString());
    }

    private void Agrees(LlavaSource source, double tolerance)
    {
        using var model = LlavaCheckpoint.Load(source, ScalarType.Float32, TestDevice.Device, warnings.Add);
        var meta = GoldenFolder.Json("llava-tiny", "meta.json");
        var inputs = GoldenFolder.Tensors("llava-tiny", "inputs.safetensors");
        var expected = GoldenFolder.Tensors("llava-tiny", "expected.safetensors");
        static List<int> Ints(JToken token) => [.. token.Select(id => (int)id)];
        using var batch = SequenceBatch.Create(
            [.. meta["samples"]!.Select(sample => new TokenSequence(Ints(sample["ids"]!), Ints(sample["labels"]!)))],
            model.Config.ImageTokens,
            4096,
            TestDevice.Device
        );
        var embedded = model.Embed(batch, model.Features(inputs["pixel_values"].There()));
        var logits = model.Language.Logits(model.Language.Forward(embedded, batch.Sequences));
        Assert.InRange(GoldenFolder.Difference(logits, expected["logits"][inputs["attention_mask"].to(ScalarType.Bool)]), 0, tolerance);
    }
}
