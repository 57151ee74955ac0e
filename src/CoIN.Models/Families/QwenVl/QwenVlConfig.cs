using CoIN.Benchmark;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.QwenVl;

/// <summary>Shape of a Qwen-VL (the <c>QWenConfig</c> of its own code).</summary>
/// <param name="Features">What the resampler makes of each place of a picture; the language model's size.</param>
/// <param name="ImageStartId">The id of the token in front of a picture.</param>
internal sealed record QwenVlConfig(VisionConfig Vision, int Features, DecoderConfig Text, int ImageStartId)
{
    /// <summary>Features of a head of the resampler's attention.</summary>
    private const int ResamplerHead = 128;

    private const double NormEps = 1e-6;

    /// <summary>Queries of the resampler: places of a picture in the language model.</summary>
    public static int Queries => QwenVlTokenizer.ImageSpan;

    /// <summary>Places of the position tables in a checkpoint, whatever the picture's size: they are stretched to its patches.</summary>
    public static int TableSide => 16;

    /// <summary>What checkpoints call the language model's weights. The gate is the second map.</summary>
    public static DecoderNames Names { get; } =
        new()
        {
            Modules = "transformer.h.",
            Embedding = "wte",
            Norm = "ln_f",
            Layers = "h",
            InputNorm = "ln_1",
            PostNorm = "ln_2",
            Qkv = ["attn.c_attn"],
            Output = "attn.c_proj",
            Gate = "mlp.w2",
            Up = "mlp.w1",
            Down = "mlp.c_proj",
        };

    /// <summary>What lies between the vision tower and the language model.</summary>
    public ResamplerConfig Resampler =>
        new(Vision.HiddenSize, Features, Queries, Features / ResamplerHead, Vision.ImageSize / Vision.PatchSize, NormEps);

    /// <summary>What decides work and memory.</summary>
    public ModelShape Shape =>
        new(Text, Vision, Queries, Vision.Parameters(Vision.Layers) + Resampler.Parameters, 0)
        {
            Names = Names,
            FeatureSize = Features,
            ProjectorMaps = 0,
            Resampler = Resampler,
        };

    /// <summary>Reads a folder's <c>config.json</c>.</summary>
    /// <param name="longest">Positions of the longest sequence that it is to be used for; 0 for as many as the model was made for.</param>
    /// <exception cref="CoinException">The file is missing, not JSON, or describes what is not supported.</exception>
    public static QwenVlConfig Read(string folder, int longest = 0) => SettingsFile.Read(Path.Combine(folder, "config.json"), settings =>
        {
            TransformersKeys.Account(settings);
            settings.TextOf("model_type", "qwen", "qwen");

            // Where its code is, in which types it was held, and how its code computes the same faster.
            settings.Harmless(
                "auto_map",
                "bf16",
                "fp16",
                "fp32",
                "onnx_safe",
                "use_flash_attn",
                "tokenizer_type",
                "softmax_in_fp32",
                "use_cache_quantization",
                "use_cache_kernel"
            );
            settings.On("scale_attn_weights", "no_bias");
            settings.Number("attn_dropout_prob", 0);
            settings.Number("emb_dropout_prob", 0);
            settings.Number("rotary_pct", 1);
            var text = Language(settings);
            if (longest > text.MaxPositions)
            {
                settings.Fault(
                    $"the language model was made for {text.MaxPositions} positions (max_position_embeddings). Set model.max-length to as many or less."
                );
            }

            if (settings.Child("visual") is not { } visual)
            {
                settings.Fault("there is no visual part: it is Qwen by itself, without pictures. Take Qwen-VL or Qwen-VL-Chat.");
                settings.ThrowIfFaulty();
                return null!;
            }

            var config = Visual(visual, text);
            settings.NoOtherKeys();
            return config;
        });

    private static DecoderConfig Language(JsonSettings settings)
    {
        int hidden = settings.Int("hidden_size") ?? 4096,
            heads = settings.Int("num_attention_heads") ?? 32;
        var inner = settings.Int("intermediate_size") ?? 22016;
        var trained = settings.Int("seq_length") ?? 2048;
        var config = new DecoderConfig(
            hidden,
            inner / 2,
            settings.Int("num_hidden_layers") ?? 32,
            heads,
            heads,
            settings.Int("vocab_size") ?? 151936,
            settings.Double("layer_norm_epsilon") ?? 1e-6,
            settings.Double("rotary_emb_base") ?? 10000,
            settings.Int("max_position_embeddings") ?? 8192,
            settings.Bool("tie_word_embeddings") ?? false,
            AttentionBias: true
        )
        {
            LongContext = new LongContext(trained, settings.Bool("use_dynamic_ntk") ?? true, settings.Bool("use_logn_attn") ?? true),
            TrainedPositions = trained,
        };
        TransformersKeys.Positive(
            settings,
            "language model's",
            hidden,
            heads,
            inner,
            trained,
            config.Layers,
            config.VocabularySize,
            config.MaxPositions
        );
        settings.Require(inner % 2 == 0, "intermediate_size", $"{inner}", "an even number: the sum of both gates");
        if (hidden > 0 && heads > 0)
        {
            settings.Require(
                hidden % heads == 0 && hidden / heads % 2 == 0,
                "num_attention_heads",
                $"{heads}",
                $"one that divides {hidden} into even sizes"
            );
            settings.Number("kv_channels", hidden / heads);
        }

        return config;
    }

    private static QwenVlConfig Visual(JsonSettings visual, DecoderConfig text)
    {
        int width = visual.Int("width") ?? 1664,
            size = visual.Int("image_size") ?? 448,
            patch = visual.Int("patch_size") ?? 14;
        var ratio = visual.Double("mlp_ratio") ?? 4.9231;
        var vision = new VisionConfig(
            width,
            (int)(width * ratio),
            visual.Int("layers") ?? 48,
            visual.Int("heads") ?? 16,
            size,
            patch,
            "gelu",
            NormEps
        )
        {
            ClassToken = false,
        };
        var features = visual.Int("output_dim") ?? 4096;
        TransformersKeys.Positive(visual, "vision", width, size, patch, vision.Layers, vision.Heads, vision.IntermediateSize, features);
        visual.Require(features == text.HiddenSize, "output_dim", $"{features}", $"the language model's size, {text.HiddenSize}");
        visual.Require(features % ResamplerHead == 0, "output_dim", $"{features}", $"a multiple of {ResamplerHead}");
        visual.Require(vision.Heads < 1 || width % vision.Heads == 0, "heads", $"{vision.Heads}", $"a divisor of {width}");
        visual.Require(patch > 0 && size % patch == 0, "image_size", $"{size}", $"a multiple of patch_size, {patch}");
        if (visual.Int("n_queries") is { } queries)
        {
            visual.Require(queries == Queries, "n_queries", $"{queries}", $"{Queries}, as many as the tokenizer has places for a picture");
        }

        var start = visual.Int("image_start_id");
        visual.Require(start is not null, "image_start_id", "missing", "the id of <img>. Restore the file from the checkpoint's source");
        visual.NoOtherKeys();
        return new QwenVlConfig(vision, features, text, start ?? 0);
    }
}
