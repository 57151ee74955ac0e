using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>Makes an untrained MiniGPT-v2 in one folder: what pre-training starts from; and writes such a folder's configuration.</summary>
internal static class MiniGptInitializer
{
    /// <summary>Writes config.json and model.safetensors.</summary>
    public static void Write(string folder, MiniGptConfig config, long seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Weights(config, generator));
        WriteConfig(folder, config);
    }

    /// <summary>Writes a folder's config.json.</summary>
    /// <param name="dtype">The weights' type by PyTorch's name.</param>
    /// <param name="rope">Keys of the language model's rotary embedding; null for the plain one with the configuration's base.</param>
    public static void WriteConfig(string folder, MiniGptConfig config, string dtype = "float32", IEnumerable<JProperty>? rope = null)
    {
        var (vision, text) = (config.Vision, config.Text);
        var language = new JObject
        {
            ["architectures"] = new JArray("LlamaForCausalLM"),
            ["hidden_size"] = text.HiddenSize,
            ["intermediate_size"] = text.IntermediateSize,
            ["max_position_embeddings"] = text.TrainedPositions,
            ["model_type"] = "llama",
            ["num_attention_heads"] = text.Heads,
            ["num_hidden_layers"] = text.Layers,
            ["num_key_value_heads"] = text.KeyValueHeads,
            ["rms_norm_eps"] = text.RmsNormEps,
            ["tie_word_embeddings"] = text.TiedEmbeddings,
            ["torch_dtype"] = dtype,
            ["vocab_size"] = text.VocabularySize,
        };
        foreach (var key in rope ?? [new JProperty("rope_theta", text.RopeTheta)])
        {
            language[key.Name] = key.Value.DeepClone();
        }

        var json = new JObject
        {
            ["model_type"] = MiniGptSource.ModelType,
            ["text_config"] = language,
            ["torch_dtype"] = dtype,
            ["vision_config"] = new JObject
            {
                ["hidden_act"] = vision.Activation,
                ["hidden_size"] = vision.HiddenSize,
                ["image_size"] = vision.ImageSize,
                ["intermediate_size"] = vision.IntermediateSize,
                ["layer_norm_eps"] = vision.LayerNormEps,
                ["model_type"] = "eva_vit",
                ["num_attention_heads"] = vision.Heads,
                ["num_hidden_layers"] = vision.Layers,
                ["patch_size"] = vision.PatchSize,
            },
            ["vision_norm_eps"] = config.NormEps,
            ["vision_tokens_joined"] = config.Joined,
        };
        Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>
    /// Random weights: normal with deviation 1/√inputs (embeddings 0.02), norms one, biases zero. The names and shapes are those that a
    /// model of this configuration asks for.
    /// </summary>
    private static Dictionary<string, Tensor> Weights(MiniGptConfig config, Generator generator)
    {
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Random(string name, double deviation, params long[] shape) => weights[name] = empty(shape).normal_(0, deviation, generator);
        void Fill(string name, double value, long size) => weights[name] = full([size], Scalars.Of(value));
        void Linear(string name, long outputs, long inputs, string? bias)
        {
            Random($"{name}.weight", 1 / Math.Sqrt(inputs), outputs, inputs);
            if (bias is not null)
            {
                Fill(bias, 0, outputs);
            }
        }

        void Norm(string name, long size)
        {
            Fill($"{name}.weight", 1, size);
            Fill($"{name}.bias", 0, size);
        }

        var (vision, names, text) = (config.Vision, EvaSettings.Names, config.Text);
        long size = vision.HiddenSize, inner = vision.IntermediateSize;
        Random($"{MiniGptCheckpoint.Tower}{names.ClassEmbedding}", 0.02, 1, 1, size);
        Random($"{MiniGptCheckpoint.Tower}{names.PositionEmbedding}", 0.02, 1, vision.Positions, size);
        Random(
            $"{MiniGptCheckpoint.Tower}{names.PatchEmbedding}.weight", 1 / Math.Sqrt(3.0 * vision.PatchSize * vision.PatchSize),
            size, 3, vision.PatchSize, vision.PatchSize);
        Fill($"{MiniGptCheckpoint.Tower}{names.PatchEmbedding}.bias", 0, size);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{MiniGptCheckpoint.Tower}{names.Layers}.{i}.";
            Norm(layer + names.AttentionNorm, size);
            Norm(layer + names.InnerNorm, size);
            Linear(layer + names.Qkv[0], 3 * size, size, bias: null);
            foreach (var bias in names.QkvBiases!.OfType<string>())
            {
                Fill(layer + bias, 0, size);
            }

            Linear(layer + names.Output, size, size, $"{layer}{names.Output}.bias");
            Linear(layer + names.Inner, inner, size, $"{layer}{names.Inner}.bias");
            Linear(layer + names.Outer, size, inner, $"{layer}{names.Outer}.bias");
        }

        Norm(MiniGptCheckpoint.NormName, size);
        var projector = MiniGptCheckpoint.Form.Written[0];
        Linear(projector, config.ProjectorSizes[1], config.ProjectorSizes[0], $"{projector}.bias");
        Random($"{MiniGptCheckpoint.Language}embed_tokens.weight", 0.02, text.VocabularySize, text.HiddenSize);
        Fill($"{MiniGptCheckpoint.Language}norm.weight", 1, text.HiddenSize);
        for (var i = 0; i < text.Layers; i++)
        {
            var layer = $"{MiniGptCheckpoint.Language}layers.{i}.";
            Fill($"{layer}input_layernorm.weight", 1, text.HiddenSize);
            Fill($"{layer}post_attention_layernorm.weight", 1, text.HiddenSize);
            foreach (var (name, outputs, inputs) in new (string, int, int)[]
            {
                ("self_attn.q_proj", text.HiddenSize, text.HiddenSize), ("self_attn.k_proj", text.KeyValueSize, text.HiddenSize),
                ("self_attn.v_proj", text.KeyValueSize, text.HiddenSize), ("self_attn.o_proj", text.HiddenSize, text.HiddenSize),
                ("mlp.gate_proj", text.IntermediateSize, text.HiddenSize), ("mlp.up_proj", text.IntermediateSize, text.HiddenSize),
                ("mlp.down_proj", text.HiddenSize, text.IntermediateSize),
            })
            {
                Linear(layer + name, outputs, inputs, bias: null);
            }
        }

        if (!text.TiedEmbeddings)
        {
            Random(MiniGptCheckpoint.Head, 0.02, text.VocabularySize, text.HiddenSize);
        }

        return weights;
    }
}
