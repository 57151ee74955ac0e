using CoIN.Models.Modules;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Families;

/// <summary>What the configurations of LLaMA and Qwen2 have in common.</summary>
internal static class DecoderSettings
{
    /// <summary>What an architecture has where its file says nothing.</summary>
    internal sealed record Defaults(int Hidden, int Intermediate, int Layers, int Heads, int Vocabulary, int Positions);

    /// <summary>Reads the shape, and accounts for every key that both architectures have.</summary>
    /// <param name="multimodalRope">Whether positions have a time, a height and a width.</param>
    public static DecoderConfig Read(JsonSettings settings, Defaults defaults, bool attentionBias, bool multimodalRope = false)
    {
        TransformersKeys.Account(settings);
        settings.TextOf("hidden_act", "silu", "silu");
        settings.Off("mlp_bias", "use_sliding_window", "use_mrope");
        settings.Number("attention_dropout", 0);
        settings.Number("partial_rotary_factor", 1);

        // Splits a product that is the same as a whole.
        settings.Harmless("pretraining_tp");
        if (settings.Token("layer_types") is JArray kinds && kinds.FirstOrDefault(kind => (string?)kind != "full_attention") is { } other)
        {
            settings.Require(false, "layer_types", $"{other}", "full_attention in every layer");
        }

        var positions = settings.Int("max_position_embeddings") ?? defaults.Positions;
        IReadOnlyList<int>? sections = null;
        var (theta, scaling) = RopeSettings.Read(settings, positions, multimodalRope ? read => sections = read : null);
        var heads = settings.Int("num_attention_heads") ?? defaults.Heads;
        var config = new DecoderConfig(
            settings.Int("hidden_size") ?? defaults.Hidden,
            settings.Int("intermediate_size") ?? defaults.Intermediate,
            settings.Int("num_hidden_layers") ?? defaults.Layers,
            heads,
            settings.Int("num_key_value_heads") ?? heads,
            settings.Int("vocab_size") ?? defaults.Vocabulary,
            settings.Double("rms_norm_eps") ?? 1e-6,
            theta,
            positions,
            settings.Bool("tie_word_embeddings") ?? false,
            attentionBias
        )
        {
            RopeScaling = scaling,
            TrainedPositions = positions,
            RopeSections = sections,
        };
        Check(settings, config);
        return config;
    }

    private static void Check(JsonSettings settings, DecoderConfig config)
    {
        TransformersKeys.Positive(
            settings,
            "language model's",
            config.HiddenSize,
            config.IntermediateSize,
            config.Layers,
            config.Heads,
            config.KeyValueHeads,
            config.VocabularySize,
            config.MaxPositions
        );
        if (config.Heads < 1 || config.KeyValueHeads < 1 || config.HiddenSize < 1)
        {
            return;
        }

        settings.Require(
            config.HiddenSize % config.Heads == 0,
            "num_attention_heads",
            $"{config.Heads}",
            $"a divisor of {config.HiddenSize}"
        );
        settings.Require(config.HeadSize % 2 == 0, "the size of a head", $"{config.HeadSize}", "an even number");
        settings.Require(
            config.Heads % config.KeyValueHeads == 0,
            "num_key_value_heads",
            $"{config.KeyValueHeads}",
            $"a divisor of {config.Heads}"
        );
        settings.Number("head_dim", config.HeadSize);
        if (config.RopeSections is { Count: > 0 } sections)
        {
            settings.Require(
                sections.Sum() * 2 == config.HeadSize,
                "the sum of mrope_section",
                $"{sections.Sum()}",
                $"half the size of a head, {config.HeadSize / 2}"
            );
        }
    }
}
