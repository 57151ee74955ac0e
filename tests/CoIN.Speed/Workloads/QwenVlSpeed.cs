using CoIN.Benchmark;
using CoIN.Models.Computing;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Modules;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Workloads;

/// <summary>
/// A tower of 1,024 patches in heads of 104 numbers, which a resampler makes 256 image tokens: as many as every Qwen-VL has.
/// </summary>
internal sealed record QwenVlSpeed() : SpeedFamily("qwen-vl", ["c_attn", "attn.c_proj", "w1", "w2"])
{
    private const int Positions = 2048;

    public override IReadOnlyList<int> UsualImageTokens => [QwenVlConfig.Queries];

    public override bool AnyImageTokens => false;

    public override bool TrainsProjector => false;

    public override SpeedShape Shape(SpeedSize size)
    {
        var (config, resampler) = (Config(size.Quick), Config(size.Quick).Resampler);
        double patches = config.Vision.Patches,
            width = resampler.Out,
            queries = resampler.Queries;
        var resampling =
            SpeedShape.Maps(patches, (width * resampler.In) + (2 * width * width))
            + SpeedShape.Maps(queries, 3 * width * width)
            + SpeedShape.Attention(queries, patches, width);
        return new(
            config.Text,
            QwenVlConfig.Queries,
            config.Vision.ImageSize,
            config.Text.VocabularySize - 1,
            SpeedShape.Tower(config.Vision, config.Vision.Layers) + resampling
        );
    }

    public override IReadOnlyList<(string Name, double Inputs, double Outputs)> Maps(DecoderConfig text)
    {
        double hidden = text.HiddenSize,
            inner = text.IntermediateSize;
        return
        [
            ("c_attn", hidden, 3 * hidden),
            ("attn.c_proj", hidden, hidden),
            ("w1", hidden, inner),
            ("w2", hidden, inner),
            ("mlp.c_proj", inner, hidden),
        ];
    }

    public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed) =>
        QwenVlInitializer.Write(folder, Config(size.Quick), seed);

    public override void WriteTokenizer(string folder) =>
        File.WriteAllBytes(Path.Combine(folder, QwenVlTokenizer.FileName), TiktokenFile.ToBytes(SyntheticText.Bytes(Tokens)));

    public override IPictureModel Load(string folder, ScalarType dtype, Device device) =>
        QwenVlCheckpoint.Load(folder, dtype, device, warning => throw new CoinException(warning));

    private static int Tokens => Vocabulary - QwenVlTokenizer.SizeOf(0);

    private static QwenVlConfig Config(bool quick)
    {
        var text = Text(quick) with
        {
            AttentionBias = true,
            RmsNormEps = 1e-6,
            MaxPositions = Positions,
            LongContext = new LongContext(Positions, DynamicNtk: true, LogN: true),
        };
        var vision = quick
            ? new VisionConfig(104, 512, 2, 1, 448, PatchSize, "gelu", 1e-6)
            : new VisionConfig(208, 1024, 7, 2, 448, PatchSize, "gelu", 1e-6);
        return new QwenVlConfig(vision with { ClassToken = false }, text.HiddenSize, text, QwenVlTokenizer.ImageStartOf(Tokens));
    }
}
