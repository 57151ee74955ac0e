using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Families;
using CoIN.Models.Libtorch;
using CoIN.Models.Modules;
using CoIN.Models.Training;

namespace CoIN.Models.Planning;

/// <summary>What one micro-batch consists of.</summary>
/// <param name="Sequences">Samples.</param>
/// <param name="Positions">Positions of all samples.</param>
/// <param name="Longest">Positions of the longest sample.</param>
/// <param name="Labelled">Labelled positions.</param>
/// <param name="Pictures">Pictures.</param>
internal sealed record MicroBatchShape(int Sequences, long Positions, long Longest, long Labelled, long Pictures);

/// <summary>What decides how much memory training takes, apart from the micro-batch.</summary>
/// <param name="Bytes">Bytes of a number of the base model: 4 or 2.</param>
/// <param name="Dropout">Whether the low-rank paths drop inputs.</param>
/// <param name="Kernels">Whether the program's own kernels compute: see <see cref="KernelTrainingPass"/>.</param>
internal sealed record MemorySettings(
    ModelShape Shape,
    int Bytes,
    int Rank,
    bool TrainProjector,
    bool Dropout,
    bool Checkpointing,
    bool Kernels = false
)
{
    /// <summary>How the language model's maps are held in four bits; null where they are held as they are.</summary>
    public Nf4Settings? Nf4 { get; init; }

    /// <summary>The most pictures that the tower looks at together.</summary>
    public int PicturesTogether { get; init; } = int.MaxValue;

    /// <summary>Experts of MoELoRA; 0 for LoRA.</summary>
    public int Experts { get; init; }

    /// <summary>Rank of all that O-LoRA holds fixed of earlier tasks, in the last stage; 0 for others.</summary>
    public int FrozenRank { get; init; }

    /// <summary>Trainers that keep a part of the moments each.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>The maps that are adapted; null for all.</summary>
    public AdapterTargets? Targets { get; init; }

    /// <summary>Whether adapters of evaluators are folded into copies of weights in a short type.</summary>
    public bool MergesRounded { get; init; }

    /// <summary>Parameters by kind.</summary>
    public ParameterCounts Counts => ParameterCounts.Of(Shape, Rank, Experts, Targets);

    /// <summary>The adapted maps of the layer that has most of them.</summary>
    public IReadOnlyList<AdaptedMap> Adapted =>
        Enumerable
            .Range(0, Targets is null ? 1 : Shape.Text.Layers)
            .Select(layer => AdaptedMap.Of(Shape, layer, Targets))
            .MaxBy(maps => maps.Sum(map => map.In + map.Out))!;
}

/// <summary>A named amount of memory.</summary>
public sealed record MemoryPart(string Name, long Bytes);

/// <summary>
/// Memory of training as a function of shapes: a list of the tensors that a layer's tape keeps, by libtorch (see
/// <see cref="LibtorchLayerTape"/>) or by the program's own kernels (see <see cref="LayerTape"/>), not a rule of thumb.
/// Sizes are bytes.
/// </summary>
internal static class MemoryModel
{
    /// <summary>The part behind those of the base model.</summary>
    public const string AdapterPart = "adapter (float32)";

    private const int Float = 4;

    /// <summary>What is there all the time: weights, adapter, its gradients, its two moments.</summary>
    public static IReadOnlyList<MemoryPart> Resident(MemorySettings settings)
    {
        var counts = settings.Counts;
        var trained = Trained(settings);
        var rotary =
            2L * settings.Shape.Text.RotaryBases.Count * settings.Shape.Text.MaxPositions * settings.Shape.Text.HeadSize * settings.Bytes;
        return
        [
            .. settings.Nf4 is null
                ? new MemoryPart[] { new("base model", (counts.Base * settings.Bytes) + rotary) }
                :
                [
                    new("base model, but for what is in 4 bits", ((counts.Base - counts.Maps) * settings.Bytes) + rotary),
                    new("linear maps in 4 bits (nf4)", Nf4Weight.BytesOf(counts.Maps, settings.Nf4)),
                    new("maps dequantized for a moment", Dequantized(settings)),
                ],
            new(AdapterPart, trained * Float),
            .. settings.FrozenRank == 0
                ? Array.Empty<MemoryPart>()
                : [new("earlier tasks' LoRA, frozen (float32)", Frozen(settings) * Float)],
            .. settings.Bytes == Float ? Array.Empty<MemoryPart>() : [new("LoRA in the base's type", Typed(settings))],
            new("gradients (float32)", trained * Float),
            settings.Shards == 1
                ? new("AdamW's moments (float32)", 2 * trained * Float)
                : new(FormattableString.Invariant($"AdamW's moments (float32), 1/{settings.Shards} of them"), ShardOfMoments(settings)),
        ];
    }

