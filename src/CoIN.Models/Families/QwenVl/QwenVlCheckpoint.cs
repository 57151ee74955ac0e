using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>The weight files of a Qwen-VL, opened, and the names of its parts in them.</summary>
internal sealed class QwenVlCheckpoint : FamilyCheckpoint<QwenVlModel>
{
    public const string Language = "transformer.";
    public const string Visual = "transformer.visual.";
    public const string Head = "lm_head.weight";

    private static readonly VisionNames Names = new()
    {
        ResizesPositions = true,
        PatchEmbedding = "conv1",
        PositionEmbedding = "positional_embedding",
        InputNorm = "ln_pre",
        Layers = "transformer.resblocks",
        AttentionNorm = "ln_1",
        InnerNorm = "ln_2",
        Qkv = ["attn.in_proj"],
        QkvByHead = true,
        Output = "attn.out_proj",
        Inner = "mlp.c_fc",
        Outer = "mlp.c_proj",
        Unused = [],
    };

    private QwenVlCheckpoint(QwenVlConfig config, CheckpointFolder folder)
    {
        Config = config;
        Folder = folder;
    }

    public QwenVlConfig Config { get; }

    public CheckpointFolder Folder { get; }

    /// <inheritdoc/>
    public override IEnumerable<CheckpointFolder> Parts => [Folder];

    /// <inheritdoc/>
    protected override string Name => Folder.Path;

    /// <summary>Opens a model's files and reads their headers.</summary>
    /// <param name="longest">As for <see cref="QwenVlConfig.Read"/>.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or describes what is not supported.</exception>
    public static QwenVlCheckpoint Open(string path, int longest = 0) => new(QwenVlConfig.Read(path, longest), CheckpointFolder.Open(path));

    /// <summary>Loads a model.</summary>
    /// <param name="warn">Receives a sentence about tensors that an index names in vain.</param>
    /// <param name="nf4">How the language model's maps are held in four bits; null where they are held as they are.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    public static QwenVlModel Load(
        string path,
        ScalarType dtype,
        Device device,
        Action<string> warn,
        int longest = 0,
        Nf4Settings? nf4 = null
    )
    {
        using var checkpoint = Open(path, longest);
        return checkpoint.Load(dtype, device, warn, nf4);
    }

    /// <summary>Every weight of a model by its name in the files.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Named(QwenVlModel model) =>
        [.. model.Vision.Named(Visual), .. model.Resampler.Named(Visual), .. model.Language.Named(Language, Head)];

    /// <inheritdoc/>
    public override QwenVlModel Build(ScalarType dtype, Device device, Nf4Settings? nf4 = null)
    {
        using var noGrad = no_grad();
        var vision = new VisionTransformer(
            Folder,
            Visual,
            Config.Vision,
            Config.Vision.Layers,
            keepClassToken: false,
            dtype,
            device,
            Names
        );
        return new QwenVlModel(
            Config,
            vision,
            new Resampler(Folder, Visual, Config.Resampler, dtype, device),
            new DecoderModel(Folder, Language, Head, Config.Text, dtype, device, QwenVlConfig.Names, nf4)
        );
    }
}
