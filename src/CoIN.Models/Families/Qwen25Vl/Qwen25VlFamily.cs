using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Settings;
using CoIN.Models.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>Qwen2.5-VL as the hub has it, or as transformers 5 saves it: one folder.</summary>
internal sealed class Qwen25VlFamily : IModelFamily
{
    /// <summary>Where no file and no option says how large a picture may be (transformers' own default).</summary>
    private const int UsualPositions = 1280;

    /// <inheritdoc/>
    public string Name => "Qwen2.5-VL";

    /// <inheritdoc/>
    public IReadOnlyList<string> Conversations => ["chatml"];

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
            return SettingsFile.Json(config)["model_type"]?.ToString() == Qwen25VlConfig.ModelType;
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
        var settings = Qwen25VlSettings.Read(model, problems);
        var readable = ModelFiles.Readable([model.Path], problems);
        if (settings is { Pictures: Qwen25VlPictures pictures } && pictures.MostPositions >= model.MaxLength)
        {
            warn(
                $"A picture may have {pictures.MostPositions} positions (max_pixels), and model.max-length is {model.MaxLength}: a larger one ends the run, or is cut in training. "
                    + $"model.max-pixels={(long)model.MaxLength / 2 * pictures.Factor * pictures.Factor} makes pictures smaller."
            );
        }

        return settings is null || !readable
            ? null
            : problems.Try(() =>
            {
                using var checkpoint = Qwen25VlCheckpoint.Open(model.Path, model.MaxLength);
                var outline = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), ModelFiles.Nf4Of(model));
                problems.Try(() => checkpoint.FinishUsed(warn));
                return outline;
            });
    }

    /// <inheritdoc/>
    public ModelShape Shape(ModelOptions model)
    {
        var config = Qwen25VlConfig.Read(model.Path, model.MaxLength);
        var positions =
            ImageSettings.FilesOf(model.Path).Count > 0
                ? Qwen25VlPictures.Read(model.Path, config.Vision, model.MaxPixels).MostPositions
                : model.MaxPixels / (config.Vision.MergedSize * config.Vision.MergedSize) ?? UsualPositions;
        return Qwen25VlSettings.ShapeOf(config, positions, model.MaxLength);
    }

    /// <inheritdoc/>
    public bool HasWeights(ModelOptions model) => WeightFiles.AreIn(model.Path);

    /// <inheritdoc/>
    public bool HasTokenizer(ModelOptions model) => Qwen2Vocabulary.IsIn(model.Path);

    /// <inheritdoc/>
    public IPrompts? PromptsIfThere(ModelOptions model) => HasTokenizer(model) ? Read(model).Prompts(model) : null;

    /// <inheritdoc/>
    public IPictureProcessor? SizedPictures(ModelOptions model) => Read(model).Pictures;

    /// <inheritdoc/>
    public IModelSettings Read(ModelOptions model) => Qwen25VlSettings.Read(model);

    /// <inheritdoc/>
    public string SourceOf(ModelOptions model) => model.Path;

    /// <inheritdoc/>
    public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn)
    {
        var settings = Qwen25VlSettings.Read(model);
        var (loaded, sha256) = HashedLoad.Run(
            stop => ModelFiles.Hash([model.Path], [(model.Path, "")], stop, "merges.txt", "chat_template.jinja"),
            () => Qwen25VlCheckpoint.Load(model.Path, dtype, device, warn, model.MaxLength, ModelFiles.Nf4Of(model))
        );
        return new LoadedModel(loaded, settings, sha256);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Inspect(ModelOptions model) => Qwen25VlInspection.Describe(model.Path);

    /// <inheritdoc/>
    public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell)
    {
        using var checkpoint = Qwen25VlCheckpoint.Open(model.Path);
        using var shapes = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        new FolderMerge(model.Path, checkpoint.Folder, shapes.Language, $"{checkpoint.Language}layers.", checkpoint.FinishUsed).Write(
            adapter,
            output,
            dtype,
            tell
        );
    }
}