    /// <summary>About what a trainer has of the moments where they are sharded: whole tensors are dealt out.</summary>
    public static long ShardOfMoments(MemorySettings settings) => 2 * Trained(settings) * Float / settings.Shards;

    /// <summary>
    /// What weights in four bits take while they are used: the widest map of a layer in its type, and what libtorch needs to make it; by
    /// the kernels a panel that all threads share.
    /// </summary>
    public static long Dequantized(MemorySettings settings)
    {
        long h = settings.Shape.Text.HiddenSize,
            i = settings.Shape.Text.IntermediateSize,
            kv = settings.Shape.Text.KeyValueSize;
        return settings.Kernels
            ? PackedProduct.SharedRows * Math.Max(h, i) * Float
            : (Math.Max(h * (h + (2 * kv)), 2 * h * i) * settings.Bytes) + Nf4Weight.PassingBytes;
    }

    /// <summary>Parameters that are trained.</summary>
    public static long Trained(MemorySettings settings)
    {
        var counts = settings.Counts;
        return counts.Lora + (settings.TrainProjector ? counts.Projector : 0);
    }

    /// <summary>Parameters that an adapter holds fixed.</summary>
    public static long Frozen(MemorySettings settings) => ParameterCounts.Of(settings.Shape, settings.FrozenRank, 0, settings.Targets).Lora;

    /// <summary>What a micro-batch takes on top, at its peak.</summary>
    public static IReadOnlyList<MemoryPart> Step(MemorySettings settings, MicroBatchShape batch)
    {
        var config = settings.Shape.Text;
        long b = settings.Bytes,
            n = batch.Positions,
            h = config.HiddenSize;
        var layer = Kept(n);
        var last = Kept(batch.Labelled);
        var below = Front(settings, batch) + (settings.Checkpointing ? config.Layers * n * h * b : 0);
        var full = config.Layers > 1 ? layer : 0;

        // Either the logits exist, on top of the last layer, or the gradients on their way through a layer below it.
        var atTheTop = last + Logits(settings, batch) + (settings.Checkpointing ? 0 : (config.Layers - 1) * layer);
        var onTheWay =
            (settings.Kernels ? KernelsPassing(settings, n) : Passing(settings, n))
            + (settings.Checkpointing ? full : (config.Layers - 1) * layer);
        return
        [
            new(settings.Checkpointing ? "inputs of all layers" : "embeddings and projector", below),
            atTheTop >= onTheWay
                ? new("activations, and a chunk of logits", atTheTop)
                : new("activations, and gradients on their way", onTheWay),
        ];

        long Kept(long behind) => settings.Kernels ? KeptByKernels(settings, n, behind) : KeptByLayer(settings, batch, behind);
    }

    /// <summary>
    /// The passing tensors of the frozen tower, or of what follows it; they are gone before the language model begins. While some pictures
    /// are looked at, the others' pixels wait, and the features of those before.
    /// </summary>
    public static long Vision(MemorySettings settings, long pictures)
    {
        var config = settings.Shape.Vision;
        var together = Math.Min(pictures, settings.Shape.OneByOne ? 1 : settings.PicturesTogether);

        // Inner units and their activations. The kernels activate CLIP's in place; libtorch's sigmoid is a tensor of its own.
        var inner = (settings.Kernels, config.Activation) switch
        {
            (true, "quick_gelu") => 1L,
            (true, "silu") => 3L,
            (true, _) => 2L,
            _ => 4L,
        };
        var tower = config.Positions * ((9L * config.HiddenSize) + (inner * config.IntermediateSize));
        var behind = settings.Shape.Resampler is { } resampler
            ? (config.Positions * (long)config.HiddenSize) + Resampling(resampler, settings.Kernels)
            : 0;
        var pixels = pictures * 3 * config.ImageSize * config.ImageSize * Float;
        var features = (pictures - together) * settings.Shape.ImageTokens * settings.Shape.FeatureSize * settings.Bytes;
        return pixels + features + (together * settings.Bytes * Math.Max(tower, behind));
    }

