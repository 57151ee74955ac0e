using CoIN.Benchmark;
using CoIN.Models.Cpu.Kernels;
using Newtonsoft.Json.Linq;
using static CoIN.Models.Llava.LlavaConfig;
using LlamaConfig = CoIN.Models.Modules.DecoderConfig;

namespace CoIN.Models.Qwen2;

/// <summary>Reads the shape of a Qwen1.5 or Qwen2 model (transformers' <c>Qwen2Config</c>; a value that its file leaves out has the default there).</summary>
internal static class Qwen2Config
{
    private const int Vocabulary = 151936;
    private const int Hidden = 4096;
    private const int Intermediate = 22016;
    private const int Depth = 32;
    private const int Attention = 32;
    private const int Positions = 32768;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="CoinException">The file is missing, not JSON, or describes what is not supported.</exception>
    public static LlamaConfig Read(string folder) => Reading(Path.Combine(folder, "config.json"), Read);

    private static LlamaConfig Read(string path, JObject json)
    {
        var type = (string?)json["model_type"] ?? "none";
        Require(type == "qwen2", path, "model_type", type, "qwen2 (Qwen1.5, Qwen2 and Qwen2.5 models) for a local judge");
        var activation = (string?)json["hidden_act"] ?? "silu";
        Require(activation == "silu", path, "hidden_act", activation, "silu");
        Require(!((bool?)json["use_sliding_window"] ?? false), path, "use_sliding_window", "true", "false");
        var kinds = (json["layer_types"] as JArray ?? []).Select(kind => (string?)kind ?? "none").Where(kind => kind != "full_attention").ToList();
        Require(kinds.Count == 0, path, "layer_types", kinds.FirstOrDefault("none"), "full_attention in every layer");
        var rotation = json["rope_parameters"] as JObject;
        var scaling = json["rope_scaling"] as JObject ?? rotation;
        var rope = (string?)scaling?["rope_type"] ?? (string?)scaling?["type"] ?? "default";
        Require(rope == "default", path, "the rope's type", rope, "default");

        var heads = (int?)json["num_attention_heads"] ?? Attention;
        var config = new LlamaConfig(
            (int?)json["hidden_size"] ?? Hidden, (int?)json["intermediate_size"] ?? Intermediate, (int?)json["num_hidden_layers"] ?? Depth, heads,
            (int?)json["num_key_value_heads"] ?? heads, (int?)json["vocab_size"] ?? Vocabulary, (double?)json["rms_norm_eps"] ?? 1e-6,
            (double?)json["rope_theta"] ?? (double?)rotation?["rope_theta"] ?? 10000.0, (int?)json["max_position_embeddings"] ?? Positions,
            (bool?)json["tie_word_embeddings"] ?? false, AttentionBias: true);
        Positive(
            path, "language model's", config.HiddenSize, config.IntermediateSize, config.Layers, heads, config.KeyValueHeads, config.VocabularySize, config.MaxPositions);
        Require(config.HiddenSize % heads == 0, path, "num_attention_heads", $"{heads}", $"a divisor of {config.HiddenSize}");
        Require(config.HeadSize % 2 == 0, path, "the size of a head", $"{config.HeadSize}", "an even number");
        Require(heads % config.KeyValueHeads == 0, path, "num_key_value_heads", $"{config.KeyValueHeads}", $"a divisor of {heads}");
        return config;
    }
}
