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
    private static IReadOnlyDictionary<string, Tensor> Weights(MiniGptConfig config, Generator generator)
    {
        var weights = new InitialWeights(generator);
        var (vision, names, text) = (config.Vision, EvaSettings.Names, config.Text);
        long size = vision.HiddenSize,
            inner = vision.IntermediateSize;
        weights.Random($"{MiniGptCheckpoint.Tower}{names.ClassEmbedding}", 0.02, 1, 1, size);
        weights.Random($"{MiniGptCheckpoint.Tower}{names.PositionEmbedding}", 0.02, 1, vision.Positions, size);
        weights.Random(
            $"{MiniGptCheckpoint.Tower}{names.PatchEmbedding}.weight",
            1 / Math.Sqrt(3.0 * vision.PatchSize * vision.PatchSize),
            size,
            3,
            vision.PatchSize,
            vision.PatchSize
        );
        weights.Zeros($"{MiniGptCheckpoint.Tower}{names.PatchEmbedding}.bias", size);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{MiniGptCheckpoint.Tower}{names.Layers}.{i}.";
            weights.Norm(layer + names.AttentionNorm, size, bias: true);
            weights.Norm(layer + names.InnerNorm, size, bias: true);
            weights.Map(layer + names.Qkv[0], 3 * size, size, bias: false);
            foreach (var bias in names.QkvBiases!.OfType<string>())
            {
                weights.Zeros(layer + bias, size);
            }

            weights.Map(layer + names.Output, size, size, bias: true);
            weights.Map(layer + names.Inner, inner, size, bias: true);
            weights.Map(layer + names.Outer, size, inner, bias: true);
        }

        weights.Norm(MiniGptCheckpoint.NormName, size, bias: true);
        var projector = MiniGptCheckpoint.Form.Written[0];
        weights.Map(projector, config.ProjectorSizes[1], config.ProjectorSizes[0], bias: true);
        weights.Decoder(MiniGptCheckpoint.Language, MiniGptCheckpoint.Head, text);
        return weights.All;
    }
}
