using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;

namespace CoIN.Speed.Memory;

/// <summary>A model and a way to train it whose memory is measured.</summary>
/// <param name="Size">A name for the shape.</param>
/// <param name="Dtype">Type of the frozen weights.</param>
/// <param name="Rank">Rank of the low-rank matrices.</param>
/// <param name="FourBits">Whether the language model's linear maps are held in four bits.</param>
internal sealed record MemoryCase(string Size, LlavaConfig Config, string Dtype, bool Checkpointing, int BatchSize, int Rank, bool FourBits)
{
    private const int PatchSize = 14;

    /// <summary>
    /// Three sizes, each trained with and without gradient checkpointing, in long and in short numbers; the large one also in four bits.
    /// </summary>
    public static IReadOnlyList<MemoryCase> All { get; } =
    [
        .. from size in new[]
           {
               (Name: "small", Config: Shape(vision: 128, visionLayers: 5, edge: 8, text: 384, inner: 1024, layers: 6), Batch: 8, Rank: 16),
               (Name: "middle", Config: Shape(vision: 256, visionLayers: 7, edge: 24, text: 512, inner: 1376, layers: 8), Batch: 4, Rank: 64),
               (Name: "large", Config: Shape(vision: 512, visionLayers: 9, edge: 24, text: 1024, inner: 2752, layers: 12), Batch: 2, Rank: 128),
           }
           from dtype in new[] { "float32", "bfloat16" }
           from checkpointing in new[] { false, true }
           from four in size.Name == "large" ? new[] { false, true } : [false]
           select new MemoryCase(size.Name, size.Config, dtype, checkpointing, size.Batch, size.Rank, four),
    ];

    public string Name => $"{Size}, {Dtype}{(Checkpointing ? ", checkpointing" : "")}{(FourBits ? ", nf4" : "")}";

    private static LlavaConfig Shape(int vision, int visionLayers, int edge, int text, int inner, int layers) => new(
        new VisionConfig(vision, 4 * vision, visionLayers, vision / 64, edge * PatchSize, PatchSize, "quick_gelu", 1e-5),
        new DecoderConfig(text, inner, layers, text / 64, text / 64, 32000, 1e-5, 10000, 2048, false), -2, false);
}