    /// <summary>Numbers that a resampler has at once for a picture, in front of its last map.</summary>
    private static long Resampling(ResamplerConfig config, bool kernels)
    {
        long patches = (long)config.Across * config.Across,
            queries = config.Queries,
            size = config.Out;

        // Mapped and normalized patches, those with places, keys and values; queries, what they attend to, the outer map's result.
        var maps = (5 * patches * size) + (3 * queries * size);

        // The kernels have queries, keys and values side by side, and keys and values once more as attention reads them.
        return maps + (kernels ? (3 * Math.Max(patches, queries) * size) + (2 * patches * size) : 0);
    }

    /// <summary>
    /// The parts of a micro-batch's peak: those of the language model, or of the tower in front of it where that is more.
    /// </summary>
    public static IReadOnlyList<MemoryPart> AtPeak(MemorySettings settings, MicroBatchShape batch)
    {
        var (step, vision) = (Step(settings, batch), Vision(settings, batch.Pictures));
        return step.Sum(part => part.Bytes) >= vision ? step : [new("pictures in the vision tower", vision)];
    }

    /// <summary>The peak of a micro-batch, all in all.</summary>
    public static long Peak(MemorySettings settings, MicroBatchShape batch) => AtPeak(settings, batch).Sum(part => part.Bytes);

    /// <summary>Decoded pictures that wait in the host's memory, a byte for each colour of a pixel.</summary>
    public static long Waiting(MemorySettings settings, long pictures)
    {
        long size = settings.Shape.Vision.ImageSize;
        return (TrainingSession.PreparedAhead + 1) * pictures * 3 * size * size;
    }

    /// <summary>
    /// What products of short numbers take on a CPU: oneDNN's packed copies of the widest matrix, the head, forward and backward. Inferred
    /// from measurements.
    /// </summary>
    public static long ShortNumberScratch(MemorySettings settings) =>
        2L * settings.Shape.Text.VocabularySize * settings.Shape.Text.HiddenSize * settings.Bytes;

    /// <summary>Keys and values of a generation batch.</summary>
    /// <param name="positions">Longest prompt and longest answer together.</param>
    public static long KeyValueCache(MemorySettings settings, int prompts, long positions) =>
        2L
        * prompts
        * Math.Min(positions, settings.Shape.Text.MaxPositions)
        * settings.Shape.Text.Layers
        * settings.Shape.Text.KeyValueSize
        * settings.Bytes;

    /// <summary>
    /// What an evaluator holds beside the base: the adapter, in a short type once more as it computes, or, in float32 or where it is wanted
    /// so (unless weights are in four bits), a copy of the language model's layers with the adapter folded in.
    /// </summary>
    public static long EvaluatorWeights(MemorySettings settings)
    {
        var counts = settings.Counts;
        long h = settings.Shape.Text.HiddenSize,
            embeddings = (settings.Shape.Text.TiedEmbeddings ? 1 : 2) * settings.Shape.Text.VocabularySize * h;
        if (settings.Experts > 0)
        {
            // It stays beside the weights; the kernels keep the outer matrices a second time, as they multiply with them.
            var outputs = settings.Adapted.Sum(map => map.Out);
            var ready = settings.Kernels ? settings.Shape.Text.Layers * settings.Rank * outputs * Float : 0;
            return (Trained(settings) * Float) + ready + (settings.Bytes == Float ? 0 : Typed(settings));
        }

        var merged = settings.Nf4 is null ? (counts.Language - embeddings) * settings.Bytes : 0;
        var beside = settings.Bytes != Float && !settings.MergesRounded;
        return ((Trained(settings) + Frozen(settings)) * Float) + (beside ? Typed(settings) : merged);
    }

    /// <summary>Low-rank matrices once more in a short type.</summary>
    private static long Typed(MemorySettings settings) => (settings.Counts.Lora + Frozen(settings)) * settings.Bytes;

