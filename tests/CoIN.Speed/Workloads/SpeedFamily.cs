using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Computing;
using CoIN.Models.Families.Llava;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Workloads;

/// <summary>What decides how many operations a model's results need.</summary>
/// <param name="ImageSize">Pixels of a picture's side.</param>
/// <param name="ImageTokenId">The id that stands for a picture's position in the peer's sequences.</param>
/// <param name="Picture">Operations for what the language model gets of a picture.</param>
internal sealed record SpeedShape(DecoderConfig Text, int ImageTokens, int ImageSize, int ImageTokenId, double Picture)
{
    /// <summary>Operations of a transformer's maps: two for each weight and position.</summary>
    public static double Maps(double positions, double weights) => 2 * positions * weights;

    /// <summary>Operations of attention in which every query sees as many keys.</summary>
    public static double Attention(double queries, double keys, double size) => 4 * queries * keys * size;

    /// <summary>Operations of a vision transformer for a picture.</summary>
    /// <param name="layers">Layers that are computed.</param>
    public static double Tower(VisionConfig vision, int layers)
    {
        double positions = vision.Positions,
            size = vision.HiddenSize;
        return layers * (Maps(positions, (4 * size * size) + (2 * size * vision.IntermediateSize)) + Attention(positions, positions, size));
    }

    /// <summary>Operations of a projector's maps, by the features in front of the first and behind each.</summary>
    public static double Projector(double positions, IReadOnlyList<int> sizes) =>
        Maps(positions, sizes.Zip(sizes.Skip(1), (from, to) => (double)from * to).Sum());
}

/// <summary>How large a model is.</summary>
/// <param name="Quick">A model too small to tell how fast anything is.</param>
/// <param name="Layers">Layers of a language model in LLaVA-1.5-7B's sizes, beside its whole tower; null for the mid-size model.</param>
internal sealed record SpeedSize(int ImageTokens, bool Quick, int? Layers = null);

/// <summary>A family of models whose speed is compared: one with random weights.</summary>
/// <param name="Key">What <c>--family</c> calls it.</param>
/// <param name="LoraTargets">Linear maps that are adapted, as the family's recipe has it; null for all.</param>
internal abstract record SpeedFamily(string Key, IReadOnlyList<string>? LoraTargets)
{
    protected const int PatchSize = 14;
    protected const int Vocabulary = 32000;

    public static IReadOnlyList<SpeedFamily> All { get; } = [new LlavaSpeed(), new MiniGptSpeed(), new QwenVlSpeed(), new Qwen25VlSpeed()];

    /// <summary>Image tokens of a picture, where nothing else is asked for.</summary>
    public virtual IReadOnlyList<int> UsualImageTokens => [576, 64];

    /// <summary>Whether pictures can have another number of image tokens.</summary>
    public virtual bool AnyImageTokens => true;

    /// <summary>Whether a projector is trained with the adapter.</summary>
    public virtual bool TrainsProjector => true;

    /// <exception cref="CoinException">There is none of that name.</exception>
    public static SpeedFamily Of(string key) => All.First(family => family.Key == key);

    public abstract SpeedShape Shape(SpeedSize size);

    /// <summary>Writes an untrained model's folder.</summary>
    public abstract void Write(string folder, SpeedSize size, ScalarType dtype, int seed);

