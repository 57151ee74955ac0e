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
/// <param name="VisionLayers">Layers of the tower that are computed.</param>
/// <param name="ProjectorSizes">Features of a picture's position, then those that each linear map gives.</param>
internal sealed record SpeedShape(DecoderConfig Text, VisionConfig Vision, int VisionLayers, int ImageTokens, IReadOnlyList<int> ProjectorSizes);

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

    public static IReadOnlyList<SpeedFamily> All { get; } = [new LlavaSpeed(), new MiniGptSpeed()];

    /// <exception cref="CoinException">There is none of that name.</exception>
    public static SpeedFamily Of(string key) => All.First(family => family.Key == key);

    /// <summary>The language model: hidden size 512, 8 layers, vocabulary 32,000.</summary>
    protected static DecoderConfig Text(bool quick) => quick
        ? new(128, 352, 2, 4, 4, 32000, 1e-5, 10000, 2048, false) : new(512, 1376, 8, 8, 8, 32000, 1e-5, 10000, 2048, false);

    public abstract SpeedShape Shape(SpeedSize size);

    /// <summary>Writes an untrained model's folder, without a tokenizer.</summary>
    public abstract void Write(string folder, SpeedSize size, ScalarType dtype, int seed);

    public abstract IPictureModel Load(string folder, ScalarType dtype, Device device);

    public abstract IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength);

    /// <summary>The mid-size LLaVA, and LLaVA-1.5-7B with as many layers as wanted.</summary>
    internal sealed record LlavaSpeed() : SpeedFamily("llava", null)
    {
        public override SpeedShape Shape(SpeedSize size) => Of(Config(size));

        public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed)
        {
            var config = Config(size);
            LlavaInitializer.Write(folder, config, config.Text.VocabularySize - 1, seed, dtype);
        }

        public override IPictureModel Load(string folder, ScalarType dtype, Device device) =>
            LlavaCheckpoint.Load(folder, dtype, device, warning => throw new CoinException(warning));

        public override IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength) =>
            new PromptBuilder(tokenizer, ConversationTemplates.Get(conversation), maxLength);

        private static SpeedShape Of(LlavaConfig config) => new(config.Text, config.Vision, config.VisionLayers, config.ImageTokens, config.ProjectorSizes);

        public static LlavaConfig Config(SpeedSize wanted)
        {
            var size = (int)Math.Round(Math.Sqrt(wanted.ImageTokens)) * PatchSize;
            var vision = wanted switch
            {
                { Layers: not null } => new VisionConfig(1024, 4096, 24, 16, size, PatchSize, "quick_gelu", 1e-5),
                { Quick: true } => new VisionConfig(64, 128, 3, 4, size, PatchSize, "quick_gelu", 1e-5),
                _ => new VisionConfig(256, 1024, 7, 8, size, PatchSize, "quick_gelu", 1e-5),
            };
            return new LlavaConfig(
                vision, wanted.Layers is { } layers ? new(4096, 11008, layers, 32, 32, 32000, 1e-5, 10000, 4096, false) : Text(wanted.Quick), -2, false);
        }
    }

    /// <summary>Four patches to an image token, and heads of 88 numbers in the tower.</summary>
    private sealed record MiniGptSpeed() : SpeedFamily("minigpt-v2", ["q_proj", "v_proj"])
    {
        public override SpeedShape Shape(SpeedSize size) =>
            Config(size.ImageTokens, size.Quick) is var config ? new(config.Text, config.Vision, config.VisionLayers, config.ImageTokens, config.ProjectorSizes) : null!;

        public override void Write(string folder, SpeedSize size, ScalarType dtype, int seed) =>
            MiniGptInitializer.Write(folder, Config(size.ImageTokens, size.Quick), seed);

        public override IPictureModel Load(string folder, ScalarType dtype, Device device) => MiniGptCheckpoint.Load(
            MiniGptSource.Of(new ModelOptions { Path = folder }), dtype, device, warning => throw new CoinException(warning));

        public override IPrompts Prompts(ITextTokenizer tokenizer, string conversation, int maxLength) => new MiniGptPrompts(tokenizer);

        private static MiniGptConfig Config(int imageTokens, bool quick)
        {
            var size = 2 * (int)Math.Round(Math.Sqrt(imageTokens)) * PatchSize;
            var vision = quick ? new VisionConfig(88, 128, 2, 1, size, PatchSize, "gelu", 1e-6) : new VisionConfig(264, 1152, 6, 3, size, PatchSize, "gelu", 1e-6);
            return new MiniGptConfig(vision with { PatchBias = true, InputNorm = false }, Text(quick));
        }
    }
}
