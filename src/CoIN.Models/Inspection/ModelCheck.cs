using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Methods;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Inspection;

/// <summary>
/// Finds everything that would end a run as soon as it loads its model. Reads settings and headers; weights are not loaded.
/// </summary>
public static class ModelCheck
{
    /// <summary>The keys of the configuration that say where a model is.</summary>
    private static readonly string[] ModelKeys =
    [
        "coin.model.path",
        "coin.model.language",
        "coin.model.vision-tower",
        "coin.model.projector",
    ];

    /// <summary>Notes what is wrong with model, adapter and devices.</summary>
    /// <param name="devices">Devices that this process is to use; none for a look from another host.</param>
    /// <param name="problems">Where it holds problems of the keys that name the model, the model is not looked at.</param>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    public static void Check(ExperimentOptions options, IReadOnlyList<string> devices, Problems problems, Action<string> warn)
    {
        if (!problems.Try(TorchLibrary.ThrowIfUnusable))
        {
            return;
        }

        foreach (var device in problems.Concern("coin.node.devices") ? [] : devices)
        {
            problems.Try(() => TorchNames.Device(device), "coin.node.devices");
        }

        if (!ModelKeys.Any(problems.Concern))
        {
            CheckPrompts(ModelFamilies.Of(options.Model), options, problems);
            Check(options, problems, warn);
        }
    }

    private static void Check(ExperimentOptions options, Problems problems, Action<string> warn)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = ModelFamilies.Of(options.Model).Check(options.Model, problems, warn);
        var adapter = problems.Concern("coin.lora.from")
            ? null
            : options.Lora.From ?? (model is null ? null : ModelFamilies.Of(options.Model).AdapterWithin(options.Model));
        if (model is not null)
        {
            CheckAdapter(model, options, adapter, problems);
        }
        else if (adapter is not null && !problems.Concern("coin.model.path"))
        {
            problems.Try(() => AdapterKinds.In(adapter).Check(adapter), "coin.lora.from");
        }
    }

    private static void CheckPrompts(IModelFamily family, ExperimentOptions options, Problems problems)
    {
        if (options.Model.Conversation is { } name && !family.Conversations.Contains(name))
        {
            problems.Add(
                $"model.conversation is '{name}'; for {family.Name} there are {string.Join(", ", family.Conversations)}. Leave it out for the first.",
                "coin.model.conversation"
            );
        }

        if (options.Evaluation.Prompt == PromptKind.Reference && !family.HasReferencePrompt)
        {
            problems.Add(
                $"evaluation.prompt is reference, but the reference asks {family.Name} as it was trained. Set it to trained.",
                "coin.evaluation.prompt"
            );
        }
    }

    private static void CheckAdapter(IPictureModel model, ExperimentOptions options, string? adapter, Problems problems)
    {
        var trains = problems.Concern("coin.method") || options.Curriculum().Trained.Count > 0;
        if (trains)
        {
            problems.Try(() => TrainingSet.CheckLength(model.Language.Config, options.Model.MaxLength), "coin.model.max-length");
        }

        if (adapter is not null)
        {
            problems.Try(
                () =>
                    (
                        trains
                            ? AdapterKinds.ReadToTrain(
                                adapter,
                                TrainingMethods.Known.Adapter(options),
                                model.Language,
                                model.Projector,
                                options,
                                stage: 1
                            )
                            : AdapterKinds.In(adapter).Read(adapter, model.Language, model.Projector, options.Lora)
                    ).Dispose(),
                "coin.lora.from"
            );
        }
        else if (trains)
        {
            if (options.Lora.TrainProjector)
            {
                problems.Try(() => model.Projector.TrainableCopy().Dispose(), "coin.lora.train-projector");
            }

            if (!problems.Concern("coin.lora.targets"))
            {
                problems.Try(() => AdapterTargets.Check(options.Lora, model.Language), "coin.lora.targets");
            }
        }
    }
}
