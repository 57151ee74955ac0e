using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>Merges into a folder of the same layout as the model's, which is one folder; what lies beside its weights is copied.</summary>
/// <param name="path">The model's folder.</param>
/// <param name="weights">Its weights, opened and used by <paramref name="language"/>'s model.</param>
/// <param name="finishUsed">Settles their account.</param>
/// <param name="layers">As for <see cref="Layers"/>.</param>
internal sealed class FolderMerge(
    string path,
    CheckpointFolder weights,
    DecoderModel language,
    string layers,
    Action<Action<string>> finishUsed
) : AdapterMerge
{
    /// <summary>Changes the configuration for weights of a type, beyond the keys that transformers has for it.</summary>
    public Action<JObject, ScalarType>? SayType { get; init; }

    /// <inheritdoc/>
    protected override IEnumerable<CheckpointFolder> Parts => [weights];

    /// <inheritdoc/>
    protected override CheckpointFolder Language => weights;

    /// <inheritdoc/>
    protected override string Layers => layers;

    /// <inheritdoc/>
    protected override DecoderModel Shapes => language;

    /// <inheritdoc/>
    protected override string Typical => weights.Names.First(IsMap);

    /// <inheritdoc/>
    protected override void FinishUsed(Action<string> tell) => finishUsed(tell);

    /// <inheritdoc/>
    protected override void WriteBeside(string folder, ScalarType dtype)
    {
        var json = SettingsFile.Json(Path.Combine(path, "config.json"));
        SayDtype(json, dtype);
        SayType?.Invoke(json, dtype);
        Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
        var left = WeightFiles
            .Locate(path)
            .All.Select(Path.GetFullPath)
            .Append(Path.GetFullPath(Path.Combine(path, "config.json")))
            .ToHashSet(StringComparer.Ordinal);
        Copy(Directory.EnumerateFiles(path).Where(file => !left.Contains(Path.GetFullPath(file)) && !IsWeights(file)), folder);
    }

    /// <summary>Whether a tensor is a matrix of a layer.</summary>
    private bool IsMap(string name) =>
        name.StartsWith(layers, StringComparison.Ordinal)
        && name.EndsWith(".weight", StringComparison.Ordinal)
        && weights.Describe(name).Shape.Count == 2;

    /// <summary>Weights of another format beside those that were read, which would not be the merged ones.</summary>
    private static bool IsWeights(string file) =>
        Path.GetExtension(file) is ".bin" or ".safetensors" or ".pt" or ".pth" || file.EndsWith(".index.json", StringComparison.Ordinal);
}
