using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Speed.Sides;
using CoIN.Speed.Workloads;
using static TorchSharp.torch;

namespace CoIN.Speed.Memory;

/// <summary>A model whose training is measured.</summary>
/// <param name="Write">Writes an untrained model's folder with its tokenizer, by a seed.</param>
/// <param name="ImageSize">Pixels of a picture's side.</param>
/// <param name="LoraTargets">As for <see cref="SpeedFamily"/>.</param>
/// <param name="Conversation">Null for the family's own.</param>
internal sealed record MemoryModelFiles(
    Action<string, int> Write,
    int ImageSize,
    IReadOnlyList<string>? LoraTargets,
    bool TrainsProjector,
    string? Conversation
);

/// <summary>A model and a way to train it whose memory is measured.</summary>
/// <param name="Size">A name for the shape.</param>
/// <param name="Dtype">Type of the frozen weights.</param>
/// <param name="Rank">Rank of the low-rank matrices.</param>
/// <param name="FourBits">Whether the language model's linear maps are held in four bits.</param>
internal sealed record MemoryCase(
    string Size,
    MemoryModelFiles Model,
    string Dtype,
    bool Checkpointing,
    int BatchSize,
    int Rank,
    bool FourBits
)
{
    private const int PatchSize = 14;

    /// <summary>
    /// LLaVA in three sizes and the other families in one, each trained with and without gradient checkpointing, in long and in short
    /// numbers; the large one also in four bits.
    /// </summary>
    public static IReadOnlyList<MemoryCase> All { get; } =
    [
        .. from size in new[]
        {
            (Name: "small", Model: Llava(vision: 128, visionLayers: 5, edge: 8, text: 384, inner: 1024, layers: 6), Batch: 8, Rank: 16),
            (Name: "middle", Model: Llava(vision: 256, visionLayers: 7, edge: 24, text: 512, inner: 1376, layers: 8), Batch: 4, Rank: 64),
            (Name: "large", Model: Llava(vision: 512, visionLayers: 9, edge: 24, text: 1024, inner: 2752, layers: 12), Batch: 2, Rank: 128),
        }.Concat(
            SpeedFamily
                .All.Where(family => family.Key != "llava")
                .Select(family => (Name: family.Key, Model: Middle(family), Batch: 4, Rank: 64))
        )
        from dtype in new[] { "float32", "bfloat16" }
        from checkpointing in new[] { false, true }
        from four in size.Name == "large" ? new[] { false, true } : [false]
        select new MemoryCase(size.Name, size.Model, dtype, checkpointing, size.Batch, size.Rank, four),
    ];

    public string Name => $"{Size}, {Dtype}{(Checkpointing ? ", checkpointing" : "")}{(FourBits ? ", nf4" : "")}";

    private static MemoryModelFiles Llava(int vision, int visionLayers, int edge, int text, int inner, int layers)
    {
        var config = new LlavaConfig(
            new VisionConfig(vision, 4 * vision, visionLayers, vision / 64, edge * PatchSize, PatchSize, "quick_gelu", 1e-5),
            new DecoderConfig(text, inner, layers, text / 64, text / 64, 32000, 1e-5, 10000, 2048, false),
            -2,
            false
        );
        return new(
            (folder, seed) =>
            {
                LlavaInitializer.Write(folder, config, config.Text.VocabularySize - 1, seed);
                SpeedFamily.Of("llava").WriteTokenizer(folder);
                var size = config.Vision.ImageSize;
                File.WriteAllText(
                    Path.Combine(folder, "preprocessor_config.json"),
                    $$"""{"size": {{size}}, "crop_size": {{size}}, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"""
                );
            },
            config.Vision.ImageSize,
            null,
            TrainsProjector: true,
            OurTraining.Conversation
        );
    }

    private static MemoryModelFiles Middle(SpeedFamily family)
    {
        var size = new SpeedSize(family.UsualImageTokens[0], Quick: false);
        return new(
            (folder, seed) =>
            {
                family.Write(folder, size, ScalarType.Float32, seed);
                family.WriteTokenizer(folder);
            },
            family.Shape(size).ImageSize,
            family.LoraTargets,
            family.TrainsProjector,
            Conversation: null
        );
    }
}
