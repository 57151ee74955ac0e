using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Llava;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// Adapters in PEFT's own format: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, so that what is trained here loads in PEFT and the
/// other way round; the projector, which PEFT does not know, stands beside them with the names that CoIN gives it.
/// </summary>
internal static class PeftFolder
{
    private const string LayerPrefix = "base_model.model.model.layers.";
    private const string ProjectorPrefix = "base_model.model.model.mm_projector.";

    private static readonly string[] ProjectorNames = ["0.weight", "0.bias", "2.weight", "2.bias"];

    /// <summary>The low-rank matrices by PEFT's keys: lora_A [r, inputs], lora_B [outputs, r].</summary>
    /// <param name="of">What to give in a parameter's place (its gradient, say); null for the parameter itself.</param>
    public static IReadOnlyDictionary<string, Tensor> LowRank(LoraAdapter adapter, Func<Tensor, Tensor>? of = null) =>
        adapter.Layers
            .SelectMany((layer, i) => layer.All.SelectMany(linear => linear.Slices(of)).SelectMany(slice => new[]
            {
                ($"{LayerPrefix}{i}.{slice.Name}.lora_A.weight", slice.A),
                ($"{LayerPrefix}{i}.{slice.Name}.lora_B.weight", slice.B),
            }))
            .ToDictionary(pair => pair.Item1, pair => pair.Item2, StringComparer.Ordinal);

    /// <summary>The projector by CoIN's keys; empty where it is not trained.</summary>
    /// <param name="of">As for <see cref="LowRank"/>.</param>
    public static IReadOnlyDictionary<string, Tensor> ProjectorWeights(LoraAdapter adapter, Func<Tensor, Tensor>? of = null) =>
        adapter.Projector is null
            ? new Dictionary<string, Tensor>()
            : ProjectorNames.Zip(adapter.Projector.Parameters).ToDictionary(
                pair => ProjectorPrefix + pair.First, pair => of is null ? pair.Second : of(pair.Second), StringComparer.Ordinal);

    /// <summary>Writes an adapter's files into a folder.</summary>
    /// <param name="baseModel">What <c>base_model_name_or_path</c> says.</param>
    public static void Write(string folder, LoraAdapter adapter, double dropout, string baseModel)
    {
        SafetensorsWriter.Write(Path.Combine(folder, AdapterFiles.Weights), LowRank(adapter));
        if (adapter.Projector is not null)
        {
            SafetensorsWriter.Write(Path.Combine(folder, AdapterFiles.Projector), ProjectorWeights(adapter));
        }

        var config = new JObject
        {
            ["base_model_name_or_path"] = baseModel,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["lora_alpha"] = adapter.Alpha == Math.Floor(adapter.Alpha) ? new JValue((long)adapter.Alpha) : new JValue(adapter.Alpha),
            ["lora_dropout"] = dropout,
            ["modules_to_save"] = null,
            ["peft_type"] = "LORA",
            ["r"] = adapter.Rank,
            ["target_modules"] = new JArray(adapter.Layers[0].All.SelectMany(linear => linear.Slices())
                .Select(slice => slice.Name[(slice.Name.LastIndexOf('.') + 1)..]).Order(StringComparer.Ordinal)),
            ["task_type"] = "CAUSAL_LM",
        };
        Benchmark.Files.Durable.WriteText(Path.Combine(folder, AdapterFiles.Config), config.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Reads an adapter for a model.</summary>
    /// <exception cref="CoinException">Files are missing or broken, or the adapter does not fit the model.</exception>
    public static LoraAdapter Read(string folder, LlavaModel model)
    {
        var (rank, alpha) = ReadConfig(Path.Combine(folder, AdapterFiles.Config));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var weights = CheckpointFolder.Open(Path.Combine(folder, AdapterFiles.Weights));
        LoraLinear Take(Linear linear, int layer) => LoraLinear.From(
            linear,
            [.. linear.Parts.Select(part => (
                weights.Take($"{LayerPrefix}{layer}.{part.Name}.lora_A.weight", ScalarType.Float32, CPU, rank, linear.In),
                weights.Take($"{LayerPrefix}{layer}.{part.Name}.lora_B.weight", ScalarType.Float32, CPU, part.Out, rank)))],
            model.Device);
        var layers = model.Language.Layers.Select((layer, i) => new LoraLayer(
            Take(layer.Qkv, i), Take(layer.Output, i), Take(layer.GateUp, i), Take(layer.Down, i))).ToList();
        var unused = weights.Finish();
        if (unused.Count > 0)
        {
            throw new CoinException(
                $"{weights.Path}: {unused.Count} tensor(s) belong to no linear layer of this language model: {CheckpointFolder.Shorten(unused)}. " +
                "The adapter was made for another model.");
        }

        return new LoraAdapter(rank, alpha, layers, ReadProjector(Path.Combine(folder, AdapterFiles.Projector), model));
    }

    private static Projector? ReadProjector(string path, LlavaModel model)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = CheckpointFolder.Open(path);
        var projector = Projector.Take(
            file, $"{ProjectorPrefix}0", $"{ProjectorPrefix}2", model.Config.Vision.HiddenSize, model.Config.Text.HiddenSize,
            ScalarType.Float32, model.Device);
        file.Finish();
        return projector;
    }

    private static (int Rank, double Alpha) ReadConfig(string path)
    {
        try
        {
            var json = JObject.Parse(File.ReadAllText(path));
            if ((string?)json["peft_type"] != "LORA" || (bool?)json["use_dora"] == true || (bool?)json["use_rslora"] == true)
            {
                throw new CoinException($"{path}: only plain LoRA adapters can be read (peft_type LORA, without DoRA or rank-stabilized scaling).");
            }

            return ((int)json["r"]!, (double)json["lora_alpha"]!);
        }
        catch (Exception e) when (e is IOException or JsonException or ArgumentException or NullReferenceException or InvalidCastException)
        {
            throw new CoinException($"Cannot read the adapter's configuration {path}: {e.Message} It needs peft_type, r and lora_alpha.", e);
        }
    }
}
