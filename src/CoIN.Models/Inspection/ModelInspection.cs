using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Inspection;

/// <summary>Tells what a model folder, an adapter or a file of tensors holds. Reads configurations and headers only.</summary>
public static class ModelInspection
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    /// <summary>Describes a model.</summary>
    /// <param name="options">Where it is: <see cref="ModelOptions.Path"/> may also be an adapter's folder, another model's folder or a single file.</param>
    /// <returns>Lines for people.</returns>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    public static IReadOnlyList<string> Describe(ModelOptions options)
    {
        var path = options.Path;
        if (path.Length > 0 && options.VisionTower is null && (File.Exists(path) || !IsLlava(path)))
        {
            return Directory.Exists(path) && PeftWeights.IsAdapter(path) ? Adapter(path) : Tensors(path);
        }

        return Llava(LlavaSource.Of(options));
    }

    /// <summary>Whether a folder is a whole LLaVA model, of any layout; else its tensors are described for themselves.</summary>
    private static bool IsLlava(string path)
    {
        var config = Path.Combine(path, "config.json");
        if (!File.Exists(config))
        {
            return Directory.Exists(Path.Combine(path, "llama"));
        }

        var json = LlavaConfig.ReadJson(config);
        return json["model_type"]?.ToString() is "llava" or "llava_llama" || json["mm_projector_type"] is not null;
    }

    private static List<string> Llava(LlavaSource source)
    {
        using var checkpoint = LlavaCheckpoint.Open(source);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        var (vision, text) = (checkpoint.Config.Vision, checkpoint.Config.Text);
        var layout = source.Layout switch
        {
            LlavaLayout.Hub => "Hugging Face's layout",
            LlavaLayout.Parts => "CoIN's parts",
            _ => "LLaVA's own layout",
        };
        long[] loaded = [Count(model.Vision.Parameters()), Count(model.Projector.Parameters), Count(model.Language.Parameters())];
        var stored = checkpoint.Parts.SelectMany(part => part.Names.Select(name => (Part: PartOf(checkpoint, part, name), Tensor: part.Describe(name)))).ToLookup(pair => pair.Part, pair => pair.Tensor);
        string[] parts = ["vision tower", "projector", "language model"];
        return
        [
            $"{source.Name}: LLaVA, {layout}",
            Say($"  vision tower    CLIP, {vision.Layers} layers of {vision.HiddenSize}, {vision.Heads} heads, {vision.ImageSize} pixels in patches of {vision.PatchSize}: {checkpoint.Config.ImageTokens} image tokens from layer {checkpoint.Config.FeatureLayer}"),
            Say($"  projector       {vision.HiddenSize} to {text.HiddenSize} to {text.HiddenSize}"),
            Say($"  language model  LLaMA, {text.Layers} layers of {text.HiddenSize}, {text.Heads} heads ({text.KeyValueHeads} of keys), vocabulary {text.VocabularySize}, {text.MaxPositions} positions"),
            "",
            "                       parameters  stored as           on disk",
            .. parts.Select((part, i) => Row(part, loaded[i], [.. stored[part]])),
            Row("together", loaded.Sum(), [.. stored.SelectMany(group => group)]),
            "  memory of the weights: " + Memory(loaded.Sum()),
            .. Account(checkpoint),
        ];
    }

    /// <summary>Missing, left over and not needed.</summary>
    private static IEnumerable<string> Account(LlavaCheckpoint checkpoint)
    {
        var whole = true;
        foreach (var part in checkpoint.Parts)
        {
            string? fault = null;
            IReadOnlyList<string> unused = [];
            try
            {
                unused = part.Finish();
            }
            catch (CoinException e)
            {
                fault = e.Message;
            }

            if (fault is not null)
            {
                whole = false;
                yield return $"  missing: {fault}";
            }

            if (unused.Count > 0)
            {
                yield return $"  not used, {unused.Count} of {part.Path}: {NameList.Of(unused)}";
            }

            if (part.Ignored.ToList() is { Count: > 0 } ignored)
            {
                yield return $"  known and not needed, {ignored.Count} of {part.Path}: {NameList.Of(ignored)}";
            }
        }

        if (whole)
        {
            yield return "  no tensor is missing";
        }
    }

    private static List<string> Adapter(string folder)
    {
        using var adapter = PeftWeights.Open(folder);
        var tensors = adapter.Weights.Names.Select(adapter.Weights.Describe).ToList();
        var projector = adapter.Projector?.Names.Select(adapter.Projector.Describe).ToList() ?? [];
        var parameters = Elements(tensors) + Elements(projector);
        return
        [
            $"{folder}: LoRA adapter in PEFT's format",
            Say($"  rank {adapter.Config.Rank}, alpha {adapter.Config.Alpha:0.###}, trained for {adapter.Config.BaseModel ?? "a model it does not name"}"),
            $"  modules {adapter.Config.Targets}",
            "",
            "                       parameters  stored as           on disk",
            Row("low-rank", Elements(tensors), tensors),
            .. projector.Count > 0 ? new[] { Row("projector", Elements(projector), projector) } : ["  no projector beside it"],
            "  memory when trained: " + Say($"{Size(parameters * 16)} (float32 with gradients and two moments)"),
            $"  tensors: {NameList.Of(adapter.Weights.Names.Order(StringComparer.Ordinal))}",
        ];
    }

    private static List<string> Tensors(string path)
    {
        using var file = CheckpointFolder.Open(path);
        var tensors = file.Names.Select(file.Describe).ToList();
        var config = Path.Combine(path, "config.json");
        var type = File.Exists(config) ? LlavaConfig.ReadJson(config)["model_type"]?.ToString() : null;
        return
        [
            $"{path}: {(type is null ? "" : $"model of type {type}, ")}{tensors.Count} tensors",
            "                       parameters  stored as           on disk",
            Row("together", Elements(tensors), tensors),
            "  memory of the weights: " + Memory(Elements(tensors)),
            $"  tensors: {NameList.Of(file.Names.Order(StringComparer.Ordinal))}",
        ];
    }

    private static string PartOf(LlavaCheckpoint checkpoint, CheckpointFolder part, string name)
    {
        var projector = checkpoint.ProjectorNames;
        if (part == checkpoint.Projector && (name.StartsWith($"{projector.First}.", StringComparison.Ordinal) || name.StartsWith($"{projector.Second}.", StringComparison.Ordinal)))
        {
            return "projector";
        }

        return part == checkpoint.Vision && (part != checkpoint.Language || name.StartsWith(checkpoint.VisionPrefix, StringComparison.Ordinal)) ? "vision tower" : "language model";
    }

    private static string Row(string part, long parameters, IReadOnlyList<TensorDescription> tensors)
    {
        var types = string.Join(", ", tensors.Select(tensor => tensor.Dtype).Distinct().Order().Select(type => type.ToString().ToLowerInvariant()));
        var bytes = tensors.Sum(tensor => tensor.Elements * SafetensorsHeader.ElementSize(tensor.Dtype));
        return Say($"  {part,-15} {parameters,15:N0}  {types,-16} {Size(bytes),10}");
    }

    private static string Memory(long parameters) => Say($"{Size(parameters * 4)} as float32, {Size(parameters * 2)} as bfloat16 or float16");

    private static string Size(long bytes) => bytes switch
    {
        >= 1_000_000_000 => Say($"{bytes / 1e9:0.0} GB"),
        >= 1_000_000 => Say($"{bytes / 1e6:0.0} MB"),
        _ => Say($"{bytes / 1e3:0.0} kB"),
    };

    private static long Elements(IEnumerable<TensorDescription> tensors) => tensors.Sum(tensor => tensor.Elements);

    private static long Count(IEnumerable<Tensor> tensors) => tensors.Sum(tensor => tensor.numel());

    private static string Say(FormattableString text) => text.ToString(Plain);
}
