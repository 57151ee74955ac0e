using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Cpu;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Modules;

/// <summary>Shapes and names that differ from CLIP's, on random weights.</summary>
public sealed class VisionTransformerTests : KernelTests
{
    private const int Used = 2;

    private static readonly VisionConfig Clip = new(32, 48, 3, 2, 16, 8, "quick_gelu", 1e-5);

    private readonly TemporaryFolder folder = new();

    public override void Dispose()
    {
        folder.Dispose();
        base.Dispose();
    }

    public static TheoryData<string> Shapes => ["clip", "eva", "qwen"];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Kernels_and_libtorch_agree_whatever_the_tower_is_made_of(string kind)
    {
        using var noGrad = no_grad();
        using var tower = Tower(Write(Of(kind), VisionNames.Clip), Of(kind), VisionNames.Clip);
        var pixels = randn(2, 3, 16, 16, generator: Generator);
        var features = tower.Forward(pixels);
        Assert.Equal([2, 4, tower.Config.HiddenSize], features.shape);
        Assert.InRange((features - new CpuBackend().Vision(tower, pixels)).abs().max().item<float>(), 0, 1e-4);
        Assert.InRange(features.abs().max().item<float>(), 0.1, 1e3);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_weight_has_its_name_and_is_counted(string kind)
    {
        var weights = Write(Of(kind), VisionNames.Clip);
        using var tower = Tower(weights, Of(kind), VisionNames.Clip);
        Assert.Equal(
            weights.Keys.Where(name => !name.Contains("layers.2.", StringComparison.Ordinal)).Order(),
            tower.Named("t.").Select(named => named.Name).Order()
        );
        Assert.Equal(tower.Parameters().Sum(tensor => tensor.numel()), Of(kind).Parameters(Used));
    }

    [Fact]
    public void Queries_keys_and_values_in_one_matrix_with_two_biases_give_the_bits_of_three_with_three()
    {
        using var noGrad = no_grad();
        var config = Of("eva");
        var weights = Write(config, VisionNames.Clip, name => name.EndsWith("k_proj.bias", StringComparison.Ordinal));
        var names = VisionNames.Clip with { Qkv = ["attn.qkv"], QkvBiases = ["attn.q_bias", null, "attn.v_bias"] };
        var fused = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (
            var (name, tensor) in weights.Where(pair =>
                !pair.Key.Contains("self_attn.", StringComparison.Ordinal) || pair.Key.Contains("out_proj", StringComparison.Ordinal)
            )
        )
        {
            fused[name] = tensor;
        }

        for (var i = 0; i < config.Layers; i++)
        {
            string from = $"t.encoder.layers.{i}.self_attn.",
                to = $"t.encoder.layers.{i}.attn.";
            fused[$"{to}qkv.weight"] = cat(
                [weights[$"{from}q_proj.weight"], weights[$"{from}k_proj.weight"], weights[$"{from}v_proj.weight"]],
                0
            );
            fused[$"{to}q_bias"] = weights[$"{from}q_proj.bias"];
            fused[$"{to}v_bias"] = weights[$"{from}v_proj.bias"];
        }

        using var three = Tower(weights, config, VisionNames.Clip);
        using var one = Tower(fused, config, names);
        var pixels = randn(1, 3, 16, 16, generator: Generator);
        Assert.True(three.Forward(pixels).equal(one.Forward(pixels)).all().item<bool>());
        Assert.True(new CpuBackend().Vision(three, pixels).equal(new CpuBackend().Vision(one, pixels)).all().item<bool>());
        Assert.Equal(
            fused.Keys.Where(name => !name.Contains("layers.2.", StringComparison.Ordinal)).Order(),
            one.Named("t.").Select(named => named.Name).Order()
        );
    }

    [Fact]
    public void Positions_of_a_smaller_picture_are_resized_where_the_names_say_so_and_else_refused()
    {
        using var noGrad = no_grad();
        var config = Of("eva");
        var stored = Write(config with { ImageSize = 24 }, VisionNames.Clip);
        var names = VisionNames.Clip with { LeadingOnes = (2, 1), ResizesPositions = true };
        var positions = stored[$"t.{names.PositionEmbedding}"];
        var fault = Assert.Throws<CoinException>(() => Tower(stored, config, VisionNames.Clip));
        Assert.Contains(names.PositionEmbedding, fault.Message, StringComparison.Ordinal);

        stored[$"t.{names.PositionEmbedding}"] = positions.unsqueeze(0);
        stored[$"t.{names.ClassEmbedding}"] = stored[$"t.{names.ClassEmbedding}"].view(1, 1, -1);
        using var resized = Tower(stored, config, names);
        Assert.Equal([5, config.HiddenSize], resized.PositionEmbedding.shape);
        Assert.True(resized.PositionEmbedding[0].equal(positions[0]).all().item<bool>());
        using var same = Tower(stored, config with { ImageSize = 24 }, names);
        Assert.True(same.PositionEmbedding.equal(positions).all().item<bool>());
        Assert.Equal(
            [1, 10, config.HiddenSize],
            same.Named("t.").Single(named => named.Name == $"t.{names.PositionEmbedding}").Tensor.shape
        );
    }

    /// <summary>EVA-CLIP-g's heads of 88 without norm in front, and Qwen's tower without class token.</summary>
    private static VisionConfig Of(string kind) =>
        kind switch
        {
            "eva" => Clip with { HiddenSize = 176, Activation = "gelu", PatchBias = true, InputNorm = false },
            "qwen" => Clip with { Activation = "gelu", ClassToken = false },
            _ => Clip,
        };

    private VisionTransformer Tower(IReadOnlyDictionary<string, Tensor> weights, VisionConfig config, VisionNames names)
    {
        var path = folder.Of($"{Guid.NewGuid():n}.safetensors");
        SafetensorsWriter.Write(path, weights);
        using var checkpoint = CheckpointFolder.Open(path);
        var tower = new VisionTransformer(checkpoint, "t.", config, Used, keepClassToken: false, ScalarType.Float32, CPU, names);
        Assert.Empty(checkpoint.Finish());
        return tower;
    }

    private Dictionary<string, Tensor> Write(VisionConfig config, VisionNames names, Func<string, bool>? zero = null)
    {
        long h = config.HiddenSize,
            inner = config.IntermediateSize;
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Add(string name, params long[] shape) =>
            weights[$"t.{name}"] =
                zero?.Invoke(name) == true
                    ? zeros(shape)
                    : randn(shape, generator: Generator) * (shape.Length == 1 ? 0.3 : 1 / Math.Sqrt(h));
        if (config.ClassToken)
        {
            Add(names.ClassEmbedding, h);
        }

        Add($"{names.PatchEmbedding}.weight", h, 3, config.PatchSize, config.PatchSize);
        if (config.PatchBias)
        {
            Add($"{names.PatchEmbedding}.bias", h);
        }

        Add(names.PositionEmbedding, config.Positions, h);
        foreach (var norm in config.InputNorm ? new[] { names.InputNorm } : [])
        {
            Add($"{norm}.weight", h);
            Add($"{norm}.bias", h);
        }

        for (var i = 0; i < config.Layers; i++)
        {
            var layer = $"{names.Layers}.{i}.";
            foreach (
                var (name, outputs, inputs) in names
                    .Qkv.Append(names.Output)
                    .Select(name => (name, h, h))
                    .Append((names.Inner, inner, h))
                    .Append((names.Outer, h, inner))
            )
            {
                Add($"{layer}{name}.weight", outputs, inputs);
                Add($"{layer}{name}.bias", outputs);
            }

            foreach (var norm in new[] { names.AttentionNorm, names.InnerNorm })
            {
                Add($"{layer}{norm}.weight", h);
                Add($"{layer}{norm}.bias", h);
            }
        }

        return weights;
    }
}
