using CoIN.Models.Backends;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Modules;

/// <summary>A decoder in the names of another family: Qwen's, with queries, keys and values as one matrix.</summary>
public sealed class DecoderNamesTests : IDisposable
{
    private static readonly DecoderConfig Config = new(32, 48, 2, 4, 2, 64, 1e-5, 10000, 128, false, AttentionBias: true);

    private static readonly DecoderNames Qwen = new()
    {
        Embedding = "wte",
        Norm = "ln_f",
        Layers = "h",
        InputNorm = "ln_1",
        PostNorm = "ln_2",
        Qkv = ["attn.c_attn"],
        Output = "attn.c_proj",
        Gate = "mlp.w2",
        Up = "mlp.w1",
        Down = "mlp.c_proj",
    };

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator generator = new(1, CPU);

    public void Dispose()
    {
        generator.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void A_fused_matrix_under_other_names_gives_the_bits_of_three_matrices()
    {
        using var noGrad = no_grad();
        var llama = Weights();
        using var plain = Load(llama, DecoderNames.Llama);
        using var renamed = Load(Renamed(llama), Qwen);
        var ids = tensor(new long[] { 1, 5, 9, 11, 3 });
        using var sequences = new PackedSequences([3, 2], CPU);
        Assert.True(Logits(plain).equal(Logits(renamed)).all().item<bool>());
        Assert.Equal(Answer(plain), Answer(renamed));

        Tensor Logits(DecoderModel model) => model.Logits(model.Forward(model.Embed(ids), sequences));
        IReadOnlyList<int> Answer(DecoderModel model) =>
            CoIN.Models.Generation.GreedyGenerator.Generate(
                new TextModel(model, Backend.For(model.Dtype, model.Device)),
                new GenerationRequest([new([1, 5, 9], null)], null, 20),
                null
            )[0];
    }

    [Fact]
    public void Its_weights_are_named_as_they_were_stored()
    {
        var weights = Renamed(Weights());
        using var model = Load(weights, Qwen);
        var named = model.Named("m.", "m.lm_head.weight").ToDictionary(pair => pair.Name, pair => pair.Tensor);
        Assert.Equal(weights.Keys.Order(), named.Keys.Order());
        Assert.All(weights, pair => Assert.True(pair.Value.equal(named[pair.Key]).all().item<bool>()));
    }

    private DecoderModel Load(Dictionary<string, Tensor> weights, DecoderNames names)
    {
        var path = folder.Of($"{names.Embedding}.safetensors");
        SafetensorsWriter.Write(path, weights);
        using var checkpoint = CheckpointFolder.Open(path);
        var model = new DecoderModel(checkpoint, "m.", "m.lm_head.weight", Config, ScalarType.Float32, CPU, names);
        Assert.Empty(checkpoint.Finish());
        return model;
    }

    private Dictionary<string, Tensor> Weights()
    {
        long h = Config.HiddenSize,
            kv = Config.KeyValueSize,
            inner = Config.IntermediateSize;
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Add(string name, params long[] shape) => weights[$"m.{name}"] = randn(shape, generator: generator) * 0.2;
        Add("embed_tokens.weight", Config.VocabularySize, h);
        Add("lm_head.weight", Config.VocabularySize, h);
        Add("norm.weight", h);
        for (var i = 0; i < Config.Layers; i++)
        {
            var layer = $"layers.{i}.";
            Add($"{layer}input_layernorm.weight", h);
            Add($"{layer}post_attention_layernorm.weight", h);
            foreach (var (name, outputs) in new[] { ("q", h), ("k", kv), ("v", kv) })
            {
                Add($"{layer}self_attn.{name}_proj.weight", outputs, h);
                Add($"{layer}self_attn.{name}_proj.bias", outputs);
            }

            Add($"{layer}self_attn.o_proj.weight", h, h);
            Add($"{layer}mlp.gate_proj.weight", inner, h);
            Add($"{layer}mlp.up_proj.weight", inner, h);
            Add($"{layer}mlp.down_proj.weight", h, inner);
        }

        return weights;
    }

    private static Dictionary<string, Tensor> Renamed(Dictionary<string, Tensor> llama)
    {
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["m.wte.weight"] = llama["m.embed_tokens.weight"],
            ["m.lm_head.weight"] = llama["m.lm_head.weight"],
            ["m.ln_f.weight"] = llama["m.norm.weight"],
        };
        for (var i = 0; i < Config.Layers; i++)
        {
            string from = $"m.layers.{i}.",
                to = $"m.h.{i}.";
            foreach (var kind in new[] { "weight", "bias" })
            {
                weights[$"{to}attn.c_attn.{kind}"] = cat(
                    [.. new[] { "q", "k", "v" }.Select(name => llama[$"{from}self_attn.{name}_proj.{kind}"])],
                    0
                );
            }

            foreach (
                var (name, other) in new[]
                {
                    ("ln_1", "input_layernorm"),
                    ("ln_2", "post_attention_layernorm"),
                    ("attn.c_proj", "self_attn.o_proj"),
                    ("mlp.w2", "mlp.gate_proj"),
                    ("mlp.w1", "mlp.up_proj"),
                    ("mlp.c_proj", "mlp.down_proj"),
                }
            )
            {
                weights[$"{to}{name}.weight"] = llama[$"{from}{other}.weight"];
            }
        }

        return weights;
    }
}
