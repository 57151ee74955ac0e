using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>
/// MoELoRA adapters in the files of CoIN's own PEFT: those of LoRA with <c>peft_type</c> MOE_LORA_CoIN, <c>expert_num</c>, and a matrix for
/// each expert: <c>….lora_A.loraA.0.weight</c> [r/E, inputs], <c>….lora_B.loraB.0.weight</c> [outputs, r/E] and so on, and
/// <c>….lora_router.weight</c> [E, inputs].
/// </summary>
internal static class MoeLoraFolder
{
    /// <summary>Experts and routers by CoIN's keys, as views of the parameters.</summary>
    /// <param name="of">What to give in a parameter's place (its gradient, say); null for the parameter itself.</param>
    public static IReadOnlyDictionary<string, Tensor> Experts(MoeLoraAdapter adapter, Func<Tensor, Tensor>? of = null) =>
        adapter
            .Layers.SelectMany(
                (layer, i) =>
                    layer.All.SelectMany(linear =>
                        linear
                            .ExpertSlices(of)
                            .SelectMany(one =>
                                new[]
                                {
                                    (Name(layer, i, one.Name, "lora_A", one.Number), one.A),
                                    (Name(layer, i, one.Name, "lora_B", one.Number), one.B),
                                }
                            )
                            .Concat(
                                linear
                                    .Routers(of)
                                    .Select(one => ($"{PeftFolder.Root}{layer.Prefix}{i}.{one.Name}.lora_router.weight", one.Router))
                            )
                    )
            )
            .ToDictionary(pair => pair.Item1, pair => pair.Item2, StringComparer.Ordinal);

    /// <summary>Writes an adapter's files into a folder.</summary>
    /// <param name="baseModel">What <c>base_model_name_or_path</c> says.</param>
    public static void Write(string folder, MoeLoraAdapter adapter, double dropout, string baseModel)
    {
        SafetensorsWriter.Write(Path.Combine(folder, AdapterFiles.Weights), Experts(adapter));
        PeftFolder.WriteProjector(folder, adapter.Projector);
        var config = PeftFolder.Config(baseModel, adapter.Rank, adapter.Alpha, dropout, adapter.Targets);
        config["peft_type"] = PeftConfig.MoeLora;
        config["expert_num"] = adapter.Experts;
        config["task_type"] = "CAUSAL_LM_CoIN";
        Benchmark.Files.Durable.WriteText(Path.Combine(folder, AdapterFiles.Config), config.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Reads an adapter for a model; a linear map that it leaves alone stays alone.</summary>
    /// <exception cref="CoinException">Files are missing or broken, or the adapter does not fit the model.</exception>
    public static MoeLoraAdapter Read(string folder, DecoderModel language, Projector projector)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var files = PeftWeights.Open(folder);
        var (rank, experts) = (files.Config.Rank, files.Config.Experts ?? throw new CoinException($"{folder} is no MoELoRA adapter."));
        MoeLoraLinear Take(Linear linear, int layer)
        {
            var taken = MoeLoraLinear.Empty(linear, rank, experts, language.Device, files.AdaptedParts(layer, linear));
            foreach (var (name, router) in taken.Routers())
            {
                files.TakeRouterInto(layer, name, router);
            }

            foreach (var (name, number, a, b) in taken.ExpertSlices())
            {
                files.TakeExpertInto(layer, name, number, a, b);
            }

            return taken;
        }

        var layers = language
            .Layers.Select(
                (layer, i) =>
                    new MoeLoraLayer(Take(layer.Qkv, i), Take(layer.Output, i), Take(layer.GateUp, i), Take(layer.Down, i))
                    {
                        Prefix = language.Names.Modules,
                    }
            )
            .ToList();
        var adapter = new MoeLoraAdapter(rank, files.Config.Alpha, experts, layers, files.TakeProjector(projector, language.Device));
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
    /// <exception cref="CoinException">As in <see cref="Read"/>, or its rank, alpha or experts are not those of the options.</exception>
    public static MoeLoraAdapter ReadToTrain(string folder, DecoderModel language, Projector projector, LoraOptions options, int experts)
    {
        var adapter = Read(folder, language, projector);
        try
        {
            if (adapter.Experts != experts)
            {
                throw new CoinException(
                    $"The adapter {folder} has {adapter.Experts} experts, but moelora.experts is {experts}. Set it to the adapter's."
                );
            }

            PeftFolder.CheckSettings(folder, adapter.Rank, adapter.Alpha, adapter.Projector, options);
            AdapterTargets.CheckAdapter(folder, options, language, (layer, name) =>
                adapter.Layers[layer].All.Any(linear => linear.Parts.Any(part => part.Name == name))
            );
        }
        catch
        {
            adapter.Dispose();
            throw;
        }

        return adapter.Projector is null == !options.TrainProjector
            ? adapter
            : new MoeLoraAdapter(adapter.Rank, adapter.Alpha, adapter.Experts, adapter.Layers, projector.TrainableCopy());
    }

    private static string Name(MoeLoraLayer layer, int number, string part, string matrix, int expert) =>
        $"{PeftFolder.Root}{layer.Prefix}{number}.{part}.{matrix}.{matrix.Replace("_", "", StringComparison.Ordinal)}.{expert}.weight";
}
