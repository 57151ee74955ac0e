using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Settings;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using ClipConfig = CoIN.Models.Modules.VisionConfig;
using LlamaConfig = CoIN.Models.Modules.DecoderConfig;

namespace CoIN.Models.Llava;

/// <summary>Shape of a LLaVA model (transformers' <c>LlavaConfig</c>).</summary>
/// <param name="FeatureLayer">Index of the CLIP hidden state that is used; negative counts from the end, −2 is the last but one.</param>
/// <param name="KeepClassToken">Whether the CLS position stays (<c>vision_feature_select_strategy</c> full).</param>
/// <param name="ProjectorBias">Whether the projector's linear layers have biases (<c>multimodal_projector_bias</c>).</param>
internal sealed record LlavaConfig(ClipConfig Vision, LlamaConfig Text, int FeatureLayer, bool KeepClassToken, bool ProjectorBias = true)
{
    private const int UsualLayer = -2;

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

    /// <summary>Reads a file of JSON, e.g. a folder's <c>config.json</c>.</summary>
    /// <exception cref="CoinException">The file is missing or not JSON.</exception>
    public static JObject ReadJson(string path)
    {
        try
        {
            return JObject.Parse(Utf8Text.Read(path));
        }
        catch (JsonException e)
        {
            Misdelivered.ThrowIfOne(path, binary: false);
            throw new CoinException($"{path} is not valid JSON: {e.Message} Restore it from the checkpoint's source.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. A model's folder must be a Hugging Face folder.", e);
        }
    }

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

    /// <summary>Reads the settings of a model's <c>config.json</c>: what is told apart from them is that the weights are quantized.</summary>
    /// <exception cref="CoinException">The file cannot be read, or something in it is not supported; the message names every key.</exception>
    internal static T ReadSettings<T>(string path, Func<JsonSettings, T> read)
    {
        var json = ReadJson(path);
        if (Quantization.Of(json) is { } quantized)
        {
            throw new CoinException($"{path}: {quantized}");
        }

        var settings = new JsonSettings(path, json);
        var value = read(settings);
        settings.ThrowIfFaulty();
        return value;
    }

    internal static void Require(bool condition, string path, string key, string value, string supported)
    {
        if (!condition)
        {
            throw new CoinException($"{path}: {key} is {value}; supported is {supported}.");
        }
    }

    /// <summary>The hub's layout: everything in one folder, with a configuration for each part.</summary>
    private static LlavaConfig ReadHub(string folder) => ReadSettings(Path.Combine(folder, "config.json"), settings =>
    {
        TransformersKeys.Account(settings);
        settings.TextOf("model_type", "llava", "llava");
        settings.TextOf("projector_hidden_act", "gelu", "gelu");
        var strategy = settings.TextOf("vision_feature_select_strategy", "default", "default", "full");

        // Where a picture stands is marked by a placeholder of our own, and how many tokens it has follows from the vision tower.
        settings.Harmless("ignore_index", "image_token_index", "image_token_id", "image_seq_length");
        var outer = settings.Int("vocab_size");
        var (vision, text) = (settings.Child("vision_config"), settings.Child("text_config"));
        if (vision is null || text is null)
        {
            settings.Fault($"there is no {(vision is null ? "vision_config" : "text_config")}. Is it the config.json of a LLaVA model?");
            settings.ThrowIfFaulty();
        }

        text!.TextOf("model_type", "llama", "llama");
        var language = LlamaSettings.Read(text, outer);
        text.NoOtherKeys();
        if (settings.Bool("tie_word_embeddings") is { } tied)
        {
            settings.Require(tied == language.TiedEmbeddings, "tie_word_embeddings", tied ? "true" : "false", "what text_config says");
        }

        var config = new LlavaConfig(
            ClipSettings.Read(vision!), language, FeatureLayerOf(settings), strategy == "full", settings.Bool("multimodal_projector_bias") ?? true);
        settings.NoOtherKeys();
        return Checked(settings, config);
    });

