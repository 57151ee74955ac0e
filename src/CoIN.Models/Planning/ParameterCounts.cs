using CoIN.Models.Llava;
using CoIN.Models.Modules;

namespace CoIN.Models.Planning;

/// <summary>Numbers of parameters by a model's shape alone.</summary>
/// <param name="Vision">Of the vision tower up to the layer that is used.</param>
/// <param name="Language">Of the language model, embeddings and head included.</param>
/// <param name="LargestLayerLora">Of one decoder layer's low-rank matrices.</param>
/// <param name="Lora">Of all low-rank matrices.</param>
internal sealed record ParameterCounts(long Vision, long Projector, long Language, long LargestLayerLora, long Lora)
{
    /// <summary>Frozen parameters that are loaded.</summary>
    public long Base => Vision + Projector + Language;

    /// <summary>Counts.</summary>
    /// <param name="rank">Rank of the low-rank matrices.</param>
    public static ParameterCounts Of(LlavaConfig config, int rank)
    {
        long v = config.Vision.HiddenSize;
        var vision = config.Vision.Parameters(config.Vision.LayersBelow(config.FeatureLayer));
        long h = config.Text.HiddenSize, i = config.Text.IntermediateSize, kv = KeyValueSize(config.Text), vocabulary = config.Text.VocabularySize;
        var layer = (2 * h * h) + (2 * h * kv) + (3 * h * i) + (2 * h);
        var language = ((config.Text.TiedEmbeddings ? 1 : 2) * vocabulary * h) + h + (config.Text.Layers * layer);
        var lora = rank * ((2 * (h + h)) + (2 * (h + kv)) + (3 * (h + i)));
        return new ParameterCounts(vision, (v * h) + h + (h * h) + h, language, lora, config.Text.Layers * lora);
    }

    internal static long KeyValueSize(DecoderConfig config) => (long)config.KeyValueHeads * config.HeadSize;
}
