using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>
/// The weight files of a Qwen2.5-VL, opened, and the names of its parts in them: the hub's, or those of transformers' module tree.
/// </summary>
internal sealed class Qwen25VlCheckpoint : FamilyCheckpoint<Qwen25VlModel>
{
    public const string Head = "lm_head.weight";

    private Qwen25VlCheckpoint(Qwen25VlConfig config, CheckpointFolder folder)
    {
        Config = config;
        Folder = folder;
        var tree = folder.Has("model.language_model.embed_tokens.weight");
        (Language, Visual) = tree ? ("model.language_model.", "model.visual.") : ("model.", "visual.");
    }

    public Qwen25VlConfig Config { get; }

    public CheckpointFolder Folder { get; }

    /// <inheritdoc/>
    public override IEnumerable<CheckpointFolder> Parts => [Folder];

    /// <inheritdoc/>
    protected override string Name => Folder.Path;

    /// <summary>What stands before the language model's names.</summary>
    public string Language { get; }

    /// <summary>What stands before the vision tower's names.</summary>
    public string Visual { get; }

    /// <summary>Opens a model's files and reads their headers.</summary>
    /// <param name="longest">As for <see cref="Qwen25VlConfig.Read"/>.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or describes what is not supported.</exception>
    public static Qwen25VlCheckpoint Open(string path, int longest = 0) =>
        new(Qwen25VlConfig.Read(path, longest), CheckpointFolder.Open(path));

    /// <summary>Loads a model.</summary>
    /// <param name="warn">Receives a sentence about tensors that an index names in vain.</param>
    /// <param name="nf4">How the language model's maps are held in four bits; null where they are held as they are.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    public static Qwen25VlModel Load(
        string path,
        ScalarType dtype,
        Device device,
        Action<string> warn,
        int longest,
        Nf4Settings? nf4 = null
    )
    {
        using var checkpoint = Open(path, longest);
        return checkpoint.Load(dtype, device, warn, nf4);
    }

    /// <summary>Every weight of a model by its name in the hub's files.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Named(Qwen25VlModel model) =>
        [.. model.Vision.Named(), .. model.Language.Named("model.", Head)];

    /// <inheritdoc/>
    public override Qwen25VlModel Build(ScalarType dtype, Device device, Nf4Settings? nf4 = null)
    {
        using var noGrad = no_grad();
        return new Qwen25VlModel(
            Config,
            new GridVision(Folder, Visual, Config.Vision, dtype, device),
            new DecoderModel(Folder, Language, Head, Config.Text, dtype, device, nf4: nf4)
        );
    }
}
