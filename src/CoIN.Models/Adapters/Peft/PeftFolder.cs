using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Peft;

/// <summary>
/// Adapters in PEFT's own format: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> (<c>.bin</c> is read too), so that what
/// is trained here loads in PEFT and the other way round; the projector, which PEFT does not know, stands beside them with the names that
/// CoIN gives it.
/// </summary>
internal static class PeftFolder
{
    /// <summary>What PEFT puts before the names of a model's modules.</summary>
    public const string Root = "base_model.model.";

    /// <summary>The low-rank matrices by PEFT's keys: lora_A [r, inputs], lora_B [outputs, r].</summary>
    /// <param name="of">What to give in a parameter's place (its gradient, say); null for the parameter itself.</param>
    public static IReadOnlyDictionary<string, Tensor> LowRank(LoraAdapter adapter, Func<Tensor, Tensor>? of = null) =>
        adapter
            .Layers.SelectMany(
                (layer, i) =>
                    layer
                        .All.SelectMany(linear => linear.Slices(of))
                        .SelectMany(slice =>
                            new[]
                            {
                                ($"{Root}{layer.Prefix}{i}.{slice.Name}.lora_A.weight", slice.A),
                                ($"{Root}{layer.Prefix}{i}.{slice.Name}.lora_B.weight", slice.B),
                            }
                        )
            )
            .ToDictionary(pair => pair.Item1, pair => pair.Item2, StringComparer.Ordinal);

    /// <summary>The projector by CoIN's keys; empty where it is not trained.</summary>
    /// <param name="of">As for <see cref="LowRank"/>.</param>
    public static IReadOnlyDictionary<string, Tensor> ProjectorWeights(Projector? projector, Func<Tensor, Tensor>? of = null) =>
        projector is null
            ? new Dictionary<string, Tensor>()
            : projector
                .Form.Written.SelectMany(name => new[] { $"{name}.weight", $"{name}.bias" })
                .Zip(projector.Parameters)
                .ToDictionary(pair => pair.First, pair => of is null ? pair.Second : of(pair.Second), StringComparer.Ordinal);

    /// <summary>Writes an adapter's files into a folder.</summary>
    /// <param name="baseModel">What <c>base_model_name_or_path</c> says.</param>
    public static void Write(string folder, LoraAdapter adapter, double dropout, string baseModel) =>
        Write(folder, [adapter], dropout, baseModel);

