using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>LLaVA-1.5, in any of its layouts.</summary>
internal sealed class LlavaFamily : IModelFamily
{
    /// <inheritdoc/>
    public string Name => "LLaVA";

    /// <inheritdoc/>
    public IReadOnlyList<string> Conversations => ConversationTemplates.Names;

    /// <inheritdoc/>
    public bool Recognizes(ModelOptions model) => LlavaSource.Recognizes(model);

    /// <inheritdoc/>
    public IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn)
    {
        if (problems.Try(() => LlavaSource.Of(model), "coin.model.path") is not { } source)
        {
            return null;
        }

        var (config, _, _) = LlavaSettings.Read(source, problems, warn);
        if (config is not null)
        {
            LongSequences.Warn(config.Text, model.MaxLength, warn);
        }

        var whole = ModelFiles.Readable(WeightsOf(source), problems);
        return whole && config is not null ? problems.Try(() => Outline(source, ModelFiles.Nf4Of(model), problems, warn)) : null;
    }

    /// <inheritdoc/>
    public ModelShape Shape(ModelOptions model) => LlavaConfig.Read(LlavaSource.Of(model)).Shape;

    /// <inheritdoc/>
    /// <remarks>Where a folder is missing or is another model's, who reads it says so.</remarks>
    public bool HasWeights(ModelOptions model) =>
        new Problems().Try(() => LlavaSource.Of(model)) is not { } source || WeightFiles.AreIn(source.Language);

    /// <inheritdoc/>
    /// <remarks>As for weights.</remarks>
    public bool HasTokenizer(ModelOptions model) =>
        new Problems().Try(() => LlavaSource.Of(model)) is not { } source || LlamaTokenizers.FileOf(source.Language) is not null;

    /// <inheritdoc/>
    public IPrompts? PromptsIfThere(ModelOptions model) => HasTokenizer(model) ? LlavaSettings.Prompts(LlavaSource.Of(model), model) : null;

    /// <inheritdoc/>
    public IModelSettings Read(ModelOptions model) => LlavaSettings.Read(LlavaSource.Of(model));

    /// <inheritdoc/>
    public string SourceOf(ModelOptions model) => LlavaSource.Of(model).Name;

    /// <inheritdoc/>
    public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn)
    {
        var source = LlavaSource.Of(model);
        var settings = LlavaSettings.Read(source);
        var (loaded, sha256) = HashedLoad.Run(
            stop => ModelFiles.Hash(WeightsOf(source), source.Roots, stop),
            () => LlavaCheckpoint.Load(source, dtype, device, warn, ModelFiles.Nf4Of(model))
        );
        return new LoadedModel(loaded, settings, sha256);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Inspect(ModelOptions model) => LlavaInspection.Describe(LlavaSource.Of(model) with { Longest = 0 });

    /// <inheritdoc/>
    public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell) =>
        LlavaMerge.Write(adapter, model, output, dtype, tell);

    private static IEnumerable<string> WeightsOf(LlavaSource source) =>
        new[] { source.Language, source.VisionTower, source.Projector }.OfType<string>();

    /// <summary>The model without values.</summary>
    private static LlavaModel Outline(LlavaSource source, Nf4Settings? nf4, Problems problems, Action<string> warn)
    {
        using var checkpoint = LlavaCheckpoint.Open(source);
        var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), nf4);
        problems.Try(() => checkpoint.FinishUsed(warn));
        return model;
    }
}
