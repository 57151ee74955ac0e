using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Sequences;
using CoIN.Models.Settings;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>Qwen-VL and Qwen-VL-Chat, as their own code saves them: one folder with <c>qwen.tiktoken</c>.</summary>
internal sealed class QwenVlFamily : IModelFamily
{
    /// <inheritdoc/>
    public string Name => "Qwen-VL";

    /// <inheritdoc/>
    public IReadOnlyList<string> Conversations => ["chatml"];

    /// <inheritdoc/>
    public bool HasReferencePrompt => true;

    /// <inheritdoc/>
    public bool SeveralPictures => true;

    /// <inheritdoc/>
    public bool Recognizes(ModelOptions model)
    {
        var config = Path.Combine(model.Path, "config.json");
        if (model.Path.Length == 0 || model.VisionTower is not null || !File.Exists(config))
        {
            return false;
        }

        try
        {
            return SettingsFile.Json(config)["model_type"]?.ToString() == "qwen";
        }
        catch (CoinException)
        {
            // What is wrong with it is said by who reads it.
            return false;
        }
    }

    /// <inheritdoc/>
    public IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn)
    {
        var (config, _) = QwenVlSettings.Read(model, problems);
        return !ModelFiles.Readable([model.Path], problems) || config is null
            ? null
            : problems.Try(() =>
            {
                using var checkpoint = QwenVlCheckpoint.Open(model.Path, model.MaxLength);
                var outline = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), ModelFiles.Nf4Of(model));
                problems.Try(() => checkpoint.FinishUsed(warn));
                return outline;
            });
    }

    /// <inheritdoc/>
    public ModelShape Shape(ModelOptions model) => QwenVlConfig.Read(model.Path, model.MaxLength).Shape;

    /// <inheritdoc/>
    public bool HasWeights(ModelOptions model) => WeightFiles.AreIn(model.Path);

    /// <inheritdoc/>
    public bool HasTokenizer(ModelOptions model) => File.Exists(Path.Combine(model.Path, QwenVlTokenizer.FileName));

    /// <inheritdoc/>
    public IPrompts? PromptsIfThere(ModelOptions model) => HasTokenizer(model) ? Read(model).Prompts(model) : null;

    /// <inheritdoc/>
    public IModelSettings Read(ModelOptions model) => QwenVlSettings.Read(model);

    /// <inheritdoc/>
    public string SourceOf(ModelOptions model) => model.Path;

    /// <inheritdoc/>
    public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn)
    {
        var settings = QwenVlSettings.Read(model);
        var (loaded, sha256) = HashedLoad.Run(
            stop => ModelFiles.Hash([model.Path], [(model.Path, "")], stop),
            () => QwenVlCheckpoint.Load(model.Path, dtype, device, warn, model.MaxLength, ModelFiles.Nf4Of(model))
        );
        return new LoadedModel(loaded, settings, sha256);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Inspect(ModelOptions model) => QwenVlInspection.Describe(model.Path);

    /// <inheritdoc/>
    public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell) =>
        QwenVlMerge.Write(adapter, model.Path, output, dtype, tell);
}
