using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Families.Llava;

/// <summary>Shape of a LLaVA model (transformers' <c>LlavaConfig</c>).</summary>
/// <param name="FeatureLayer">Index of the CLIP hidden state that is used; negative counts from the end, −2 is the last but one.</param>
/// <param name="KeepClassToken">Whether the CLS position stays (<c>vision_feature_select_strategy</c> full).</param>
/// <param name="ProjectorBias">Whether the projector's linear layers have biases (<c>multimodal_projector_bias</c>).</param>
/// <param name="ImageTokenId">The placeholder's id in the vocabulary, where a configuration names it.</param>
internal sealed record LlavaConfig(
    VisionConfig Vision,
    DecoderConfig Text,
    int FeatureLayer,
    bool KeepClassToken,
    bool ProjectorBias = true,
    int? ImageTokenId = null
)
{
    /// <summary>transformers writes this where nobody said anything else, whatever the tower.</summary>
    private const int UsualImageTokens = 576;

    private const int UsualLayer = -2;

    /// <summary>Layers of the vision tower that are loaded.</summary>
    public int VisionLayers => Vision.LayersBelow(FeatureLayer);

    /// <summary>What decides work and memory.</summary>
    public ModelShape Shape
    {
        get
        {
            long vision = Vision.HiddenSize,
                text = Text.HiddenSize;
            var projector = (vision * text) + (text * text) + (ProjectorBias ? 2 * text : 0);
            return new ModelShape(Text, Vision, ImageTokens, Vision.Parameters(VisionLayers), projector);
        }
    }

    /// <summary>Features of a picture's position, then those that each of the projector's maps gives.</summary>
    public IReadOnlyList<int> ProjectorSizes => [Vision.HiddenSize, Text.HiddenSize, Text.HiddenSize];

    /// <summary>Image tokens of a picture.</summary>
    public int ImageTokens => Vision.Patches + (KeepClassToken ? 1 : 0);

    /// <summary>Reads the configuration of a model's files.</summary>
    /// <exception cref="CoinException">A file is missing, not JSON, or describes what is not supported.</exception>
    public static LlavaConfig Read(LlavaSource source)
    {
        var config = source.Layout switch
        {
            LlavaLayout.Hub => ReadHub(source.Language),
            LlavaLayout.Parts => ReadParts(source.Language, source.VisionTower),
            _ => ReadOriginal(source.Language, source.VisionTower),
        };
        return config with { Text = LongSequences.Allow(config.Text, source.Longest, Path.Combine(source.Language, "config.json")) };
    }

    /// <summary>The hub's layout: everything in one folder, with a configuration for each part.</summary>
    private static LlavaConfig ReadHub(string folder) => SettingsFile.Read(Path.Combine(folder, "config.json"), settings =>
        {
            TransformersKeys.Account(settings);
            settings.TextOf("model_type", "llava", "llava");
            settings.TextOf("projector_hidden_act", "gelu", "gelu");
            var strategy = settings.TextOf("vision_feature_select_strategy", "default", "default", "full");

            // Where a picture stands is marked by a placeholder of our own.
            settings.Harmless("ignore_index");
            var (index, id) = (settings.Int("image_token_index"), settings.Int("image_token_id"));
            settings.Require(
                index is null || id is null || index == id,
                "image_token_id",
                $"{id}",
                $"what image_token_index says, {index}"
            );
            var outer = settings.Int("vocab_size");
            var (vision, text) = (settings.Child("vision_config"), settings.Child("text_config"));
            if (vision is null || text is null)
            {
                settings.Fault(
                    $"there is no {(vision is null ? "vision_config" : "text_config")}. Is it the config.json of a LLaVA model?"
                );
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
                ClipSettings.Read(vision!),
                language,
                FeatureLayerOf(settings),
                strategy == "full",
                settings.Bool("multimodal_projector_bias") ?? true,
                index ?? id
            );

            // How many tokens a picture has follows from the vision tower.
            if (settings.Int("image_seq_length") is { } said && said != UsualImageTokens)
            {
                settings.Require(said == config.ImageTokens, "image_seq_length", $"{said}", $"the vision tower's {config.ImageTokens}");
            }

            settings.NoOtherKeys();
            return Checked(settings, config);
        });

    /// <summary>CoIN's recipe of separate LLaMA and CLIP folders.</summary>
    private static LlavaConfig ReadParts(string llama, string clip)
    {
        var problems = new Problems();
        var text = problems.Try(() => SettingsFile.Read(Path.Combine(llama, "config.json"), settings =>
            {
                settings.TextOf("model_type", "llama", "llama");
                var config = LlamaSettings.Read(settings, null);
                settings.NoOtherKeys();
                return config;
            }));
        var vision = problems.Try(() => SettingsFile.Read(Path.Combine(clip, "config.json"), settings =>
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
        var vision = SettingsFile.Read(Path.Combine(clip, "config.json"), ClipSettings.ReadFile);
        return SettingsFile.Read(Path.Combine(folder, "config.json"), settings =>
        {
            settings.TextOf("model_type", "llava_llama", "llava", "llava_llama", "llama");
            settings.TextOf("mm_projector_type", "linear", "mlp2x_gelu");
            settings.Off("mm_use_im_start_end", "mm_use_im_patch_token", "s2");
            settings.On("use_mm_proj");
            settings.TextOf("image_aspect_ratio", "pad", "pad");
            settings.TextOf("mm_patch_merge_type", "flat", "flat");
            if (settings.Bool("unfreeze_mm_vision_tower") == true)
            {
                settings.Fault(
                    "unfreeze_mm_vision_tower is true: the vision tower was trained too, so that it is another one than CLIP's; supported is false."
                );
            }

            if (settings.Int("mm_hidden_size") is { } width)
            {
                settings.Require(width == vision.HiddenSize, "mm_hidden_size", $"{width}", $"the vision tower's {vision.HiddenSize}");
            }

            // How the model was trained, where its tower came from, and sizes of crops that are made for other aspect ratios only.
            settings.Harmless(
                "mm_vision_tower",
                "freeze_backbone",
                "freeze_mm_mlp_adapter",
                "freeze_mm_vision_resampler",
                "tune_mm_mlp_adapter",
                "tune_mm_vision_resampler",
                "mm_projector_lr",
                "mm_vision_tower_lr",
                "mm_tunable_parts",
                "tokenizer_model_max_length",
                "tokenizer_padding_side",
                "image_crop_resolution",
                "image_split_resolution",
                "group_by_modality_length",
                "pretrain_mm_mlp_adapter"
            );
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

    private static void CheckLayer(JsonSettings settings, VisionConfig vision, int layer)
    {
        if (layer < -vision.Layers - 1 || layer > vision.Layers)
        {
            settings.Fault(
                $"the layer of the picture's features is {layer}; supported is within the {vision.Layers} layers of the vision tower."
            );
        }
    }
}
