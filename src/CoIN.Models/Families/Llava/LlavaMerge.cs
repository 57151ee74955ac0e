using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Imaging;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Settings;
using CoIN.Models.Tokenization;
using CoIN.Models.Torch;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>
/// Folds an adapter into its base model and writes the result as a Hugging Face folder. Tensor by tensor: memory is needed for one at a time, and what
/// the adapter does not touch is copied as it is.
/// </summary>
internal sealed class LlavaMerge
{
    private const long LargestShard = 5_000_000_000;

    /// <summary>What lies beside the weights and is copied where it is there.</summary>
    private static readonly string[] LanguageSettings =
    [
        "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json",
        "chat_template.json", "chat_template.jinja", "processor_config.json",
    ];

    private readonly LlavaCheckpoint model;
    private readonly PeftWeights adapter;
    private readonly ImageSettings images;
    private readonly ScalarType dtype;
    private readonly Dictionary<string, LinearShape> linears;

    // The id that stands for pictures in the merged model, and the rows of embeddings and head: one for it at least, as the hub rounds up.
    private readonly int placeholder;
    private readonly int vocabulary;

    private LlavaMerge(LlavaCheckpoint model, PeftWeights adapter, ImageSettings images, string? dtypeName)
    {
        (this.model, this.adapter, this.images) = (model, adapter, images);
        dtype = dtypeName is null ? model.Language.Describe($"{model.LanguagePrefix}embed_tokens.weight").Dtype : TorchNames.Dtype(dtypeName);
        var tokenizer = LlamaTokenizers.Load(model.Source.Language);
        placeholder = tokenizer.AddedId(PromptBuilder.ImageTag) ?? tokenizer.PieceCount;
        var rows = model.Config.Text.VocabularySize;
        vocabulary = rows > placeholder ? rows : (rows / 64 * 64) + 64;
        using var shapes = model.Build(ScalarType.Float32, new Device(DeviceType.META));
        linears = shapes.Language.Layers
            .SelectMany((layer, i) => layer.Linears.SelectMany(linear => linear.Parts.Select(part => new LinearShape(i, part.Name, linear.In, part.Out))))
            .ToDictionary(linear => $"{model.LanguagePrefix}layers.{linear.Layer}.{linear.Part}.weight", StringComparer.Ordinal);
    }

    private sealed record LinearShape(int Layer, string Part, int In, int Out);

