using CoIN.Benchmark;
using CoIN.Models.Settings;

namespace CoIN.Models.Families.Llava;

/// <summary>
/// What transformers' <c>LlavaProcessor</c> says of a model's pictures (<c>processor_config.json</c>). How many tokens a picture has
/// follows from the vision tower here; where the file says otherwise, it belongs to another model.
/// </summary>
internal static class LlavaProcessorSettings
{
    /// <summary>Compares a folder's file, if there is one, with the model.</summary>
    /// <exception cref="CoinException">They contradict one another; the message names every key.</exception>
    public static void Check(string folder, LlavaConfig config)
    {
        var path = Path.Combine(folder, "processor_config.json");
        if (!File.Exists(path))
        {
            return;
        }

        var settings = new JsonSettings(path, SettingsFile.Json(path));
        settings.Number("patch_size", config.Vision.PatchSize);

        // CLIP's class token, which the strategy keeps or leaves out.
        settings.Number("num_additional_image_tokens", 1);
        var strategy = config.KeepClassToken ? "full" : "default";
        settings.TextOf("vision_feature_select_strategy", strategy, strategy);
        settings.ThrowIfFaulty();
    }
}