    /// <summary>Writes several adapters as one: their A below each other, their B side by side.</summary>
    /// <param name="adapters">With one scaling α/r; the last one's projector is written.</param>
    /// <param name="baseModel">What <c>base_model_name_or_path</c> says.</param>
    public static void Write(string folder, IReadOnlyList<LoraAdapter> adapters, double dropout, string baseModel)
    {
        var (last, rank) = (adapters[^1], adapters.Sum(adapter => adapter.Rank));
        var all = adapters.Select(adapter => LowRank(adapter)).ToList();
        SafetensorsWriter.Write(
            Path.Combine(folder, AdapterFiles.Weights),
            all[0]
                .Keys.ToDictionary(
                    name => name,
                    name => Joined([.. all.Select(one => one[name])], IsA(name) ? 0 : 1),
                    StringComparer.Ordinal
                )
        );
        WriteProjector(folder, last.Projector);
        var config = Config(baseModel, rank, last.Alpha * rank / last.Rank, dropout, last.Targets);
        Benchmark.Files.Durable.WriteText(Path.Combine(folder, AdapterFiles.Config), config.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Whether a name is an A's.</summary>
    public static bool IsA(string name) => name.EndsWith(".lora_A.weight", StringComparison.Ordinal);

    /// <summary>Whether a name is a B's.</summary>
    public static bool IsB(string name) => name.EndsWith(".lora_B.weight", StringComparison.Ordinal);

    /// <summary>The name of the B that belongs to an A.</summary>
    public static string BOf(string a) => a[..^".lora_A.weight".Length] + ".lora_B.weight";

    /// <summary>Writes the projector beside an adapter; nothing where it is not trained.</summary>
    public static void WriteProjector(string folder, Projector? projector)
    {
        if (projector is not null)
        {
            SafetensorsWriter.Write(Path.Combine(folder, AdapterFiles.Projector), ProjectorWeights(projector));
        }
    }

    /// <summary>What <c>adapter_config.json</c> says.</summary>
    /// <param name="targets">As <see cref="AdapterTargets.Described"/>.</param>
    public static JObject Config(string baseModel, int rank, double alpha, double dropout, IReadOnlyList<string> targets) =>
        new()
        {
            ["base_model_name_or_path"] = baseModel,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["lora_alpha"] = alpha == Math.Floor(alpha) ? new JValue((long)alpha) : new JValue(alpha),
            ["lora_dropout"] = dropout,
            ["modules_to_save"] = null,
            ["peft_type"] = "LORA",
            ["r"] = rank,
            ["target_modules"] = new JArray(targets.ToArray<object>()),
            ["task_type"] = "CAUSAL_LM",
        };

    /// <summary>Reads an adapter for a model; a linear map that it leaves alone stays alone.</summary>
    /// <param name="alpha">α of a file that does not say it, as for <see cref="PeftWeights.Open"/>.</param>
    /// <exception cref="CoinException">Files are missing or broken, or the adapter does not fit the model.</exception>
    public static LoraAdapter Read(string folder, DecoderModel language, Projector projector, double? alpha = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var files = PeftWeights.Open(folder, alpha);
        files.Config.RequireLora();
        var rank = files.Config.Rank;
        LoraLinear Take(Linear linear, int layer)
        {
            // Each matrix is read to where it belongs: an adapter may have gigabytes, and the trainer and an evaluator read theirs at the
            // same moment.
            var taken = LoraLinear.Empty(linear, rank, language.Device, files.AdaptedParts(layer, linear));
            foreach (var (name, a, b) in taken.Slices())
            {
                files.TakeInto(layer, name, a, b);
            }

            return taken;
        }

        var layers = language
            .Layers.Select(
                (layer, i) =>
                    new LoraLayer(Take(layer.Qkv, i), Take(layer.Output, i), Take(layer.GateUp, i), Take(layer.Down, i))
                    {
                        Prefix = language.Names.Modules,
                    }
            )
            .ToList();
        var adapter = new LoraAdapter(rank, files.Config.Alpha, layers, files.TakeProjector(projector, language.Device));
        try
        {
            files.Finish();
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads an adapter to train it further as the options say: with the base's projector where it has none and one is to be trained.
    /// </summary>
    /// <exception cref="CoinException">As in <see cref="Read"/>, or its rank or alpha are not those of the options.</exception>
    public static LoraAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options)
    {
        var adapter = Read(folder, language, projector, options.Alpha);
        try
        {
            CheckSettings(folder, adapter.Rank, adapter.Alpha, adapter.Projector, options);
            CheckTargets(folder, adapter, options, language);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }

        return adapter.Projector is null == !options.TrainProjector
            ? adapter
            : new LoraAdapter(adapter.Rank, adapter.Alpha, adapter.Layers, projector.TrainableCopy());
    }

    /// <summary>Whether an adapter can be trained further as the options say.</summary>
    /// <exception cref="CoinException">
    /// Its rank or alpha are not those of the options, or it has a projector that is not to be trained.
    /// </exception>
    public static void CheckSettings(string folder, int rank, double alpha, Projector? projector, LoraOptions options)
    {
        if (rank != options.Rank || Math.Abs(alpha - options.Alpha) > 1e-6 * options.Alpha)
        {
            throw new CoinException(
                FormattableString.Invariant(
                    $"The adapter {folder} has rank {rank} and alpha {alpha}, but lora.rank is {options.Rank} and lora.alpha {options.Alpha}. Set both to the adapter's."
                )
            );
        }

        CheckProjector(folder, projector, options);
    }

    /// <summary>Whether an adapter adapts what the options say, if they say anything.</summary>
    /// <exception cref="CoinException">It does not.</exception>
    public static void CheckTargets(string folder, LoraAdapter adapter, LoraOptions options, DecoderModel language) =>
        AdapterTargets.CheckAdapter(folder, options, language, (layer, name) =>
            adapter.Layers[layer].All.Any(linear => linear.Parts.Any(part => part.Name == name))
        );

    /// <summary>As <see cref="CheckSettings"/>, of the projector alone.</summary>
    /// <exception cref="CoinException">The adapter has a projector that is not to be trained.</exception>
    public static void CheckProjector(string folder, Projector? projector, LoraOptions options)
    {
        if (projector is not null && !options.TrainProjector)
        {
            throw new CoinException($"The adapter {folder} has a trained projector, but lora.train-projector is false. Set it to true.");
        }
    }

    /// <summary>Made when it is written: an adapter of many tasks has gigabytes.</summary>
    private static PendingTensor Joined(Tensor[] parts, int dimension)
    {
        var shape = parts[0].shape;
        shape[dimension] = parts.Sum(part => part.shape[dimension]);
        return new PendingTensor(new TensorDescription(parts[0].dtype, shape), () =>
            parts.Length == 1 ? parts[0].alias().DetachFromDisposeScope() : cat([.. parts], dimension).DetachFromDisposeScope()
        );
    }
}
