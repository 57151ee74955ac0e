using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using ClipConfig = CoIN.Models.Modules.VisionConfig;
using LlamaConfig = CoIN.Models.Modules.DecoderConfig;

namespace CoIN.Models.Llava;

/// <summary>Shape of a LLaVA model (transformers' <c>LlavaConfig</c>).</summary>
/// <param name="FeatureLayer">Index of the CLIP hidden state that is used; negative counts from the end, −2 is the last but one.</param>
/// <param name="KeepClassToken">Whether the CLS position stays (<c>vision_feature_select_strategy</c> full).</param>
internal sealed record LlavaConfig(ClipConfig Vision, LlamaConfig Text, int FeatureLayer, bool KeepClassToken)
{
    /// <summary>Image tokens of a picture.</summary>
    public int ImageTokens => Vision.Patches + (KeepClassToken ? 1 : 0);

    /// <summary>Reads the configuration of a model's files.</summary>
    /// <exception cref="CoinException">A file is missing, not JSON, or describes what is not supported.</exception>
    public static LlavaConfig Read(LlavaSource source) => source.Layout switch
    {
        LlavaLayout.Hub => ReadHub(source.Language),
        LlavaLayout.Parts => ReadParts(source.Language, source.VisionTower),
        _ => ReadOriginal(source.Language, source.VisionTower),
    };

    /// <summary>Reads a folder's <c>config.json</c>.</summary>
    /// <exception cref="CoinException">The file is missing or not JSON.</exception>
    public static JObject ReadJson(string path)
    {
        try
        {
            return JObject.Parse(Utf8Text.Read(path));
        }
        catch (JsonException e)
        {
            throw new CoinException($"{path} is not valid JSON: {e.Message} Restore it from the checkpoint's source.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. A model's folder must be a Hugging Face folder.", e);
        }
    }

    /// <summary>The hub's layout: everything in one folder, with a configuration for each part.</summary>
    private static LlavaConfig ReadHub(string folder) => Reading(Path.Combine(folder, "config.json"), (path, json) =>
    {
        var activation = (string?)json["projector_hidden_act"] ?? "gelu";
        Require(activation == "gelu", path, "projector_hidden_act", activation, "gelu");
        var strategy = (string?)json["vision_feature_select_strategy"] ?? "default";
        Require(strategy is "default" or "full", path, "vision_feature_select_strategy", strategy, "default or full");
        Require(json["vision_feature_layer"] is not JArray, path, "vision_feature_layer", "a list", "one number");
        var vision = json["vision_config"] as JObject ?? throw Missing(path, "vision_config");
        var text = json["text_config"] as JObject ?? throw Missing(path, "text_config");
        return Checked(path, new LlavaConfig(
            Clip(path, vision), Llama(path, text, (int?)json["vocab_size"]), (int?)json["vision_feature_layer"] ?? -2, strategy == "full"));
    });

    /// <summary>CoIN's recipe of separate LLaMA and CLIP folders.</summary>
    private static LlavaConfig ReadParts(string llama, string clip) => Checked(clip, new LlavaConfig(
        ReadClip(clip), Reading(Path.Combine(llama, "config.json"), (path, json) => Llama(path, json, null)), FeatureLayer: -2, KeepClassToken: false));

    /// <summary>LLaVA's own layout: language model and projector in one folder, CLIP in another.</summary>
    private static LlavaConfig ReadOriginal(string folder, string clip) => Reading(Path.Combine(folder, "config.json"), (path, json) =>
    {
        var projector = (string?)json["mm_projector_type"] ?? "linear";
        Require(projector == "mlp2x_gelu", path, "mm_projector_type", projector, "mlp2x_gelu");
        Require(!((bool?)json["mm_use_im_start_end"] ?? false), path, "mm_use_im_start_end", "true", "false");
        Require(!((bool?)json["mm_use_im_patch_token"] ?? false), path, "mm_use_im_patch_token", "true", "false");
        var features = (string?)json["mm_vision_select_feature"] ?? "patch";
        Require(features is "patch" or "cls_patch", path, "mm_vision_select_feature", features, "patch or cls_patch");
        return Checked(path, new LlavaConfig(ReadClip(clip), Llama(path, json, null), (int?)json["mm_vision_select_layer"] ?? -2, features == "cls_patch"));
    });

