using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families;

/// <summary>Reads transformers' <c>LlamaConfig</c>.</summary>
internal static class LlamaSettings
{
    /// <summary>Reads the shape.</summary>
    /// <param name="vocabulary">The vocabulary's size where this part of the file leaves it out.</param>
    public static DecoderConfig Read(JsonSettings settings, int? vocabulary)
    {
        settings.Off("attention_bias");
        return DecoderSettings.Read(settings, new(4096, 11008, 32, 32, vocabulary ?? 32000, 2048), attentionBias: false);
    }
}
