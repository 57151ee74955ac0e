using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;
using CoIN.Models.Torch;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>
/// Folds an adapter into its base model and writes the result as one folder. Tensor by tensor: memory is needed for one at a time, and what
/// the adapter does not touch is copied as it is.
/// </summary>
internal sealed class MiniGptMerge
{
    private const long LargestShard = 5_000_000_000;

    /// <summary>What lies beside the language model's weights and is copied where it is there.</summary>
    private static readonly string[] LanguageSettings =
    [
        "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "generation_config.json",
    ];

    private readonly MiniGptCheckpoint model;
    private readonly PeftWeights adapter;
    private readonly ScalarType dtype;
    private readonly Dictionary<string, LinearShape> linears;

    private MiniGptMerge(MiniGptCheckpoint model, PeftWeights adapter, string? dtypeName)
    {
        (this.model, this.adapter) = (model, adapter);
        dtype = dtypeName is null
            ? model.LanguageFiles.Describe($"{model.LanguagePrefix}embed_tokens.weight").Dtype : TorchNames.Dtype(dtypeName);
        using var shapes = model.Build(ScalarType.Float32, new Device(DeviceType.META));
        linears = shapes.Language.Layers
            .SelectMany((layer, i) => layer.Linears
                .SelectMany(linear => linear.Parts.Select(part => new LinearShape(i, part.Name, linear.In, part.Out))))
            .ToDictionary(linear => $"{model.LanguagePrefix}layers.{linear.Layer}.{linear.Part}.weight", StringComparer.Ordinal);
    }

    private sealed record LinearShape(int Layer, string Part, int In, int Out);

    /// <summary>Merges an adapter into a model and writes the merged folder, whole or not at all.</summary>
    /// <param name="path">The adapter: a folder, or a stage's file.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtype">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">
    /// A file is missing or damaged, the adapter does not fit the model, or the folder is not empty.
    /// </exception>
    public static void Write(string path, MiniGptSource source, string output, string? dtype, Action<string> tell)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new CoinException($"{output} exists and is not empty. Name a new folder for the merged model.");
        }

        using var noGrad = no_grad();
        using var checkpoint = MiniGptCheckpoint.Open(source);
        using var adapter = PeftWeights.Open(path);
        adapter.Config.RequireLora();
        var merge = new MiniGptMerge(checkpoint, adapter, dtype);
        var tensors = merge.Tensors(tell);
        Durable.WriteFolder(output, temporary => merge.Fill(temporary, tensors));
    }

    /// <summary>
    /// Every tensor of the merged model by name; nothing is read before it is written, but everything is known to be there and to fit.
    /// </summary>
    private Dictionary<string, PendingTensor> Tensors(Action<string> tell)
    {
        CheckAdapter();
        model.FinishUsed(tell);
        var tensors = new Dictionary<string, PendingTensor>(StringComparer.Ordinal);
        foreach (var part in model.Parts)
        {
            var left = new List<string>();
            foreach (var name in part.Names)
            {
                if (model.WholeName(part, name) is { } target)
                {
                    tensors.Add(target, Pending(part, name));
                }
                else
                {
                    left.Add(name);
                }
            }

            if (left.Count > 0)
            {
                tell($"{part.Path}: {left.Count} tensor(s) have no place in the merged model and are left out: {NameList.Of(left)}");
            }
        }

        if (model.NormFiles is null)
        {
            long size = model.Config.Vision.HiddenSize;
            tensors.Add($"{MiniGptCheckpoint.NormName}.weight", new PendingTensor(new(dtype, [size]), () => ones(size, dtype)));
            tensors.Add($"{MiniGptCheckpoint.NormName}.bias", new PendingTensor(new(dtype, [size]), () => zeros(size, dtype)));
        }

        return tensors;
    }

    /// <summary>
    /// Takes every matrix once, so that what is missing, left over or of a wrong shape is told before anything is written.
    /// </summary>
    private void CheckAdapter()
    {
        using var scope = NewDisposeScope();
        foreach (var linear in linears.Values)
        {
            if (adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                pair.A.Dispose();
                pair.B.Dispose();
            }
        }

        adapter.TakeProjector(MiniGptCheckpoint.Form, model.Config.ProjectorSizes, CPU, bias: true)?.Dispose();
        adapter.Finish();
    }

    private PendingTensor Pending(CheckpointFolder part, string name)
    {
        var description = part.Describe(name);
        var type = description.Dtype is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64
            ? dtype : description.Dtype;
        return new PendingTensor(new TensorDescription(type, description.Shape), () =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();

            // What was read belongs to no scope; left to the finalizer, gigabytes would wait for it.
            var tensor = Trained(part, name) ?? part.Read(name);
            scope.Attach(tensor);
            if (part == model.LanguageFiles && linears.TryGetValue(name, out var linear)
                && adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                var update = pair.B.matmul(pair.A).mul(Scalars.Of(adapter.Config.Alpha / adapter.Config.Rank));
                tensor = tensor.to(ScalarType.Float32).add(update, Scalars.One);
            }

            return tensor.to(type).DetachFromDisposeScope();
        });
    }

    /// <summary>The adapter's own tensor in the place of a base projector's.</summary>
    private Tensor? Trained(CheckpointFolder part, string name)
    {
        if (part != model.StageFiles || adapter.Projector is null || MiniGptCheckpoint.Form.In(adapter.Projector) is not [var trained]
            || !adapter.Projector.Has($"{trained}.weight"))
        {
            return null;
        }

        var own = MiniGptCheckpoint.Form.In(part)[0];
        return name.StartsWith($"{own}.", StringComparison.Ordinal) ? adapter.Projector.Read(trained + name[own.Length..]) : null;
    }

    private void Fill(string folder, Dictionary<string, PendingTensor> tensors)
    {
        ShardedCheckpoint.Write(folder, tensors, LargestShard);
        MiniGptInitializer.WriteConfig(folder, model.Config, TorchNames.Of(dtype), Rope());
        foreach (var file in LanguageSettings.Select(file => Path.Combine(model.Source.Language, file)).Where(File.Exists))
        {
            Durable.Write(Path.Combine(folder, Path.GetFileName(file)), target =>
            {
                using var from = File.OpenRead(file);
                from.CopyTo(target);
            });
        }
    }

    /// <summary>The rotary embedding in the language model's own words.</summary>
    private IEnumerable<JProperty> Rope()
    {
        var config = SettingsFile.Json(Path.Combine(model.Source.Language, "config.json"));
        return [.. (model.Source.Whole ? (JObject)config["text_config"]! : config).Properties()
            .Where(property => RopeSettings.Keys.Contains(property.Name))];
    }
}
