using CoIN.Models.Adapters;
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
    /// <summary>Of the language model's, those of its layers' linear maps.</summary>
    public long Maps { get; init; }

    /// <summary>Frozen parameters that are loaded.</summary>
    public long Base => Vision + Projector + Language;

    /// <summary>Counts.</summary>
    /// <param name="rank">Rank of the low-rank matrices.</param>
    /// <param name="experts">Experts of MoELoRA, which share the rank and have a router for each linear map; 0 for LoRA.</param>
    /// <param name="targets">The maps that have them; null for all.</param>
    public static ParameterCounts Of(ModelShape shape, int rank, int experts = 0, AdapterTargets? targets = null)
    {
        long h = shape.Text.HiddenSize,
            i = shape.Text.IntermediateSize,
            kv = shape.Text.KeyValueSize,
            vocabulary = shape.Text.VocabularySize;
        var maps = (2 * h * h) + (2 * h * kv) + (3 * h * i);
        var layer = maps + (2 * h) + (shape.Text.AttentionBias ? h + (2 * kv) : 0);
        var language = ((shape.Text.TiedEmbeddings ? 1 : 2) * vocabulary * h) + h + (shape.Text.Layers * layer);
        long Lora(int number) => AdaptedMap.Of(shape, number, targets).Sum(map => (rank * (map.In + map.Out)) + (experts * map.In));

        // Without a choice all layers are alike.
        var lora = Enumerable.Range(0, targets is null ? 1 : shape.Text.Layers).Select(Lora).ToList();
        return new ParameterCounts(
            shape.VisionParameters,
            shape.ProjectorParameters,
            language,
            lora.Max(),
            targets is null ? shape.Text.Layers * lora[0] : lora.Sum()
        )
        {
            Maps = shape.Text.Layers * maps,
        };
    }
}

/// <summary>A linear map with low-rank matrices.</summary>
/// <param name="Place">The map with which it is computed together.</param>
internal sealed record AdaptedMap(MapPlace Place, long In, long Out)
{
    /// <summary>Those of a layer.</summary>
    public static IReadOnlyList<AdaptedMap> Of(ModelShape shape, int layer, AdapterTargets? targets)
    {
        int h = shape.Text.HiddenSize,
            i = shape.Text.IntermediateSize,
            kv = shape.Text.KeyValueSize;
        var names = shape.Names;
        IEnumerable<(MapPlace Place, int In, LinearPart Part)> all =
        [
            .. LinearPart.Of(names.Qkv, [h, kv, kv]).Select(part => (MapPlace.Qkv, h, part)),
            (MapPlace.Output, h, new LinearPart(names.Output, h)),
            (MapPlace.GateUp, h, new LinearPart(names.Gate, i)),
            (MapPlace.GateUp, h, new LinearPart(names.Up, i)),
            (MapPlace.Down, i, new LinearPart(names.Down, h)),
        ];
        return
        [
            .. all.Where(map => targets?.Has(layer, map.Part.Name) != false).Select(map => new AdaptedMap(map.Place, map.In, map.Part.Out)),
        ];
    }
}

/// <summary>The maps of a layer that have one input.</summary>
internal enum MapPlace
{
    /// <summary>Before the attention.</summary>
    Qkv,

    /// <summary>Behind it.</summary>
    Output,

    /// <summary>Of the feed-forward network.</summary>
    GateUp,

    /// <summary>Of its inner units.</summary>
    Down,
}
