using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>Makes an untrained LLaVA folder in the hub's layout: what pre-training starts from.</summary>
internal static class LlavaInitializer
{
    /// <summary>Writes config.json and model.safetensors.</summary>
    /// <param name="imageTokenId">The id that <c>image_token_index</c> names: one that no text uses.</param>
    /// <param name="dtype">The weights' type.</param>
    public static void Write(string folder, LlavaConfig config, int imageTokenId, long seed, ScalarType dtype = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Weights(config, generator, dtype));
        WriteConfig(folder, config, imageTokenId, TorchNames.Of(dtype));
    }

    /// <summary>Writes a hub folder's config.json.</summary>
    /// <param name="dtype">The weights' type by PyTorch's name.</param>
    /// <param name="rope">Keys of the language model's rotary embedding; null for the plain one with the configuration's base.</param>
    public static void WriteConfig(
        string folder,
        LlavaConfig config,
        int imageTokenId,
        string dtype = "float32",
        IEnumerable<JProperty>? rope = null
    )
    {
        var json = new JObject
        {
            ["architectures"] = new JArray("LlavaForConditionalGeneration"),
            ["ignore_index"] = SequenceBatch.Ignored,
            ["image_token_index"] = imageTokenId,
            ["model_type"] = "llava",
            ["projector_hidden_act"] = "gelu",
            ["text_config"] = new JObject
            {
                ["architectures"] = new JArray("LlamaForCausalLM"),
                ["hidden_size"] = config.Text.HiddenSize,
                ["intermediate_size"] = config.Text.IntermediateSize,
                ["max_position_embeddings"] = config.Text.MaxPositions,
                ["model_type"] = "llama",
                ["num_attention_heads"] = config.Text.Heads,
                ["num_hidden_layers"] = config.Text.Layers,
                ["num_key_value_heads"] = config.Text.KeyValueHeads,
                ["rms_norm_eps"] = config.Text.RmsNormEps,
                ["tie_word_embeddings"] = config.Text.TiedEmbeddings,
                ["torch_dtype"] = dtype,
                ["vocab_size"] = config.Text.VocabularySize,
            },
            ["tie_word_embeddings"] = config.Text.TiedEmbeddings,
            ["torch_dtype"] = dtype,
            ["vision_config"] = new JObject
            {
                ["hidden_act"] = config.Vision.Activation,
                ["hidden_size"] = config.Vision.HiddenSize,
                ["image_size"] = config.Vision.ImageSize,
                ["intermediate_size"] = config.Vision.IntermediateSize,
                ["layer_norm_eps"] = config.Vision.LayerNormEps,
                ["model_type"] = "clip_vision_model",
                ["num_attention_heads"] = config.Vision.Heads,
                ["num_hidden_layers"] = config.Vision.Layers,
                ["patch_size"] = config.Vision.PatchSize,
                ["projection_dim"] = config.Vision.HiddenSize,
            },
            ["vision_feature_layer"] = config.FeatureLayer,
            ["vision_feature_select_strategy"] = config.KeepClassToken ? "full" : "default",
            ["vocab_size"] = config.Text.VocabularySize,
        };
        var text = (JObject)json["text_config"]!;
        foreach (var key in rope ?? [new JProperty("rope_theta", config.Text.RopeTheta)])
        {
            text[key.Name] = key.Value.DeepClone();
        }

        Benchmark.Files.Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Random weights with the hub's names: normal with deviation 1/√inputs (embeddings 0.02), norms one, biases zero.</summary>
    private static IReadOnlyDictionary<string, Tensor> Weights(LlavaConfig config, Generator generator, ScalarType dtype)
    {
        var weights = new InitialWeights(generator, dtype);
        var vision = config.Vision;
        const string Tower = "vision_tower.vision_model.";
        weights.Random($"{Tower}embeddings.class_embedding", 0.02, vision.HiddenSize);
        weights.Random(
            $"{Tower}embeddings.patch_embedding.weight",
            1 / Math.Sqrt(3.0 * vision.PatchSize * vision.PatchSize),
            vision.HiddenSize,
            3,
            vision.PatchSize,
            vision.PatchSize
        );
        weights.Random($"{Tower}embeddings.position_embedding.weight", 0.02, vision.Patches + 1, vision.HiddenSize);
        weights.Norm($"{Tower}pre_layrnorm", vision.HiddenSize, bias: true);
        weights.Norm($"{Tower}post_layernorm", vision.HiddenSize, bias: true);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{Tower}encoder.layers.{i}.";
            weights.Norm($"{layer}layer_norm1", vision.HiddenSize, bias: true);
            weights.Norm($"{layer}layer_norm2", vision.HiddenSize, bias: true);
            foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
            {
                weights.Map($"{layer}self_attn.{name}", vision.HiddenSize, vision.HiddenSize, bias: true);
            }

            weights.Map($"{layer}mlp.fc1", vision.IntermediateSize, vision.HiddenSize, bias: true);
            weights.Map($"{layer}mlp.fc2", vision.HiddenSize, vision.IntermediateSize, bias: true);
        }

        var text = config.Text;
        weights.Map("multi_modal_projector.linear_1", text.HiddenSize, vision.HiddenSize, bias: true);
        weights.Map("multi_modal_projector.linear_2", text.HiddenSize, text.HiddenSize, bias: true);
        weights.Decoder("language_model.model.", "language_model.lm_head.weight", text);
        return weights.All;
    }
}
