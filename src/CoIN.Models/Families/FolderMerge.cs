using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>A model that is one folder.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Weights">Its weights, opened, and their account settled by <paramref name="Language"/>.</param>
/// <param name="Language">The language model's shapes.</param>
/// <param name="Layers">What stands before a layer's number in the names of its weights.</param>
internal sealed record MergedFolder(string Path, CheckpointFolder Weights, DecoderModel Language, string Layers)
{
    /// <summary>Changes the configuration for weights of a type, beyond the keys that transformers has for it.</summary>
    public Action<JObject, ScalarType>? SayType { get; init; }
}

/// <summary>
/// Folds an adapter into a model that is one folder, and writes the result as a folder of the same layout, tensor by tensor; what the
/// adapter does not touch is copied as it is, and so is what lies beside the weights.
/// </summary>
internal static class FolderMerge
{
    private const long LargestShard = 5_000_000_000;

    private sealed record LinearShape(int Layer, string Part, int In, int Out);

    /// <summary>Writes the merged folder, whole or not at all.</summary>
    /// <param name="adapter">The adapter's folder, in PEFT's format.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtype">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the adapter does not fit the model.</exception>
    public static void Write(MergedFolder model, string adapter, string output, string? dtype, Action<string> tell)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new CoinException($"{output} exists and is not empty. Name a new folder for the merged model.");
        }

        using var noGrad = no_grad();
        using var trained = PeftWeights.Open(adapter);
        trained.Config.RequireLora();
        var linears = model.Language.Layers
            .SelectMany((layer, i) => layer.Linears.SelectMany(linear => linear.Parts.Select(part => new LinearShape(i, part.Name, linear.In, part.Out))))
            .ToDictionary(linear => $"{model.Layers}{linear.Layer}.{linear.Part}.weight", StringComparer.Ordinal);
        CheckAdapter(trained, linears.Values);
        model.Weights.FinishUsed();
        if (model.Weights.PromisedInVain() is { } sentence)
        {
            tell(sentence);
        }

        var (path, weights) = (model.Path, model.Weights);
        var stored = linears.Keys.FirstOrDefault(weights.Has) is { } first ? weights.Describe(first).Dtype : ScalarType.Float32;
        var type = dtype is null ? stored : TorchNames.Dtype(dtype);
        var tensors = weights.Names.ToDictionary(
            name => name, name => Pending(weights, name, type, linears.GetValueOrDefault(name), trained), StringComparer.Ordinal);
        Durable.WriteFolder(output, temporary =>
        {
            ShardedCheckpoint.Write(temporary, tensors, LargestShard);
            WriteConfig(model, temporary, type);
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

    private static void WriteConfig(MergedFolder model, string folder, ScalarType dtype)
    {
        var json = SettingsFile.Json(Path.Combine(model.Path, "config.json"));
        var name = TorchNames.Of(dtype);

        // transformers since 4.56 calls it dtype, older versions torch_dtype, each also in the parts.
        var said = json.Descendants().OfType<JProperty>().Where(property => property.Name is "torch_dtype" or "dtype").ToList();
        said.ForEach(property => property.Value = name);
        if (!said.Exists(property => property.Parent == json))
        {
            json["torch_dtype"] = name;
        }

        model.SayType?.Invoke(json, dtype);
        Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
    }

    private static void Copy(string file, string folder) => Durable.Write(Path.Combine(folder, Path.GetFileName(file)), target =>
    {
        using var from = File.OpenRead(file);
        from.CopyTo(target);
    });
}
