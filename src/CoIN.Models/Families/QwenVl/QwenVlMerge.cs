using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Settings;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>
/// Folds an adapter into a Qwen-VL and writes the result as a folder of the same layout, tensor by tensor; what the adapter does not touch
/// is copied as it is, and so is what lies beside the weights.
/// </summary>
internal static class QwenVlMerge
{
    private const long LargestShard = 5_000_000_000;

    private sealed record LinearShape(int Layer, string Part, int In, int Out);

    /// <summary>Writes the merged folder, whole or not at all.</summary>
    /// <inheritdoc cref="IModelFamily.Merge"/>
    /// <param name="folder">The adapter, in PEFT's format.</param>
    /// <param name="path">The base model.</param>
    public static void Write(string folder, string path, string output, string? dtypeName, Action<string> tell)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new CoinException($"{output} exists and is not empty. Name a new folder for the merged model.");
        }

        using var noGrad = no_grad();
        using var checkpoint = QwenVlCheckpoint.Open(path);
        using var adapter = PeftWeights.Open(folder);
        adapter.Config.RequireLora();
        var weights = checkpoint.Folder;
        var dtype = dtypeName is null
            ? weights.Has($"{QwenVlCheckpoint.Language}wte.weight") ? weights.Describe($"{QwenVlCheckpoint.Language}wte.weight").Dtype : ScalarType.Float32
            : TorchNames.Dtype(dtypeName);
        var linears = Linears(checkpoint);
        CheckAdapter(adapter, linears.Values);
        checkpoint.FinishUsed(tell);
        var tensors = weights.Names.ToDictionary(name => name, name => Pending(weights, name, dtype, linears.GetValueOrDefault(name), adapter), StringComparer.Ordinal);
        Durable.WriteFolder(output, temporary =>
        {
            ShardedCheckpoint.Write(temporary, tensors, LargestShard);
            WriteConfig(path, temporary, dtype);
            var located = WeightFiles.Locate(path);
            var left = located.All.Select(Path.GetFullPath).Append(Path.GetFullPath(Path.Combine(path, "config.json"))).ToHashSet(StringComparer.Ordinal);
            foreach (var file in Directory.EnumerateFiles(path).Where(file => !left.Contains(Path.GetFullPath(file)) && !IsWeights(file)))
            {
                Copy(file, temporary);
            }
        });
    }

    /// <summary>Weights of another format beside those that were read, which would not be the merged ones.</summary>
    private static bool IsWeights(string file) =>
        Path.GetExtension(file) is ".bin" or ".safetensors" or ".pt" or ".pth" || file.EndsWith(".index.json", StringComparison.Ordinal);

    private static Dictionary<string, LinearShape> Linears(QwenVlCheckpoint checkpoint)
    {
        using var shapes = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        return shapes.Language.Layers
            .SelectMany((layer, i) => layer.Linears.SelectMany(linear => linear.Parts.Select(part => new LinearShape(i, part.Name, linear.In, part.Out))))
            .ToDictionary(linear => $"{QwenVlCheckpoint.Language}{QwenVlConfig.Names.Layers}.{linear.Layer}.{linear.Part}.weight", StringComparer.Ordinal);
    }

    /// <summary>Takes every matrix once, so that what is missing, left over or of a wrong shape is told before anything is written.</summary>
    private static void CheckAdapter(PeftWeights adapter, IEnumerable<LinearShape> linears)
    {
        using var scope = NewDisposeScope();
        foreach (var linear in linears)
        {
            if (adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                pair.A.Dispose();
                pair.B.Dispose();
            }
        }

        adapter.Finish();
    }

    private static PendingTensor Pending(CheckpointFolder weights, string name, ScalarType dtype, LinearShape? linear, PeftWeights adapter)
    {
        var description = weights.Describe(name);
        var type = description.Dtype is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64 ? dtype : description.Dtype;
        return new PendingTensor(new TensorDescription(type, description.Shape), () =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();

            // What was read belongs to no scope; left to the finalizer, gigabytes would wait for it.
            var tensor = weights.Read(name);
            scope.Attach(tensor);
            if (linear is not null && adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                tensor = tensor.to(ScalarType.Float32).add(pair.B.matmul(pair.A).mul(Scalars.Of(adapter.Config.Alpha / adapter.Config.Rank)), Scalars.One);
            }

            return tensor.to(type).DetachFromDisposeScope();
        });
    }

    /// <summary>The configuration with the type of the weights, which Qwen's code looks for in switches of its own too.</summary>
    private static void WriteConfig(string path, string folder, ScalarType dtype)
    {
        var json = SettingsFile.Json(Path.Combine(path, "config.json"));
        json["torch_dtype"] = dtype switch { ScalarType.BFloat16 => "bfloat16", ScalarType.Float16 => "float16", ScalarType.Float64 => "float64", _ => "float32" };
        foreach (var (key, type) in new[] { ("bf16", ScalarType.BFloat16), ("fp16", ScalarType.Float16), ("fp32", ScalarType.Float32) })
        {
            json[key] = dtype == type;
        }

        Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
    }

    private static void Copy(string file, string folder) => Durable.Write(Path.Combine(folder, Path.GetFileName(file)), target =>
    {
        using var from = File.OpenRead(file);
        from.CopyTo(target);
    });
}
