using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Inspection;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Inspection;

public sealed class ModelInspectionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_models_parts_are_counted_as_they_would_be_loaded()
    {
        TinyLlava.WriteHub(folder.Of("model"));
        using var model = LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { });
        var text = Text(new ModelOptions { Path = folder.Of("model") });
        Assert.Contains("Hugging Face's layout", text, StringComparison.Ordinal);
        Assert.Contains("4 image tokens", text, StringComparison.Ordinal);
        foreach (var tensors in new[] { model.Vision.Parameters(), model.Projector.Parameters, model.Language.Parameters() })
        {
            Assert.Contains($"{tensors.Sum(tensor => tensor.numel()):N0}", text, StringComparison.Ordinal);
        }

        Assert.Contains("no tensor is missing", text, StringComparison.Ordinal);
        Assert.Contains("known and not needed, 18", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_unused_tensors_are_named()
    {
        TinyLlava.WriteParts(folder.Of("model"), 280);
        var path = folder.Of("model", "llama", "model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var file = CheckpointFolder.Open(path))
        {
            tensors = file.Names.ToDictionary(name => name, file.Read);
        }

        tensors.Remove("model.norm.weight");
        tensors["extra"] = zeros(1);
        SafetensorsWriter.Write(path, tensors);
        var text = Text(
            new ModelOptions
            {
                Language = folder.Of("model", "llama"),
                VisionTower = folder.Of("model", "clip"),
                Projector = folder.Of("model", "mm_projector.safetensors"),
            }
        );
        Assert.Contains("are missing: model.norm.weight", text, StringComparison.Ordinal);
        Assert.Contains("CoIN's parts", text, StringComparison.Ordinal);
        Assert.DoesNotContain("no tensor is missing", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Adapters_other_folders_and_single_files_are_described_too()
    {
        TinyLlava.WriteParts(folder.Of("model"), 280);
        using (var model = LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { }))
        {
            TinyLlava.WriteAdapter(folder.Of("adapter"), model);
        }

        var adapter = Text(new ModelOptions { Path = folder.Of("adapter") });
        Assert.Contains("rank 4, alpha 8", adapter, StringComparison.Ordinal);
        Assert.Contains("layers.{0-1}.self_attn.q_proj.lora_A.weight", adapter, StringComparison.Ordinal);
        Assert.Contains(
            "model of type llama, 21 tensors",
            Text(new ModelOptions { Path = folder.Of("model", "llama") }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "model.mm_projector.{0,2}.{bias,weight}",
            Text(new ModelOptions { Path = folder.Of("model", "mm_projector.safetensors") }),
            StringComparison.Ordinal
        );
    }

    private static string Text(ModelOptions options) => string.Join('\n', ModelInspection.Describe(options));
}
