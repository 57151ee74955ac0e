using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>The vision tower EVA-CLIP-g (Sun et al. 2023) as MiniGPT-4's code has it: its shape and the names of its weights.</summary>
internal static class EvaSettings
{
    /// <summary>Pixels of a side in MiniGPT-v2.</summary>
    public const int ImageSize = 448;

    /// <summary>Numbers of a head of EVA-CLIP-g, by which a file without a configuration is understood.</summary>
    private const int HeadSize = 88;

    /// <summary>Layers that the reference uses; EVA's own last one, and its norm and head, are left out.</summary>
    private const int Depth = 39;

    private const double Eps = 1e-6;

    /// <summary>What the file calls its weights, without <c>visual_encoder.</c>.</summary>
    public static VisionNames Names { get; } =
        new()
        {
            ClassEmbedding = "cls_token",
            PatchEmbedding = "patch_embed.proj",
            PositionEmbedding = "pos_embed",
            LeadingOnes = (2, 1),
            ResizesPositions = true,
            Layers = "blocks",
            AttentionNorm = "norm1",
            InnerNorm = "norm2",
            Qkv = ["attn.qkv"],
            QkvBiases = ["attn.q_bias", null, "attn.v_bias"],
            Output = "attn.proj",
            Inner = "mlp.fc1",
            Outer = "mlp.fc2",
            Unused = ["norm.", "fc_norm.", "head.", "mask_token"],
        };

    /// <summary>Reads the part of a configuration.</summary>
    public static VisionConfig Read(JsonSettings settings)
    {
        TransformersKeys.Account(settings);
        settings.TextOf("model_type", "eva_vit", "eva_vit");
        settings.TextOf("hidden_act", "gelu", "gelu");
        settings.Number("num_channels", 3);
        settings.Number("attention_dropout", 0);
        var config = Config(
            settings.Int("hidden_size") ?? 1408,
            settings.Int("intermediate_size") ?? 6144,
            settings.Int("num_hidden_layers") ?? Depth,
            settings.Int("num_attention_heads") ?? 16,
            settings.Int("image_size") ?? ImageSize,
            settings.Int("patch_size") ?? 14,
            settings.Double("layer_norm_eps") ?? Eps
        );
        VisionShape.Check(settings, config);
        settings.NoOtherKeys();
        return config;
    }

    /// <summary>The shape by a file's tensors.</summary>
    /// <param name="prefix">What stands before their names.</param>
    /// <exception cref="CoIN.Benchmark.CoinException">They are not EVA-CLIP-g's.</exception>
    public static VisionConfig Read(CheckpointFolder file, string prefix)
    {
        IReadOnlyList<long> Shape(string name, int dimensions) =>
            file.Has(prefix + name) && file.Describe(prefix + name).Shape is var shape && shape.Count == dimensions
                ? shape
                : throw Stranger(file, $"'{prefix}{name}' is not there or has another shape");
        var patch = Shape($"{Names.PatchEmbedding}.weight", 4);
        var (hidden, inner) = ((int)patch[0], (int)Shape($"{Names.Layers}.0.{Names.Inner}.weight", 2)[0]);
        if (hidden % HeadSize != 0)
        {
            throw Stranger(file, $"it has {hidden} features, which are no heads of {HeadSize}");
        }

        var layers = 0;
        while (file.Has($"{prefix}{Names.Layers}.{layers}.{Names.AttentionNorm}.weight"))
        {
            layers++;
        }

        return Config(hidden, inner, layers, hidden / HeadSize, ImageSize, (int)patch[3], Eps);
    }

    /// <summary>Layers that are loaded.</summary>
    public static int Used(VisionConfig config) => Math.Min(config.Layers, Depth);

    private static VisionConfig Config(int hidden, int inner, int layers, int heads, int image, int patch, double eps) =>
        new(hidden, inner, layers, heads, image, patch, "gelu", eps) { PatchBias = true, InputNorm = false };

    private static Benchmark.CoinException Stranger(CheckpointFolder file, string why) =>
        new(
            $"{file.Path} is not EVA-CLIP-g as MiniGPT-v2 has it: {why}. Name eva_vit_g.pth with model.vision-tower; "
                + "CLIP's folder belongs to a LLaVA."
        );
}