    /// <summary>Writes a tokenizer of <see cref="SyntheticText"/> into such a folder.</summary>
    public virtual void WriteTokenizer(string folder) =>
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), SyntheticText.Tokenizer(Vocabulary - 1).ToBytes());

    public abstract IPictureModel Load(string folder, ScalarType dtype, Device device);

    /// <summary>How samples become tokens: LLaVA's way, whose words cost every family the same.</summary>
    public virtual IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength, int imageTokens) =>
        new PromptBuilder(tokenizer, ConversationTemplates.Get(conversation), maxLength);

    /// <summary>The linear maps of a layer of the language model, with their inputs and outputs.</summary>
    public virtual IReadOnlyList<(string Name, double Inputs, double Outputs)> Maps(DecoderConfig text)
    {
        double hidden = text.HiddenSize,
            inner = text.IntermediateSize,
            values = text.KeyValueHeads * text.HeadSize;
        return
        [
            ("q_proj", hidden, hidden),
            ("k_proj", hidden, values),
            ("v_proj", hidden, values),
            ("o_proj", hidden, hidden),
            ("gate_proj", hidden, inner),
            ("up_proj", hidden, inner),
            ("down_proj", inner, hidden),
        ];
    }

    /// <summary>The id that stands for a picture in the product's sequences.</summary>
    public virtual int Place(int imageTokens) => SequenceBatch.ImagePlaceholder;

    /// <summary>The language model: hidden size 512, 8 layers.</summary>
    protected static DecoderConfig Text(bool quick) =>
        quick
            ? new(128, 352, 2, 4, 4, Vocabulary, 1e-5, 10000, 2048, false)
            : new(512, 1376, 8, 8, 8, Vocabulary, 1e-5, 10000, 2048, false);

    /// <summary>Image tokens of a side of a picture.</summary>
    protected static int Side(int imageTokens) => (int)Math.Round(Math.Sqrt(imageTokens));

    /// <summary>The mid-size LLaVA, and LLaVA-1.5-7B with as many layers as wanted.</summary>
    internal sealed record LlavaSpeed() : SpeedFamily("llava", null)
    {
        public override SpeedShape Shape(SpeedSize size)
        {
            var config = Config(size);
            return new(
                config.Text,
                config.ImageTokens,
                config.Vision.ImageSize,
                config.Text.VocabularySize - 1,
                SpeedShape.Tower(config.Vision, config.VisionLayers) + SpeedShape.Projector(config.ImageTokens, config.ProjectorSizes)
            );
        }

        public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed)
        {
            var config = Config(size);
            LlavaInitializer.Write(folder, config, config.Text.VocabularySize - 1, seed, dtype);
        }

        public override IPictureModel Load(string folder, ScalarType dtype, Device device) =>
            LlavaCheckpoint.Load(folder, dtype, device, warning => throw new CoinException(warning));

        public static LlavaConfig Config(SpeedSize wanted)
        {
            var size = Side(wanted.ImageTokens) * PatchSize;
            var vision = wanted switch
            {
                { Layers: not null } => new VisionConfig(1024, 4096, 24, 16, size, PatchSize, "quick_gelu", 1e-5),
                { Quick: true } => new VisionConfig(64, 128, 3, 4, size, PatchSize, "quick_gelu", 1e-5),
                _ => new VisionConfig(256, 1024, 7, 8, size, PatchSize, "quick_gelu", 1e-5),
            };
            return new LlavaConfig(
                vision,
                wanted.Layers is { } layers ? new(4096, 11008, layers, 32, 32, Vocabulary, 1e-5, 10000, 4096, false) : Text(wanted.Quick),
                -2,
                false
            );
        }
    }

    /// <summary>Four patches to an image token, and heads of 88 numbers in the tower.</summary>
    private sealed record MiniGptSpeed() : SpeedFamily("minigpt-v2", ["q_proj", "v_proj"])
    {
        public override SpeedShape Shape(SpeedSize size)
        {
            var config = Config(size.ImageTokens, size.Quick);
            return new(
                config.Text,
                config.ImageTokens,
                config.Vision.ImageSize,
                config.Text.VocabularySize - 1,
                SpeedShape.Tower(config.Vision, config.VisionLayers) + SpeedShape.Projector(config.ImageTokens, config.ProjectorSizes)
            );
        }

        public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed) =>
            MiniGptInitializer.Write(folder, Config(size.ImageTokens, size.Quick), seed);

        public override IPictureModel Load(string folder, ScalarType dtype, Device device) =>
            MiniGptCheckpoint.Load(MiniGptSource.Of(new ModelOptions { Path = folder }), dtype, device, warning =>
                throw new CoinException(warning)
            );

        public override IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength, int imageTokens) =>
            new MiniGptPrompts(tokenizer);

        private static MiniGptConfig Config(int imageTokens, bool quick)
        {
            var size = 2 * Side(imageTokens) * PatchSize;
            var vision = quick
                ? new VisionConfig(88, 128, 2, 1, size, PatchSize, "gelu", 1e-6)
                : new VisionConfig(264, 1152, 6, 3, size, PatchSize, "gelu", 1e-6);
            return new MiniGptConfig(vision with { PatchBias = true, InputNorm = false }, Text(quick));
        }
    }
}
