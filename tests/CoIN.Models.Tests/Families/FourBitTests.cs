using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families;

/// <summary>Every family's language model in four bits.</summary>
public sealed class FourBitTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("LLaVA")]
    [InlineData("MiniGPT-v2")]
    [InlineData("Qwen-VL")]
    [InlineData("Qwen2.5-VL")]
    public void The_layers_maps_are_those_of_the_files_quantized_and_all_else_is_as_it_is(string name)
    {
        var options = new ModelOptions { Path = Files(name), MaxLength = 64 };
        var family = ModelFamilies.Of(options);
        using var plain = family.Load(options, ScalarType.Float32, CPU, _ => { }).Model;
        var held = options with { Quantization = BaseQuantization.Nf4, QuantizationBlockSize = 128 };
        using var packed = family.Load(held, ScalarType.Float32, CPU, _ => { }).Model;
        Assert.Equal(new Nf4Settings(128), packed.Language.Nf4);
        var maps = plain.Language.Layers.Zip(packed.Language.Layers).SelectMany(pair => pair.First.Linears.Zip(pair.Second.Linears));
        foreach (var (whole, four) in maps)
        {
            using var opened = four.Open();
            Assert.Equal(whole.Parts.Count, four.Packed!.Count);
            for (var part = 0; part < whole.Parts.Count; part++)
            {
                using var expected = Nf4Weight.Quantize(
                    whole.Weight.narrow(0, whole.FirstOutputOf(part), whole.Parts[part].Out),
                    new Nf4Settings(128),
                    CPU
                );
                var dense = empty([whole.Parts[part].Out, whole.In], ScalarType.Float32);
                expected.Into(dense);
                var found = opened.Weight.narrow(0, whole.FirstOutputOf(part), whole.Parts[part].Out);
                Assert.Equal(dense.data<float>().ToArray(), found.data<float>().ToArray());
            }

            Assert.Equal(whole.Bias?.data<float>().ToArray(), four.Bias?.data<float>().ToArray());
        }

        Assert.True(plain.Language.Embedding.equal(packed.Language.Embedding).all().item<bool>());
        Assert.True(plain.Language.Head.equal(packed.Language.Head).all().item<bool>());
    }

    [Theory]
    [InlineData("LLaVA")]
    [InlineData("MiniGPT-v2")]
    [InlineData("Qwen-VL")]
    [InlineData("Qwen2.5-VL")]
    public void Nothing_is_merged_into_weights_that_are_saved_in_four_bits(string name)
    {
        var files = Files(name);
        var model = Directory.CreateDirectory(folder.Of("packed")).FullName;
        foreach (var file in Directory.GetFiles(files).Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        }

        using (var weights = CheckpointFolder.Open(files))
        {
            var tensors = weights.Names.ToDictionary(one => one, weights.Read, StringComparer.Ordinal);
            var map = tensors.Keys.First(one =>
                one.EndsWith("c_attn.weight", StringComparison.Ordinal)
                || (one.EndsWith(".q_proj.weight", StringComparison.Ordinal) && !one.Contains("vision", StringComparison.Ordinal))
            );
            tensors[map] = zeros([tensors[map].numel() / 2, 1], ScalarType.Byte);
            tensors[PackedTensors.StateOf(map)] = zeros([2], ScalarType.Byte);
            SafetensorsWriter.Write(Path.Combine(model, "model.safetensors"), tensors);
        }

        void Merge() => ModelMerge.Write(folder.Of("adapter"), new ModelOptions { Path = model }, folder.Of("merged"), null, _ => { });
        Assert.Contains("in four bits", Assert.Throws<CoinException>(Merge).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.Of("merged")));
    }

    private string Files(string family)
    {
        switch (family)
        {
            case "LLaVA":
                TinyLlava.WriteHub(folder.Path);
                return folder.Path;
            case "MiniGPT-v2":
                TinyMiniGpt.Write(folder.Path);
                return folder.Path;
            case "Qwen-VL":
                TinyQwenVl.Write(folder.Path);
                return folder.Path;
            default:
                return GoldenFolder.Of("qwen2.5-vl-tiny", "model");
        }
    }
}