    /// <summary>Merges an adapter folder into a model and writes the merged folder, whole or not at all.</summary>
    /// <param name="folder">The adapter, in PEFT's format.</param>
    /// <param name="model">The base model's files.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtype">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">A file is missing or damaged, the adapter does not fit the model, or the folder is not empty.</exception>
    public static void Write(string folder, ModelOptions model, string output, string? dtype, Action<string> tell)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new CoinException($"{output} exists and is not empty. Name a new folder for the merged model.");
        }

        var source = LlavaSource.Of(model) with { Longest = 0 };

        using var noGrad = no_grad();
        using var checkpoint = LlavaCheckpoint.Open(source);
        using var adapter = PeftWeights.Open(folder);
        adapter.Config.RequireLora();
        var merge = new LlavaMerge(checkpoint, adapter, LlavaSettings.Images(source, checkpoint.Config, tell), dtype);
        var tensors = merge.Tensors(tell);
        Durable.WriteFolder(output, temporary => merge.Fill(temporary, tensors));
    }

    /// <summary>Every tensor of the merged model by name; nothing is read before it is written, but everything is known to be there and to fit.</summary>
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
                var target = model.Source.Layout == LlavaLayout.Hub ? name : model.HubName(part, name);
                if (target is null)
                {
                    left.Add(name);
                    continue;
                }

                tensors.Add(target, Pending(part, name));
            }

            if (left.Count > 0)
            {
                tell($"{part.Path}: {left.Count} tensor(s) have no place in the merged model and are left out: {NameList.Of(left)}");
            }
        }

        return tensors;
    }

    /// <summary>Takes every matrix once, so that what is missing, left over or of a wrong shape is told before anything is written.</summary>
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

        adapter.TakeProjector(ProjectorForm.Llava, model.Config.ProjectorSizes, CPU, model.Config.ProjectorBias)?.Dispose();
        adapter.Finish();
    }

    private PendingTensor Pending(CheckpointFolder part, string name)
    {
        var description = part.Describe(name);
        var type = description.Dtype is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64 ? dtype : description.Dtype;
        var rows = Rows(part, name);
        var shape = rows is null ? description.Shape : [rows.Value, .. description.Shape.Skip(1)];
        return new PendingTensor(new TensorDescription(type, shape), () =>
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();

            // What was read belongs to no scope; left to the finalizer, gigabytes would wait for it.
            var tensor = Trained(part, name) ?? part.Read(name);
            scope.Attach(tensor);
            if (part == model.Language && linears.TryGetValue(name, out var linear) && adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                tensor = tensor.to(ScalarType.Float32).add(pair.B.matmul(pair.A).mul(Scalars.Of(adapter.Config.Alpha / adapter.Config.Rank)), Scalars.One);
            }

            return Padded(tensor, rows).to(type).DetachFromDisposeScope();
        });
    }

    /// <summary>The adapter's own tensor in the place of a base projector's.</summary>
    private Tensor? Trained(CheckpointFolder part, string name)
    {
        if (part != model.Projector || adapter.Projector is null)
        {
            return null;
        }

        foreach (var (from, to) in model.ProjectorNames.Zip(ProjectorForm.Llava.In(adapter.Projector)))
        {
            if (name.StartsWith($"{from}.", StringComparison.Ordinal))
            {
                return adapter.Projector.Read(to + name[from.Length..]);
            }
        }

        return null;
    }

    /// <summary>
    /// Rows of embeddings and head in the merged model. The hub's LLaVA stands for pictures by a token id of its own, for which a language model by
    /// itself has no row.
    /// </summary>
    private long? Rows(CheckpointFolder part, string name) =>
        model.Source.Layout != LlavaLayout.Hub && part == model.Language && (name == $"{model.LanguagePrefix}embed_tokens.weight" || name == model.Head)
            ? vocabulary
            : null;

    /// <summary>Rows that are added hold the mean of the others: their logit is the mean of all logits and so never the largest.</summary>
    private static Tensor Padded(Tensor tensor, long? rows) => rows is null || rows == tensor.size(0)
        ? tensor
        : cat([tensor, tensor.to(ScalarType.Float32).mean([0], keepdim: true).to(tensor.dtype).expand(rows.Value - tensor.size(0), -1)], 0);

    private void Fill(string folder, Dictionary<string, PendingTensor> tensors)
    {
        ShardedCheckpoint.Write(folder, tensors, LargestShard);
        var name = TorchNames.Of(dtype);
        if (model.Source.Layout == LlavaLayout.Hub)
        {
            var json = SettingsFile.Json(Path.Combine(model.Source.Language, "config.json"));
            SayDtype(json, name);

            Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
        }
        else
        {
            var config = model.Config with { Text = model.Config.Text with { VocabularySize = vocabulary } };
            LlavaInitializer.WriteConfig(folder, config, placeholder, name, Rope());
        }

        var pictures = ImageSettings.FilesOf(model.Source.VisionTower);
        if (pictures.Count == 0)
        {
            Durable.WriteText(Path.Combine(folder, "preprocessor_config.json"), images.ToJson());
        }

        Copy(LanguageSettings.Select(file => Path.Combine(model.Source.Language, file)).Concat(pictures).Distinct(), folder);
    }

    /// <summary>The rotary embedding in the language model's own words.</summary>
    private IEnumerable<JProperty> Rope() =>
        SettingsFile.Json(Path.Combine(model.Source.Language, "config.json")).Properties()
            .Where(property => RopeSettings.Keys.Contains(property.Name));

    /// <summary>The type in every place where a configuration says it: transformers since 4.56 calls it dtype, older versions torch_dtype, each also in the parts.</summary>
    private static void SayDtype(JObject config, string name)
    {
        var said = config.Descendants().OfType<JProperty>().Where(property => property.Name is "torch_dtype" or "dtype").ToList();
        foreach (var property in said)
        {
            property.Value = name;
        }

        if (!said.Exists(property => property.Parent == config))
        {
            config["torch_dtype"] = name;
        }
    }

    private static void Copy(IEnumerable<string> files, string folder)
    {
        foreach (var file in files.Where(File.Exists))
        {
            Durable.Write(Path.Combine(folder, Path.GetFileName(file)), target =>
            {
                using var from = File.OpenRead(file);
                from.CopyTo(target);
            });
        }
    }
}
