using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>The weight files of a LLaVA model, opened, and the names of its parts in them.</summary>
internal sealed class LlavaCheckpoint : FamilyCheckpoint<LlavaModel>
{
    /// <summary>What stands before the names of the language model in the hub's LLaVA folders, and its head.</summary>
    private static readonly (string Language, string Head)[] HubLanguages =
    [
        (HubLanguage, HubHead),
        ("model.language_model.", "lm_head.weight"),
    ];

    /// <summary>What stands before the vision tower's names there: transformers 5 leaves <c>vision_model</c> out.</summary>
    private static readonly string[] HubVisions = [HubVision, "model.vision_tower.vision_model.", "vision_tower.", FrozenTower];

    private const string FrozenTower = "model.vision_tower.";
    private const string HubVision = "vision_tower.vision_model.";
    private const string HubLanguage = "language_model.model.";
    private const string HubHead = "language_model.lm_head.weight";
    private const string HubProjector = "multi_modal_projector.linear_";

    private LlavaCheckpoint(LlavaSource source)
    {
        Source = source;
        Config = LlavaConfig.Read(source);
        Language = CheckpointFolder.Open(source.Language);
        try
        {
            Vision = source.Layout == LlavaLayout.Hub ? Language : CheckpointFolder.Open(source.VisionTower);
            Projector = source.Projector is null ? Language : CheckpointFolder.Open(source.Projector);
        }
        catch
        {
            Dispose();
            throw;
        }

        var hub = source.Layout == LlavaLayout.Hub;
        (LanguagePrefix, Head) = hub
            ? HubLanguages.FirstOrDefault(names => Language.Has($"{names.Language}embed_tokens.weight"), HubLanguages[0])
            : ("model.", "lm_head.weight");
        string[] visions = hub ? HubVisions : ["vision_model.", ""];
        VisionPrefix = visions.FirstOrDefault(prefix => Vision.Has($"{prefix}{VisionNames.Clip.ClassEmbedding}"), visions[0]);
        ProjectorNames = ProjectorForm.Llava.In(Projector);
    }

    public LlavaSource Source { get; }

    public LlavaConfig Config { get; }

    public CheckpointFolder Language { get; }

    public CheckpointFolder Vision { get; } = null!;

    public CheckpointFolder Projector { get; } = null!;

    /// <summary>What stands before the vision tower's names.</summary>
    public string VisionPrefix { get; }

    /// <summary>What stands before the names of embeddings, layers and final norm.</summary>
    public string LanguagePrefix { get; }

    /// <summary>The output head's name.</summary>
    public string Head { get; }

    /// <summary>The names of the projector's two maps.</summary>
    public IReadOnlyList<string> ProjectorNames { get; }

    /// <inheritdoc/>
    public override IEnumerable<CheckpointFolder> Parts => new[] { Vision, Projector, Language }.Where(part => part is not null).Distinct();

    /// <inheritdoc/>
    protected override string Name => Source.Name;

    /// <summary>Opens a model's files and reads their headers.</summary>
    /// <exception cref="CoinException">A file is missing or damaged, or describes what is not supported.</exception>
    public static LlavaCheckpoint Open(LlavaSource source) => new(source);

    /// <summary>Loads a model folder of any layout.</summary>
    public static LlavaModel Load(string path, ScalarType dtype, Device device, Action<string> warn) =>
        Load(LlavaSource.Of(path), dtype, device, warn);

    /// <summary>Loads a model.</summary>
    /// <param name="warn">Receives a sentence about tensors that an index names in vain.</param>
    /// <param name="nf4">How the language model's maps are held in four bits; null where they are held as they are.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    public static LlavaModel Load(LlavaSource source, ScalarType dtype, Device device, Action<string> warn, Nf4Settings? nf4 = null)
    {
        using var checkpoint = Open(source);
        return checkpoint.Load(dtype, device, warn, nf4);
    }

    /// <inheritdoc/>
    public override LlavaModel Build(ScalarType dtype, Device device, Nf4Settings? nf4 = null)
    {
        using var noGrad = no_grad();
        var model = new LlavaModel(
            Config,
            new VisionTransformer(Vision, VisionPrefix, Config.Vision, Config.VisionLayers, Config.KeepClassToken, dtype, device),
            Modules.Projector.Take(
                Projector,
                ProjectorForm.Llava,
                ProjectorNames,
                Config.ProjectorSizes,
                dtype,
                device,
                Config.ProjectorBias
            ),
            new DecoderModel(Language, LanguagePrefix, Head, Config.Text, dtype, device, nf4: nf4)
        );
        if (Source.Layout != LlavaLayout.Hub)
        {
            // A whole CLIP has a text tower too, which LLaVA does not use.
            Vision.Ignore(name => !name.StartsWith(VisionPrefix, StringComparison.Ordinal));
        }

        if (Source.Layout == LlavaLayout.Original)
        {
            // LLaVA saves its frozen tower too, and loads CLIP's own.
            Language.Ignore(name => name.StartsWith(FrozenTower, StringComparison.Ordinal));
        }

        return model;
    }

    /// <summary>A tensor's name in the older hub layout.</summary>
    /// <returns>Null for one that the hub's model does not have.</returns>
    public string? HubName(CheckpointFolder part, string name)
    {
        string? Moved(CheckpointFolder owner, string from, string to) =>
            part == owner && name.StartsWith(from, StringComparison.Ordinal) ? to + name[from.Length..] : null;
        var isCopy = Source.Layout == LlavaLayout.Original && part == Language && name.StartsWith(FrozenTower, StringComparison.Ordinal);
        return
            isCopy
            || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)
            || name.EndsWith(".position_ids", StringComparison.Ordinal)
            ? null
            : Moved(Vision, VisionPrefix, HubVision)
                ?? Moved(Projector, $"{ProjectorNames[0]}.", $"{HubProjector}1.")
                ?? Moved(Projector, $"{ProjectorNames[1]}.", $"{HubProjector}2.")
                ?? Moved(Language, LanguagePrefix, HubLanguage)
                ?? (part == Language && name == Head ? HubHead : null);
    }

    /// <summary>Every weight of a model by its name in the older hub layout.</summary>
    public static IEnumerable<(string Name, Tensor Tensor)> HubNamed(LlavaModel model)
    {
        string[] projector = ["1.weight", "1.bias", "2.weight", "2.bias"];
        return
        [
            .. model.Vision.Named(HubVision),
            .. projector.Zip(model.Projector.Parameters, (name, tensor) => ($"{HubProjector}{name}", tensor)),
            .. model.Language.Named(HubLanguage, HubHead),
        ];
    }
}
