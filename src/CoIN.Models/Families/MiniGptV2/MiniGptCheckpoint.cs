using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>The weight files of a MiniGPT-v2, opened, and the names of its parts in them.</summary>
internal sealed class MiniGptCheckpoint : FamilyCheckpoint<MiniGptModel>
{
    /// <summary>What stands before the tower's names in a whole model, and the other parts' there.</summary>
    public const string Tower = "visual_encoder.";
    public const string Language = "llama_model.model.";
    public const string Head = "llama_model.lm_head.weight";
    public const string NormName = "ln_vision";

    /// <summary>The projector's one map.</summary>
    public static readonly ProjectorForm Form = new(
        ["llama_proj"],
        ["llama_proj"],
        [
            ["llama_proj"],
        ]
    );

    private MiniGptCheckpoint(MiniGptSource source)
    {
        Source = source;
        Config = MiniGptConfig.Read(source);
        LanguageFiles = CheckpointFolder.Open(source.Language);
        try
        {
            VisionFiles = source.Whole ? LanguageFiles : CheckpointFolder.Open(source.VisionTower);
            StageFiles = source.Whole ? LanguageFiles : CheckpointFolder.Open(source.Checkpoint);
        }
        catch
        {
            Dispose();
            throw;
        }

        VisionPrefix = VisionPrefixIn(VisionFiles);
        (LanguagePrefix, HeadName) = source.Whole ? (Language, Head) : ("model.", "lm_head.weight");
        NormFiles = new[] { StageFiles, VisionFiles }.FirstOrDefault(part => part.Has($"{NormName}.weight"));
    }

    public MiniGptSource Source { get; }

    public MiniGptConfig Config { get; }

    public CheckpointFolder LanguageFiles { get; }

    public CheckpointFolder VisionFiles { get; } = null!;

    public CheckpointFolder StageFiles { get; } = null!;

    /// <summary>Who has the norm behind the tower; null where nobody has.</summary>
    public CheckpointFolder? NormFiles { get; }

    /// <summary>What stands before the vision tower's names.</summary>
    public string VisionPrefix { get; }

    /// <summary>What stands before the names of embeddings, layers and final norm.</summary>
    public string LanguagePrefix { get; }

    /// <summary>The output head's name.</summary>
    public string HeadName { get; }

    /// <inheritdoc/>
    public override IEnumerable<CheckpointFolder> Parts =>
        new[] { VisionFiles, StageFiles, LanguageFiles }.Where(part => part is not null).Distinct();

    /// <inheritdoc/>
    protected override string Name => Source.Name;

    /// <summary>What stands before a tower's names in a file.</summary>
    public static string VisionPrefixIn(CheckpointFolder file) => file.Has($"{Tower}{EvaSettings.Names.ClassEmbedding}") ? Tower : "";

    /// <summary>
    /// Whether a tensor of a stage's file is of the LoRA that was trained in it, which is an adapter and no part of the base model.
    /// </summary>
    public static bool IsLowRank(string name) =>
        name.Contains(".lora_A.", StringComparison.Ordinal) || name.Contains(".lora_B.", StringComparison.Ordinal);

    /// <summary>Opens a model's files and reads their headers.</summary>
    /// <exception cref="CoinException">A file is missing or damaged, or describes what is not supported.</exception>
    public static MiniGptCheckpoint Open(MiniGptSource source) => new(source);

    /// <summary>Loads a model.</summary>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    /// <param name="nf4">How the language model's maps are held in four bits; null where they are held as they are.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    public static MiniGptModel Load(MiniGptSource source, ScalarType dtype, Device device, Action<string> warn, Nf4Settings? nf4 = null)
    {
        using var checkpoint = Open(source);
        return checkpoint.Load(dtype, device, warn, nf4);
    }

    /// <inheritdoc/>
    public override MiniGptModel Build(ScalarType dtype, Device device, Nf4Settings? nf4 = null)
    {
        using var noGrad = no_grad();
        var size = Config.Vision.HiddenSize;
        var norm = NormFiles is null
            ? new LayerNorm(
                ones(size, dtype, device).DetachFromDisposeScope(),
                zeros(size, dtype, device).DetachFromDisposeScope(),
                Config.NormEps
            )
            : new LayerNorm(NormFiles, NormName, size, Config.NormEps, dtype, device);
        var model = new MiniGptModel(
            Config,
            new VisionTransformer(
                VisionFiles,
                VisionPrefix,
                Config.Vision,
                Config.VisionLayers,
                keepClassToken: false,
                dtype,
                device,
                EvaSettings.Names
            ),
            norm,
            Projector.Take(StageFiles, Form, Form.In(StageFiles), Config.ProjectorSizes, dtype, device),
            new DecoderModel(LanguageFiles, LanguagePrefix, HeadName, Config.Text, dtype, device, nf4: nf4)
        );
        if (!Source.Whole)
        {
            StageFiles.Ignore(IsLowRank);
        }

        return model;
    }

    /// <inheritdoc/>
    public override void FinishUsed(Action<string> warn)
    {
        base.FinishUsed(warn);
        if (NormFiles is null)
        {
            warn(
                $"{Source.Name}: no part holds {NormName}, the norm behind the vision tower. Its weights are ones and its biases zeros, "
                    + "as MiniGPT-4's code has them, which loads none."
            );
        }
    }

    /// <summary>A tensor's name in a whole model's folder.</summary>
    /// <returns>Null for one that such a model does not have.</returns>
    public string? WholeName(CheckpointFolder part, string name)
    {
        string? Moved(CheckpointFolder owner, string from, string to) =>
            part == owner && name.StartsWith(from, StringComparison.Ordinal) ? to + name[from.Length..] : null;
        if (name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (part.Ignored.Contains(name) && part != LanguageFiles))
        {
            return null;
        }

        return part == NormFiles && name.StartsWith($"{NormName}.", StringComparison.Ordinal) ? name
            : part == StageFiles && name.StartsWith($"{Form.Written[0]}.", StringComparison.Ordinal) ? name
            : Moved(LanguageFiles, LanguagePrefix, Language)
                ?? (part == LanguageFiles && name == HeadName ? Head : null)
                ?? Moved(VisionFiles, VisionPrefix, Tower);
    }

    /// <summary>Every weight of a model by its name in a whole model's folder.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> Named(MiniGptModel model) =>
        [
            .. model.Vision.Named(Tower),
            .. model.Norm.Named(NormName),
            ($"{Form.Written[0]}.weight", model.Projector.Parameters[0]),
            ($"{Form.Written[0]}.bias", model.Projector.Parameters[1]),
            .. model.Language.Named(Language, Head),
        ];
}
