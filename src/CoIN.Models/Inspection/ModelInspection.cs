using System.Globalization;
using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Settings;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Inspection;

/// <summary>Tells what a model folder, an adapter or a file of tensors holds. Reads configurations and headers only.</summary>
public static partial class ModelInspection
{
    /// <summary>Describes a model.</summary>
    /// <param name="options">
    /// Where it is: <see cref="ModelOptions.Path"/> may also be an adapter's folder, another model's folder or a single file.
    /// </param>
    /// <returns>Lines for people.</returns>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    public static IReadOnlyList<string> Describe(ModelOptions options)
    {
        var path = options.Path;
        if (path.Length > 0 && options.VisionTower is null && (File.Exists(path) || ModelFamilies.Find(options) is null))
        {
            return Directory.Exists(path) && PeftWeights.IsAdapter(path) ? Adapter(path) : Tensors(path);
        }

        return ModelFamilies.Of(options).Inspect(options);
    }

    private static List<string> Adapter(string folder)
    {
        using var adapter = PeftWeights.Open(folder);
        var tensors = adapter.Weights.Names.Select(adapter.Weights.Describe).ToList();
        var projector = adapter.Projector?.Names.Select(adapter.Projector.Describe).ToList() ?? [];
        var parameters = TensorTable.Elements(tensors) + TensorTable.Elements(projector);
        return
        [
            adapter.Config.Experts is { } experts
                ? $"{folder}: MoELoRA adapter in the format of CoIN's PEFT, {experts} experts of rank {adapter.Config.Rank / experts}"
                : $"{folder}: LoRA adapter in PEFT's format",
            TensorTable.Say(
                $"  rank {adapter.Config.Rank}, alpha {adapter.Config.Alpha:0.###}, trained for {adapter.Config.BaseModel ?? "a model it does not name"}"
            ),
            $"  modules {adapter.Config.Targets}",
            "",
            TensorTable.Heading,
            TensorTable.Row(adapter.Config.Experts is null ? "low-rank" : "experts", TensorTable.Elements(tensors), tensors),
            .. projector.Count > 0
                ? new[] { TensorTable.Row("projector", TensorTable.Elements(projector), projector) }
                : ["  no projector beside it"],
            "  memory when trained: " + $"{ByteSize.Text(parameters * 16)} (float32 with gradients and two moments)",
            $"  tensors: {NameList.Of(Folded(adapter.Weights.Names, adapter.Config.Experts).Order(StringComparer.Ordinal))}",
        ];
    }

    /// <summary>Names of which one stands for all experts, where all are there.</summary>
    private static IEnumerable<string> Folded(IEnumerable<string> names, int? experts) =>
        names
            .GroupBy(name => ExpertNumber().Replace(name, $"$1{{0-{experts - 1}}}."))
            .SelectMany(group => experts > 1 && group.Count() == experts ? [group.Key] : group.AsEnumerable());

    [GeneratedRegex(@"(\.lora[AB]\.)\d+\.")]
    private static partial Regex ExpertNumber();

    private static List<string> Tensors(string path)
    {
        using var file = CheckpointFolder.Open(path);
        var tensors = file.Names.Select(file.Describe).ToList();
        var config = Path.Combine(path, "config.json");
        var type = File.Exists(config) ? SettingsFile.Json(config)["model_type"]?.ToString() : null;
        return
        [
            $"{path}: {(type is null ? "" : $"model of type {type}, ")}{tensors.Count} tensors",
            TensorTable.Heading,
            TensorTable.Row("together", TensorTable.Elements(tensors), tensors),
            "  memory of the weights: " + TensorTable.Memory(TensorTable.Elements(tensors)),
            $"  tensors: {NameList.Of(file.Names.Order(StringComparer.Ordinal))}",
        ];
    }
}
