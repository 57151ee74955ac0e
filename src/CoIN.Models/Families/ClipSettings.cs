using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families;

/// <summary>Reads transformers' <c>CLIPVisionConfig</c>, by itself or in a whole CLIP's.</summary>
internal static class ClipSettings
{
    /// <summary>Reads a CLIP folder's <c>config.json</c>.</summary>
    public static VisionConfig ReadFile(JsonSettings settings)
    {
        if (
            settings.Text("model_type") != "clip"
            && settings.Token("vision_config") is null
            && settings.Token("vision_config_dict") is null
        )
        {
            return Read(settings);
        }

        TransformersKeys.Account(settings);
        settings.TextOf("model_type", "clip", "clip");

        // The text tower, and how both towers' outputs are compared.
        settings.Harmless("text_config", "text_config_dict", "projection_dim", "logit_scale_init_value", "vision_config_dict");
        if (settings.Child("vision_config") is not { } vision)
        {
            settings.Fault("there is no vision_config. Is it the config.json of a CLIP model?");
            return Read(settings);
        }

        // transformers lets these win.
        var config = Read(vision.OverlaidWith(settings.Child("vision_config_dict")));
        settings.NoOtherKeys();
        return config;
    }

    /// <summary>Reads the vision transformer's own part.</summary>
    public static VisionConfig Read(JsonSettings settings)
    {
        TransformersKeys.Account(settings);
        settings.TextOf("model_type", "clip_vision_model", "clip_vision_model");
        settings.Number("attention_dropout", 0);
        settings.Number("dropout", 0);
        settings.Number("num_channels", 3);

        // For the comparison with texts, of which a picture's features know nothing.
        settings.Harmless("projection_dim", "vocab_size", "tie_word_embeddings");
        var config = new VisionConfig(
            settings.Int("hidden_size") ?? 768,
            settings.Int("intermediate_size") ?? 3072,
            settings.Int("num_hidden_layers") ?? 12,
            settings.Int("num_attention_heads") ?? 12,
            settings.Int("image_size") ?? 224,
            settings.Int("patch_size") ?? 32,
            settings.TextOf("hidden_act", "quick_gelu", "quick_gelu", "gelu"),
            settings.Double("layer_norm_eps") ?? 1e-5
        );
        VisionShape.Check(settings, config);
        settings.NoOtherKeys();
        return config;
    }
}
