using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Mini.Drawing;
using CoIN.Models.Families;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>A Qwen2.5-VL as small as the miniature LLaVA, with as many places for a picture: 6 × 6 of 8 × 8 pixels.</summary>
internal sealed class Qwen25VlMiniature : IMiniFamily
{
    private const int Patch = 4,
        Merge = 2,
        Side = Canvas.Size / (Patch * Merge);

    /// <summary>All bytes, then the miniature's words and their beginnings, in the letters of byte-level vocabularies.</summary>
    private static readonly Lazy<IReadOnlyList<string>> Tokens = new(() =>
        [
            .. ByteAlphabet.Letters,
            .. MiniVocabulary
                .Build()
                .Pieces.Where(piece => piece.Kind == PieceKind.Normal)
                .Select(piece => ByteAlphabet.Of(piece.Text.Replace('\u2581', ' ')))
                .Where(token => token.Length > 1)
                .Distinct(),
        ]
    );

    /// <inheritdoc/>
    public string Key => "qwen2.5-vl";

    /// <inheritdoc/>
    public (string File, byte[] Content) Vocabulary => ("vocab.json", Qwen2Vocabulary.TokensFile(Tokens.Value));

    /// <inheritdoc/>
    public bool Recognizes(string folder) => new Qwen25VlFamily().Recognizes(new ModelOptions { Path = folder });

    /// <inheritdoc/>
    public void Initialize(string folder, int seed)
    {
        var tokens = Tokens.Value;
        int Id(string mark) => tokens.Count + Qwen25VlPrompts.Marks.ToList().IndexOf(mark);
        Qwen2Vocabulary.Write(folder, tokens, Qwen25VlPrompts.Marks);
        var ends = new JObject { ["eos_token_id"] = new JArray(Id(ChatTemplate.End), Id(Qwen25VlPrompts.Marks[0])) };
        Durable.WriteText(Path.Combine(folder, "generation_config.json"), ends.ToString(Formatting.Indented) + "\n");

        var text = new DecoderConfig(
            HiddenSize: 128,
            IntermediateSize: 352,
            Layers: 4,
            Heads: 4,
            KeyValueHeads: 2,
            (tokens.Count + Qwen25VlPrompts.Marks.Count + 7) / 8 * 8,
            RmsNormEps: 1e-6,
            RopeTheta: 10000,
            2 * MiniModel.MaxLength,
            TiedEmbeddings: false,
            AttentionBias: true
        )
        {
            RopeSections = [4, 6, 6],
        };
        var vision = new GridVisionConfig(
            HiddenSize: 64,
            IntermediateSize: 176,
            Layers: 4,
            Heads: 4,
            Patch,
            Merge,
            Window: 2 * Canvas.Size / 3,
            WholeLayers: [1, 3],
            text.HiddenSize
        );
        Qwen25VlInitializer.Write(
            folder,
            new Qwen25VlConfig(vision, text, Id(Qwen25VlPrompts.Pad)),
            least: vision.MergedSize * vision.MergedSize,
            most: Canvas.Size * Canvas.Size,
            seed
        );
    }

    /// <inheritdoc/>
    public MiniSubject Open(string folder, Action<string> say)
    {
        var options = new ModelOptions { Path = folder, MaxLength = MiniModel.MaxLength };
        var settings = Qwen25VlSettings.Read(options);
        var model = Qwen25VlCheckpoint.Load(folder, ScalarType.Float32, CPU, say, MiniModel.MaxLength);
        return new MiniSubject(
            model,
            PlacedPrompts.Of(settings.Prompts(options), _ => (Side, Side)),
            Canvas.Size,
            picture => settings.Pictures.Normalized(picture),
            [.. model.Vision.Parameters(), .. model.Language.Parameters()],
            model.Vision.Forward,
            () => Qwen25VlCheckpoint.Named(model)
        );
    }
}
