using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>MiniGPT-v2, in the parts that MiniGPT-4's code has, or in one folder.</summary>
internal sealed class MiniGptFamily : IModelFamily
{
    /// <inheritdoc/>
    public string Name => "MiniGPT-v2";

    /// <inheritdoc/>
    public IReadOnlyList<string> Conversations => ["minigpt-v2"];

    /// <inheritdoc/>
    public bool Recognizes(ModelOptions model) => MiniGptSource.Recognizes(model);

    /// <inheritdoc/>
    public IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn)
    {
        if (
            problems.Try(() => MiniGptSource.Of(model), "coin.model.path") is not { } source
            || !ModelFiles.Readable(WeightsOf(source), problems)
        )
        {
            return null;
        }

        var (config, _) = MiniGptSettings.Read(source, problems);
        if (config is null)
        {
            return null;
        }

        LongSequences.Warn(config.Text, model.MaxLength, warn);
        return problems.Try(() => Outline(source, ModelFiles.Nf4Of(model), problems, warn));
    }

    /// <inheritdoc/>
    public ModelShape Shape(ModelOptions model) => MiniGptConfig.Read(MiniGptSource.Of(model)).Shape;

    /// <inheritdoc/>
    /// <remarks>Where a folder is missing or is another model's, who reads it says so.</remarks>
    public bool HasWeights(ModelOptions model) =>
        new Problems().Try(() => MiniGptSource.Of(model)) is not { } source || WeightFiles.AreIn(source.Language);

    /// <inheritdoc/>
    /// <remarks>As for weights.</remarks>
    public bool HasTokenizer(ModelOptions model) =>
        new Problems().Try(() => MiniGptSource.Of(model)) is not { } source || LlamaTokenizers.FileOf(source.Language) is not null;

    /// <inheritdoc/>
    public IPrompts? PromptsIfThere(ModelOptions model) => HasTokenizer(model) ? Read(model).Prompts(model) : null;

    /// <inheritdoc/>
    public IModelSettings Read(ModelOptions model) => MiniGptSettings.Read(MiniGptSource.Of(model));

    /// <inheritdoc/>
    public string SourceOf(ModelOptions model) => MiniGptSource.Of(model).Name;

    /// <inheritdoc/>
    public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn)
    {
        var source = MiniGptSource.Of(model);
        var settings = MiniGptSettings.Read(source);
        var (loaded, sha256) = HashedLoad.Run(
            stop => ModelFiles.Hash(WeightsOf(source), source.Roots, stop),
            () => MiniGptCheckpoint.Load(source, dtype, device, warn, ModelFiles.Nf4Of(model))
        );
        return new LoadedModel(loaded, settings, sha256);
    }

    /// <inheritdoc/>
    public string? AdapterWithin(ModelOptions model) =>
        MiniGptSource.Of(model) is { Whole: false } source && TensorFiles.Open(source.Checkpoint) is var file && Holds(file)
            ? source.Checkpoint
            : null;

    /// <inheritdoc/>
    public IReadOnlyList<string> Inspect(ModelOptions model) => MiniGptInspection.Describe(MiniGptSource.Of(model) with { Longest = 0 });

    /// <inheritdoc/>
    public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell) =>
        MiniGptMerge.Write(adapter, MiniGptSource.Of(model) with { Longest = 0 }, output, dtype, tell);

    private static IEnumerable<string> WeightsOf(MiniGptSource source) =>
        new[] { source.Language, source.VisionTower, source.Checkpoint }.Distinct();

    private static bool Holds(ITensorFile file)
    {
        using (file)
        {
            return file.Names.Any(MiniGptCheckpoint.IsLowRank);
        }
    }

    /// <summary>The model without values.</summary>
    private static MiniGptModel Outline(MiniGptSource source, Nf4Settings? nf4, Problems problems, Action<string> warn)
    {
        using var checkpoint = MiniGptCheckpoint.Open(source);
        var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), nf4);
        problems.Try(() => checkpoint.FinishUsed(warn));
        return model;
    }
}
