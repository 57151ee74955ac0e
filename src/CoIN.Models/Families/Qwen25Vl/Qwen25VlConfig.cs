using CoIN.Benchmark;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>Shape of a Qwen2.5-VL model (transformers' <c>Qwen2_5_VLConfig</c>).</summary>
/// <param name="ImageTokenId">The id of <c>&lt;|image_pad|&gt;</c>, which stands for a position of a picture.</param>
internal sealed record Qwen25VlConfig(GridVisionConfig Vision, DecoderConfig Text, int ImageTokenId)
{
    public const string ModelType = "qwen2_5_vl";

    private static readonly DecoderSettings.Defaults Defaults = new(8192, 29568, 80, 64, 152064, 32768);

    /// <summary>
    /// Reads a folder's <c>config.json</c>: the language model's keys at the top as the hub has them, or in a part of their own as
    /// transformers 5 writes them.
    /// </summary>
    /// <param name="longest">Positions of the longest sequence that it is to be used for; 0 for as many as it was made for.</param>
    /// <exception cref="CoinException">The file is missing, not JSON, or describes what is not supported.</exception>
    public static Qwen25VlConfig Read(string folder, int longest = 0) => SettingsFile.Read(Path.Combine(folder, "config.json"), settings =>
        {
            settings.TextOf("model_type", ModelType, ModelType);
            var id = settings.Int("image_token_id");
            settings.Require(
                id is not null,
                "image_token_id",
                "missing",
                "the id of <|image_pad|>. Restore the file from the checkpoint's source"
            );

            // Where a picture begins and ends is said by the tokens themselves; there are no videos here.
            settings.Harmless("video_token_id", "vision_start_token_id", "vision_end_token_id", "vision_token_id");
            if (settings.Child("vision_config") is not { } vision)
            {
                settings.Fault("there is no vision_config. Is it the config.json of a Qwen2.5-VL model?");
                settings.ThrowIfFaulty();
                return null!;
            }

            var own = settings.Child("text_config");
            var text = Language(own ?? settings);
            if (own is not null)
            {
                own.TextOf("model_type", "qwen2_5_vl_text", "qwen2_5_vl_text");
                own.NoOtherKeys();
                TransformersKeys.Account(settings);
                text = text with { TiedEmbeddings = settings.Bool("tie_word_embeddings") ?? text.TiedEmbeddings };
            }

            var config = new Qwen25VlConfig(Tower(vision, text), text, id ?? 0);
            settings.NoOtherKeys();
            if (longest > text.TrainedPositions)
            {
                settings.Fault(
                    $"the language model was made for {text.TrainedPositions} positions (max_position_embeddings). Set model.max-length to as many or less."
                );
            }

            // Tables of all 128,000 positions would be memory for nothing: an answer goes on behind the longest prompt.
            return longest == 0 ? config : config with { Text = text with { MaxPositions = Math.Min(text.TrainedPositions, 2 * longest) } };
        });

    private static DecoderConfig Language(JsonSettings settings)
    {
        settings.On("attention_bias");

        // The window counts for nothing while use_sliding_window is false.
        settings.Harmless("sliding_window", "max_window_layers");
        return DecoderSettings.Read(settings, Defaults, attentionBias: true, multimodalRope: true);
    }

    private static GridVisionConfig Tower(JsonSettings settings, DecoderConfig text)
    {
        TransformersKeys.Account(settings);
        settings.TextOf("model_type", ModelType, ModelType, "qwen2_5_vl_vision");
        settings.TextOf("hidden_act", "silu", "silu");
        settings.Number("in_channels", 3);
        settings.Number("in_chans", 3);
        settings.Number("temporal_patch_size", GridVisionConfig.Frames);

        // For videos.
        settings.Harmless("tokens_per_second", "fps");
        int patch = settings.Int("patch_size") ?? 14,
            size = settings.Int("hidden_size") ?? 3584,
            heads = settings.Int("num_heads") ?? 16;
        settings.Number("spatial_patch_size", patch);
        var whole = settings.Numbers("fullatt_block_indexes") ?? [7, 15, 23, 31];
        var config = new GridVisionConfig(
            size,
            settings.Int("intermediate_size") ?? 3420,
            settings.Int("depth") ?? 32,
            heads,
            patch,
            settings.Int("spatial_merge_size") ?? 2,
            settings.Int("window_size") ?? 112,
            [.. whole.Select(layer => (int)layer)],
            settings.Int("out_hidden_size") ?? 3584
        );
        TransformersKeys.Positive(
            settings,
            "vision",
            size,
            config.IntermediateSize,
            config.Layers,
            heads,
            patch,
            config.Merge,
            config.Window
        );
        if (size > 0 && heads > 0 && patch > 0 && config.Merge > 0)
        {
            settings.Require(
                size % heads == 0 && size / heads % 4 == 0,
                "num_heads",
                $"{heads}",
                $"one that divides {size} into multiples of 4"
            );
            settings.Require(config.WindowSide > 0, "window_size", $"{config.Window}", $"at least {config.MergedSize}");
        }

        settings.Require(
            config.OutSize == text.HiddenSize,
            "out_hidden_size",
            $"{config.OutSize}",
            $"the language model's size, {text.HiddenSize}"
        );
        settings.NoOtherKeys();
        return config;
    }
}
