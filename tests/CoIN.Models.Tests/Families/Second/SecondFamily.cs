using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Backends;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Second;

/// <summary>
/// A family unlike LLaVA: a decoder with one matrix for queries, keys and values and their biases, a tower without class token, pictures
/// cropped instead of padded. All that a family needs is in this file.
/// </summary>
/// <param name="together">Pictures that its tower looks at together; null for what the backend says.</param>
internal sealed class SecondFamily(int? together = null) : IModelFamily
{
    /// <summary>How many pictures its models' towers looked at, each time.</summary>
    public List<long> Looks { get; } = [];

    public static readonly DecoderConfig Text = new(32, 48, 2, 4, 2, 280, 1e-5, 10000, 128, false, AttentionBias: true);

    public static readonly VisionConfig Vision = new(16, 32, 2, 2, 16, 8, "gelu", 1e-6) { ClassToken = false };

    public static readonly DecoderNames Names = new()
    {
        Embedding = "wte",
        Norm = "ln_f",
        Layers = "h",
        InputNorm = "ln_1",
        PostNorm = "ln_2",
        Qkv = ["attn.c_attn"],
        Output = "attn.c_proj",
        Gate = "mlp.w2",
        Up = "mlp.w1",
        Down = "mlp.w3",
    };

    public string Name => "Second";

    private int? Together => together;

    public IReadOnlyList<string> Conversations => ConversationTemplates.Names;

    public bool Recognizes(ModelOptions model) => File.Exists(WeightsOf(model));

    public IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn) =>
        problems.Try(() => Build(model, new Device(DeviceType.META)));

    public ModelShape Shape(ModelOptions model) => SecondSettings.OfAll;

    public IModelSettings Read(ModelOptions model) => new SecondSettings(model.Path);

    public string SourceOf(ModelOptions model) => model.Path;

    public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn) =>
        new(Build(model, device), Read(model), "second");

    public IReadOnlyList<string> Inspect(ModelOptions model) => [$"{model.Path}: {Name}"];

    public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell) =>
        throw new CoinException("Not merged.");

    private static string WeightsOf(ModelOptions model) => Path.Combine(model.Path, "second.safetensors");

    private SecondModel Build(ModelOptions model, Device device)
    {
        using var noGrad = no_grad();
        using var checkpoint = CheckpointFolder.Open(WeightsOf(model));
        var built = new SecondModel(
            this,
            new VisionTransformer(checkpoint, "visual.", Vision, Vision.Layers, keepClassToken: false, ScalarType.Float32, device),
            Projector.Take(
                checkpoint,
                ProjectorForm.Llava,
                ["bridge.0", "bridge.1"],
                [Vision.HiddenSize, Text.HiddenSize, Text.HiddenSize],
                ScalarType.Float32,
                device
            ),
            new DecoderModel(checkpoint, "transformer.", "lm_head.weight", Text, ScalarType.Float32, device, Names)
        );
        Assert.Empty(checkpoint.Finish());
        return built;
    }

    private sealed class SecondSettings(string folder) : IModelSettings
    {
        private readonly SentencePieceTokenizer tokenizer = SentencePieceTokenizer.Load(Path.Combine(folder, "tokenizer.model"));

        public static ModelShape OfAll { get; } =
            new(Text, Vision, Vision.Positions, Vision.Parameters(Vision.Layers), (16 * 32) + 32 + (32 * 32) + 32);

        public ModelShape Shape => OfAll;

        public IPictureProcessor Pictures { get; } = new ClipPictures(ClipImageProcessor.Load(folder), ImageMode.Crop);

        public IPrompts Prompts(ModelOptions model, int? maxLength = null, PromptKind evaluation = PromptKind.Trained) =>
            new PromptBuilder(tokenizer, ConversationTemplates.Get(model.Conversation), maxLength ?? model.MaxLength);
    }

    private sealed class SecondModel(SecondFamily family, VisionTransformer tower, Projector projector, DecoderModel language)
        : IPictureModel
    {
        public DecoderModel Language { get; } = language;

        public IBackend Backend { get; } = Backends.Backend.For(language.Dtype, language.Device);

        public int ImageTokens => Vision.Positions;

        public Projector Projector { get; } = projector;

        public int PicturesTogether => family.Together ?? Backend.PicturesTogether(tower.Config, Language.Device.type);

        public Tensor Features(Tensor pixels)
        {
            family.Looks.Add(pixels.size(0));
            return Backend.Vision(tower, pixels);
        }

        public IPictureModel Merged(IAdapter adapter) =>
            new SecondModel(family, tower, adapter.Projector ?? Projector, Language.Merged(adapter.Updates()));

        public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? with = null)
        {
            using var scope = NewDisposeScope();
            var text = Language.Embed(batch.TextIds);
            var all =
                batch.Pictures == 0
                    ? text
                    : cat([text, Backend.Project(with ?? Projector, features!, Language.Dtype).reshape(-1, Text.HiddenSize)], 0);
            return all.index_select(0, batch.Order).MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            tower.Dispose();
            Projector.Dispose();
            Language.Dispose();
        }
    }
}
