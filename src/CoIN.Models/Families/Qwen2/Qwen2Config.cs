using CoIN.Benchmark;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.Qwen2;

/// <summary>
/// Reads the shape of a Qwen1.5 or Qwen2 model (transformers' <c>Qwen2Config</c>; a value that its file leaves out has the default there).
/// </summary>
internal static class Qwen2Config
{
    private static readonly DecoderSettings.Defaults Defaults = new(4096, 22016, 32, 32, 151936, 32768);

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="CoinException">The file is missing, not JSON, or describes what is not supported.</exception>
    public static DecoderConfig Read(string folder) => SettingsFile.Read(Path.Combine(folder, "config.json"), settings =>
        {
            var type = settings.Text("model_type") ?? "none";
            settings.Require(type == "qwen2", "model_type", type, "qwen2 (Qwen1.5, Qwen2 and Qwen2.5 models) for a local judge");
            settings.On("attention_bias");

            // The window counts for nothing while use_sliding_window is false.
            settings.Harmless("sliding_window", "max_window_layers");
            var config = DecoderSettings.Read(settings, Defaults, attentionBias: true);
            settings.NoOtherKeys();
            return config;
        });
}
