using CoIN.Models.Families;
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
    /// <param name="experts">Experts of MoELoRA, which share the rank and have a router for each linear map; 0 for LoRA.</param>
    public static ParameterCounts Of(ModelShape shape, int rank, int experts = 0)
    {
        long h = shape.Text.HiddenSize, i = shape.Text.IntermediateSize, kv = shape.Text.KeyValueSize, vocabulary = shape.Text.VocabularySize;
        var layer = (2 * h * h) + (2 * h * kv) + (3 * h * i) + (2 * h);
        var language = ((shape.Text.TiedEmbeddings ? 1 : 2) * vocabulary * h) + h + (shape.Text.Layers * layer);
        var lora = (rank * ((2 * (h + h)) + (2 * (h + kv)) + (3 * (h + i)))) + (experts * ((6 * h) + i));
        return new ParameterCounts(shape.VisionParameters, shape.ProjectorParameters, language, lora, shape.Text.Layers * lora);
    }
}
