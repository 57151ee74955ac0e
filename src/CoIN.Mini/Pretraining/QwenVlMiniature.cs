using CoIN.Benchmark.Experiments;
using CoIN.Mini.Drawing;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Modules;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>A Qwen-VL as small as the miniature LLaVA. A picture has 256 places in it, as in every Qwen-VL.</summary>
internal sealed class QwenVlMiniature : IMiniFamily
{
    /// <summary>As many patches as a checkpoint's table has places.</summary>
    private const int Patch = Canvas.Size / 16;

    private const int Positions = 768;

    /// <inheritdoc/>
    public string Key => "qwen-vl";

    /// <inheritdoc/>
    public (string File, byte[] Content) Vocabulary => (QwenVlTokenizer.FileName, TiktokenFile.ToBytes(Tokens()));

    /// <inheritdoc/>
    public bool Recognizes(string folder) => new QwenVlFamily().Recognizes(new ModelOptions { Path = folder });

    /// <inheritdoc/>
    public void Initialize(string folder, int seed)
    {
        var pieces = Tokens().Count;
        File.WriteAllBytes(Path.Combine(folder, Vocabulary.File), Vocabulary.Content);
        var text = new DecoderConfig(
            HiddenSize: 128,
            IntermediateSize: 352,
            Layers: 4,
            Heads: 4,
            KeyValueHeads: 4,
            (QwenVlTokenizer.SizeOf(pieces) + 7) / 8 * 8,
            RmsNormEps: 1e-6,
            RopeTheta: 10000,
            MaxPositions: 2 * Positions,
            TiedEmbeddings: false,
            AttentionBias: true
        )
        {
            LongContext = new LongContext(Positions, DynamicNtk: true, LogN: true),
        };
        var vision = new VisionConfig(HiddenSize: 96, IntermediateSize: 384, Layers: 3, Heads: 4, Canvas.Size, Patch, "gelu", 1e-6)
        {
            ClassToken = false,
        };
        QwenVlInitializer.Write(folder, new QwenVlConfig(vision, text.HiddenSize, text, QwenVlTokenizer.ImageStartOf(pieces)), seed);
    }

    /// <inheritdoc/>
    public MiniSubject Open(string folder, Action<string> say)
    {
        var settings = QwenVlSettings.Read(new ModelOptions { Path = folder, MaxLength = Positions });
        var model = QwenVlCheckpoint.Load(folder, ScalarType.Float32, CPU, say);
        return new MiniSubject(
            model,
            settings.Prompts(new ModelOptions()),
            settings.Pictures.Size,
            settings.Pictures.Normalized,
            [.. model.Vision.Parameters(), .. model.Resampler.Parameters(), .. model.Language.Parameters()],
            pixels => model.Resampler.Forward(model.Vision.Forward(pixels)),
            () => QwenVlCheckpoint.Named(model)
        );
    }

    /// <summary>All bytes, then the miniature's words and their beginnings.</summary>
    private static IReadOnlyList<byte[]> Tokens() =>
        [
            .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }),
            .. MiniVocabulary
                .Build()
                .Pieces.Where(piece => piece.Kind == PieceKind.Normal)
                .Select(piece => System.Text.Encoding.UTF8.GetBytes(piece.Text.Replace('\u2581', ' ')))
                .Where(bytes => bytes.Length > 1)
                .DistinctBy(Convert.ToBase64String),
        ];
}
