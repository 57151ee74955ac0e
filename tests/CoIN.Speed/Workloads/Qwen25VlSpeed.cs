using CoIN.Benchmark;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Workloads;

/// <summary>
/// A tower of four patches to an image token in heads of 80 numbers, of whose layers a quarter attend beyond windows; keys and values of
/// two heads for eight.
/// </summary>
internal sealed record Qwen25VlSpeed() : SpeedFamily("qwen2.5-vl", null)
{
    private const int Window = 112;

    public override bool TrainsProjector => false;

    public override SpeedShape Shape(SpeedSize size)
    {
        var config = Config(size.Quick);
        var imageTokens = size.ImageTokens;
        var vision = config.Vision;
        double width = vision.HiddenSize,
            patches = vision.Merge * vision.Merge * imageTokens,
            joined = width * vision.Merge * vision.Merge;
        double side = Side(imageTokens),
            whole = vision.WholeLayers.Count,
            within = vision.Layers - whole;

        // Windows at the right and lower edges are what is left there.
        var edges = Enumerable
            .Range(0, (int)Math.Ceiling(side / vision.WindowSide))
            .Select(i => Math.Min(vision.WindowSide, side - (i * vision.WindowSide)))
            .ToList();
        var windows = edges.SelectMany(_ => edges, (height, width) => Math.Pow(height * width * vision.Merge * vision.Merge, 2)).Sum();
        var tower =
            (vision.Layers * SpeedShape.Maps(patches, (4 * width * width) + (3 * width * vision.IntermediateSize)))
            + (whole * SpeedShape.Attention(patches, patches, width))
            + (within * SpeedShape.Attention(1, windows, width));
        return new(
            config.Text,
            imageTokens,
            Side(imageTokens) * vision.MergedSize,
            config.ImageTokenId,
            tower + SpeedShape.Maps(imageTokens, (joined * joined) + (joined * vision.OutSize))
        );
    }

    public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed)
    {
        var config = Config(size.Quick);
        var pixels = size.ImageTokens * config.Vision.MergedSize * config.Vision.MergedSize;
        Qwen25VlInitializer.Write(folder, config, pixels, pixels, seed);
    }

    public override void WriteTokenizer(string folder) =>
        Qwen2Vocabulary.Write(folder, [.. SyntheticText.Bytes(Tokens).Select(ByteAlphabet.Of)], Qwen25VlPrompts.Marks);

    public override IPictureModel Load(string folder, ScalarType dtype, Device device) =>
        Qwen25VlCheckpoint.Load(folder, dtype, device, warning => throw new CoinException(warning), longest: 2048);

    public override IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength, int imageTokens) =>
        PlacedPrompts.Of(base.Prompts(tokenizer, conversation, maxLength, imageTokens), _ => (Side(imageTokens), Side(imageTokens)));

    public override int Place(int imageTokens) => PicturePlace.Of(Side(imageTokens), Side(imageTokens));

    private static int Tokens => Vocabulary - Qwen25VlPrompts.Marks.Count;

    private static Qwen25VlConfig Config(bool quick)
    {
        var text = Text(quick) with
        {
            KeyValueHeads = 2,
            AttentionBias = true,
            RmsNormEps = 1e-6,
            RopeTheta = 1_000_000,
            TrainedPositions = 32768,
            RopeSections = quick ? [4, 6, 6] : [8, 12, 12],
        };
        var vision = quick
            ? new GridVisionConfig(80, 216, 2, 1, PatchSize, 2, Window, [1], text.HiddenSize)
            : new GridVisionConfig(160, 432, 8, 2, PatchSize, 2, Window, [3, 7], text.HiddenSize);
        return new Qwen25VlConfig(vision, text, Tokens + Qwen25VlPrompts.Marks.ToList().IndexOf(Qwen25VlPrompts.Pad));
    }
}
