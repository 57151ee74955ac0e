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
        string folder, LlavaConfig config, int imageTokenId, string dtype = "float32", IEnumerable<JProperty>? rope = null)
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
    private static Dictionary<string, Tensor> Weights(LlavaConfig config, Generator generator, ScalarType dtype)
    {
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        void Random(string name, double deviation, params long[] shape)
        {
            using var drawn = NewDisposeScope();
            weights[name] = empty(shape).normal_(0, deviation, generator).to(dtype).MoveToOuterDisposeScope();
        }

        void Fill(string name, double value, long size) => weights[name] = full([size], Scalars.Of(value), dtype: dtype);
        void Linear(string name, long outputs, long inputs, bool bias)
        {
            Random($"{name}.weight", 1 / Math.Sqrt(inputs), outputs, inputs);
            if (bias)
            {
                Fill($"{name}.bias", 0, outputs);
            }
        }

        void Norm(string name, long size)
        {
            Fill($"{name}.weight", 1, size);
            Fill($"{name}.bias", 0, size);
        }

        var vision = config.Vision;
        const string Tower = "vision_tower.vision_model.";
        Random($"{Tower}embeddings.class_embedding", 0.02, vision.HiddenSize);
        Random(
            $"{Tower}embeddings.patch_embedding.weight", 1 / Math.Sqrt(3.0 * vision.PatchSize * vision.PatchSize),
            vision.HiddenSize, 3, vision.PatchSize, vision.PatchSize);
        Random($"{Tower}embeddings.position_embedding.weight", 0.02, vision.Patches + 1, vision.HiddenSize);
        Norm($"{Tower}pre_layrnorm", vision.HiddenSize);
        Norm($"{Tower}post_layernorm", vision.HiddenSize);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{Tower}encoder.layers.{i}.";
            Norm($"{layer}layer_norm1", vision.HiddenSize);
            Norm($"{layer}layer_norm2", vision.HiddenSize);
            foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
            {
                Linear($"{layer}self_attn.{name}", vision.HiddenSize, vision.HiddenSize, bias: true);
            }

            Linear($"{layer}mlp.fc1", vision.IntermediateSize, vision.HiddenSize, bias: true);
            Linear($"{layer}mlp.fc2", vision.HiddenSize, vision.IntermediateSize, bias: true);
        }

        var text = config.Text;
        Linear("multi_modal_projector.linear_1", text.HiddenSize, vision.HiddenSize, bias: true);
        Linear("multi_modal_projector.linear_2", text.HiddenSize, text.HiddenSize, bias: true);
        const string Language = "language_model.model.";
        Random($"{Language}embed_tokens.weight", 0.02, text.VocabularySize, text.HiddenSize);
        Fill($"{Language}norm.weight", 1, text.HiddenSize);
        for (var i = 0; i < text.Layers; i++)
        {
            var layer = $"{Language}layers.{i}.";
            Fill($"{layer}input_layernorm.weight", 1, text.HiddenSize);
            Fill($"{layer}post_attention_layernorm.weight", 1, text.HiddenSize);
            Linear($"{layer}self_attn.q_proj", text.HiddenSize, text.HiddenSize, bias: false);
            Linear($"{layer}self_attn.k_proj", text.KeyValueHeads * text.HeadSize, text.HiddenSize, bias: false);
            Linear($"{layer}self_attn.v_proj", text.KeyValueHeads * text.HeadSize, text.HiddenSize, bias: false);
            Linear($"{layer}self_attn.o_proj", text.HiddenSize, text.HiddenSize, bias: false);
            Linear($"{layer}mlp.gate_proj", text.IntermediateSize, text.HiddenSize, bias: false);
            Linear($"{layer}mlp.up_proj", text.IntermediateSize, text.HiddenSize, bias: false);
            Linear($"{layer}mlp.down_proj", text.HiddenSize, text.IntermediateSize, bias: false);
        }

        if (!text.TiedEmbeddings)
        {
            Random("language_model.lm_head.weight", 0.02, text.VocabularySize, text.HiddenSize);
        }

        return weights;
    }
}
