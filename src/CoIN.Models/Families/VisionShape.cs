using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families;

/// <summary>What the settings of a vision transformer have to be, whichever it is.</summary>
internal static class VisionShape
{
    /// <summary>Notes what cannot be the shape of one.</summary>
    /// <param name="config">As it was read of the settings.</param>
    public static void Check(JsonSettings settings, VisionConfig config)
    {
        TransformersKeys.Positive(
            settings,
            "vision",
            config.HiddenSize,
            config.IntermediateSize,
            config.Layers,
            config.Heads,
            config.ImageSize,
            config.PatchSize
        );
        settings.Require(
            config.ImageSize >= config.PatchSize,
            "patch_size",
            $"{config.PatchSize}",
            $"at most image_size, {config.ImageSize}"
        );
        settings.Require(
            config.Heads < 1 || config.HiddenSize % config.Heads == 0,
            "num_attention_heads",
            $"{config.Heads}",
            $"a divisor of {config.HiddenSize}"
        );
    }
}