    private static ClipConfig ReadClip(string folder) => Reading(
        Path.Combine(folder, "config.json"), (path, json) => Clip(path, json["vision_config"] as JObject ?? json));

    /// <summary>Reads values out of a file; one of a wrong kind is the file's fault.</summary>
    internal static T Reading<T>(string path, Func<string, JObject, T> read)
    {
        try
        {
            return read(path, ReadJson(path));
        }
        catch (Exception e) when (e is InvalidCastException or ArgumentException or FormatException or OverflowException)
        {
            throw new CoinException($"{path} has a value of a wrong kind: {e.Message.TrimEnd('.')}. Restore it from the checkpoint's source.", e);
        }
    }

    private static LlavaConfig Checked(string path, LlavaConfig config)
    {
        var layers = config.Vision.Layers;
        Require(config.FeatureLayer >= -layers - 1 && config.FeatureLayer <= layers, path, "the layer of the picture's features", $"{config.FeatureLayer}", $"within the {layers} layers of the vision tower");
        return config;
    }

    private static ClipConfig Clip(string path, JObject json)
    {
        var activation = (string?)json["hidden_act"] ?? "quick_gelu";
        Require(activation is "quick_gelu" or "gelu", path, "vision hidden_act", activation, "quick_gelu or gelu");
        var config = new ClipConfig(
            (int?)json["hidden_size"] ?? 768, (int?)json["intermediate_size"] ?? 3072, (int?)json["num_hidden_layers"] ?? 12,
            (int?)json["num_attention_heads"] ?? 12, (int?)json["image_size"] ?? 224, (int?)json["patch_size"] ?? 32,
            activation, (double?)json["layer_norm_eps"] ?? 1e-5);
        Positive(path, "vision", config.HiddenSize, config.IntermediateSize, config.Layers, config.Heads, config.ImageSize, config.PatchSize);
        Require(config.ImageSize >= config.PatchSize, path, "vision patch_size", $"{config.PatchSize}", $"at most image_size, {config.ImageSize}");
        Require(config.HiddenSize % config.Heads == 0, path, "vision num_attention_heads", $"{config.Heads}", $"a divisor of {config.HiddenSize}");
        return config;
    }

    private static LlamaConfig Llama(string path, JObject json, int? outerVocabulary)
    {
        var activation = (string?)json["hidden_act"] ?? "silu";
        Require(activation == "silu", path, "hidden_act", activation, "silu");
        var scaling = json["rope_scaling"];
        Require(scaling is null || scaling.Type == JTokenType.Null, path, "rope_scaling", $"{scaling}", "none");
        Require(!((bool?)json["attention_bias"] ?? false), path, "attention_bias", "true", "false");
        var heads = (int?)json["num_attention_heads"] ?? 32;
        var theta = (double?)json["rope_theta"] ?? (double?)json["rope_parameters"]?["rope_theta"] ?? 10000.0;
        var config = new LlamaConfig(
            (int?)json["hidden_size"] ?? 4096, (int?)json["intermediate_size"] ?? 11008, (int?)json["num_hidden_layers"] ?? 32,
            heads, (int?)json["num_key_value_heads"] ?? heads, (int?)json["vocab_size"] ?? outerVocabulary ?? 32000,
            (double?)json["rms_norm_eps"] ?? 1e-6, theta, (int?)json["max_position_embeddings"] ?? 2048,
            (bool?)json["tie_word_embeddings"] ?? false);
        Positive(
            path, "language model's", config.HiddenSize, config.IntermediateSize, config.Layers, heads, config.KeyValueHeads, config.VocabularySize, config.MaxPositions);
        Require(config.HiddenSize % heads == 0, path, "num_attention_heads", $"{heads}", $"a divisor of {config.HiddenSize}");
        Require(heads % config.KeyValueHeads == 0, path, "num_key_value_heads", $"{config.KeyValueHeads}", $"a divisor of {heads}");
        return config;
    }

    internal static void Positive(string path, string part, params int[] sizes) =>
        Require(sizes.All(size => size > 0), path, $"a {part} size or number", $"{sizes.Min()}", "1 or more");

    internal static void Require(bool condition, string path, string key, string value, string supported)
    {
        if (!condition)
        {
            throw new CoinException($"{path}: {key} is {value}; supported is {supported}.");
        }
    }

    private static CoinException Missing(string path, string key) => new($"{path} has no '{key}'. Is it the config.json of a LLaVA model?");
}