    /// <summary>CoIN's recipe of separate LLaMA and CLIP folders.</summary>
    private static LlavaConfig ReadParts(string llama, string clip)
    {
        var problems = new Problems();
        var text = problems.Try(() => ReadSettings(Path.Combine(llama, "config.json"), settings =>
        {
            settings.TextOf("model_type", "llama", "llama");
            var config = LlamaSettings.Read(settings, null);
            settings.NoOtherKeys();
            return config;
        }));
        var vision = problems.Try(() => ReadSettings(Path.Combine(clip, "config.json"), settings =>
        {
            var config = ClipSettings.ReadFile(settings);
            CheckLayer(settings, config, UsualLayer);
            return config;
        }));
        problems.ThrowIfAny($"{llama}, {clip}");
        return new LlavaConfig(vision!, text!, UsualLayer, KeepClassToken: false);
    }

    /// <summary>LLaVA's own layout: language model and projector in one folder, CLIP in another.</summary>
    private static LlavaConfig ReadOriginal(string folder, string clip)
    {
        var vision = ReadSettings(Path.Combine(clip, "config.json"), ClipSettings.ReadFile);
        return ReadSettings(Path.Combine(folder, "config.json"), settings =>
        {
            settings.TextOf("model_type", "llava_llama", "llava", "llava_llama", "llama");
            settings.TextOf("mm_projector_type", "linear", "mlp2x_gelu");
            settings.Off("mm_use_im_start_end", "mm_use_im_patch_token", "s2");
            settings.On("use_mm_proj");
            settings.TextOf("image_aspect_ratio", "pad", "pad");
            settings.TextOf("mm_patch_merge_type", "flat", "flat");
            if (settings.Bool("unfreeze_mm_vision_tower") == true)
            {
                settings.Fault("unfreeze_mm_vision_tower is true: the vision tower was trained too, so that it is another one than CLIP's; supported is false.");
            }

            if (settings.Int("mm_hidden_size") is { } width)
            {
                settings.Require(width == vision.HiddenSize, "mm_hidden_size", $"{width}", $"the vision tower's {vision.HiddenSize}");
            }

            // How the model was trained, where its tower came from, and sizes of crops that are made for other aspect ratios only.
            settings.Harmless(
                "mm_vision_tower", "freeze_backbone", "freeze_mm_mlp_adapter", "freeze_mm_vision_resampler", "tune_mm_mlp_adapter", "tune_mm_vision_resampler",
                "mm_projector_lr", "mm_vision_tower_lr", "mm_tunable_parts", "tokenizer_model_max_length", "tokenizer_padding_side", "image_crop_resolution",
                "image_split_resolution", "group_by_modality_length", "pretrain_mm_mlp_adapter");
            var language = LlamaSettings.Read(settings, null);
            var features = settings.TextOf("mm_vision_select_feature", "patch", "patch", "cls_patch");
            var config = new LlavaConfig(vision, language, settings.Int("mm_vision_select_layer") ?? UsualLayer, features == "cls_patch");
            settings.NoOtherKeys();
            return Checked(settings, config);
        });
    }

    /// <summary>The layer of the picture's features: one number, which transformers also writes as a list of one.</summary>
    private static int FeatureLayerOf(JsonSettings settings)
    {
        const string Key = "vision_feature_layer";
        if (settings.Token(Key) is not JArray list)
        {
            return settings.Int(Key) ?? UsualLayer;
        }

        if (list.Count == 1 && list[0].Type == JTokenType.Integer)
        {
            return (int)list[0];
        }

        settings.Require(false, Key, JsonSettings.Show(list), "one layer");
        return UsualLayer;
    }

    private static LlavaConfig Checked(JsonSettings settings, LlavaConfig config)
    {
        CheckLayer(settings, config.Vision, config.FeatureLayer);
        return config;
    }

    private static void CheckLayer(JsonSettings settings, ClipConfig vision, int layer)
    {
        if (layer < -vision.Layers - 1 || layer > vision.Layers)
        {
            settings.Fault($"the layer of the picture's features is {layer}; supported is within the {vision.Layers} layers of the vision tower.");
        }
    }
}