    /// <summary>What one decoder layer keeps. Norms and the product of the gated units are computed again.</summary>
    /// <param name="behind">Positions that the layer computes behind its attention.</param>
    private static long KeptByLayer(MemorySettings settings, MicroBatchShape batch, long behind)
    {
        var config = settings.Shape.Text;
        long b = settings.Bytes,
            n = batch.Positions,
            h = config.HiddenSize,
            i = config.IntermediateSize,
            kv = config.KeyValueSize;
        var slots = batch.Sequences * batch.Longest;
        var packed = slots != n || behind != n;

        // One number of each norm for a position.
        var norms = Float * (n + behind);

        // Queries, keys, values and result of the attention; heads that share a key are written out besides.
        var shared = config.KeyValueHeads == config.Heads ? 0 : 2 * h;
        var attention = (slots * b * ((2 * h) + (2 * kv) + shared)) + (slots * config.Heads * Float) + (packed ? behind * h * b : 0);

        // The sum in the middle; gate and up.
        var outputs = behind * b * (h + (2 * i));

        // What lies between A and B, and a byte for each number that may be dropped.
        var adapted = settings.Adapted;
        long Positions(AdaptedMap map) => map.Place == MapPlace.Qkv ? n : behind;
        var low = b * settings.Rank * adapted.Sum(Positions);
        var gates = settings.Experts > 1 ? Float * settings.Experts * adapted.Sum(Positions) : 0;
        var masks = settings.Dropout ? Math.Max(settings.Experts, 1) * adapted.Sum(map => Positions(map) * map.In) : 0;
        var input = settings.Checkpointing ? 0 : b * n * h;
        return norms + attention + outputs + low + gates + masks + input;
    }

    /// <summary>
    /// What one decoder layer keeps where the program's own kernels compute. Norms and the product of the gated units are computed again.
    /// </summary>
    /// <param name="behind">As for <see cref="KeptByLayer"/>.</param>
    private static long KeptByKernels(MemorySettings settings, long n, long behind)
    {
        var config = settings.Shape.Text;
        long h = config.HiddenSize,
            i = config.IntermediateSize,
            kv = config.KeyValueSize;

        // Queries, keys and values; what they attend to, with the logarithms of sums; the sum in the middle; gate and up.
        var outputs = Float * ((n * (h + (2 * kv))) + (behind * ((2 * h) + config.Heads + (2 * i))));
        var input = settings.Checkpointing ? 0 : Float * n * h;
        long Positions(AdaptedMap map) => map.Place == MapPlace.Qkv ? n : behind;
        var low = Float * (settings.Rank + settings.Experts) * settings.Adapted.Sum(Positions);
        var masks = settings.Dropout ? Math.Max(settings.Experts, 1) * settings.Adapted.Sum(map => Positions(map) * map.In) : 0;
        return outputs + input + low + masks;
    }

    /// <summary>
    /// The same for the kernels: inputs of the last matrix and their gradient (or a copy with some dropped), the layer's output or its
    /// gradient, and with checkpointing both.
    /// </summary>
    private static long KernelsPassing(MemorySettings settings, long n)
    {
        var config = settings.Shape.Text;
        return Float * n * ((2L * config.IntermediateSize) + ((settings.Checkpointing ? 2L : 1L) * config.HiddenSize));
    }

    /// <summary>The gradients on their way through the layer's feed-forward part, the widest place.</summary>
    private static long Passing(MemorySettings settings, long n)
    {
        var config = settings.Shape.Text;
        return n * settings.Bytes * ((4L * config.IntermediateSize) + (2L * config.HiddenSize));
    }

    /// <summary>What the embeddings and the projector's graph keep.</summary>
    private static long Front(MemorySettings settings, MicroBatchShape batch)
    {
        long h = settings.Shape.Text.HiddenSize,
            v = settings.Shape.FeatureSize,
            b = settings.Bytes;
        var tokens = batch.Pictures * settings.Shape.ImageTokens;
        return (settings.Kernels ? 0 : 2 * batch.Positions * settings.Shape.Text.HeadSize * b)
            + (tokens * v * b)
            + (settings.TrainProjector ? 2 * (settings.Shape.ProjectorMaps - 1) * tokens * h * b : 0);
    }

    private static long Logits(MemorySettings settings, MicroBatchShape batch)
    {
        long vocabulary = settings.Shape.Text.VocabularySize,
            rows = Math.Min(batch.Labelled, LossChunks.Rows(settings.Shape.Text.VocabularySize));

        if (settings.Kernels)
        {
            // Their gradient takes the logits' place.
            return rows * vocabulary * Float;
        }

        // Logits, their logarithms of probabilities, and the gradients of both; in a short type the logits once more.
        return rows * vocabulary * ((4 * Float) + (settings.Bytes < Float ? settings.Bytes : 0));
    }
}
