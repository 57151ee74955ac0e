using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Families;
using CoIN.Models.Methods;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Learning;

/// <summary>
/// Makes learners; a device's base model is loaded once and shared by all who open it. One that nobody works with goes when another is to
/// be loaded on its device.
/// </summary>
public sealed class LearnerFactory : ILearnerFactory, IDisposable
{
    private readonly Action<string> warn;
    private readonly Func<ModelOptions, IModelFamily> familyOf;
    private readonly LocalPaths paths;
    private readonly BaseModels bases;

    // A picture comes again in every stage.
    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);

    /// <summary>Of the families that there are.</summary>
    /// <param name="warn">
    /// Receives sentences about what is unusual but not wrong: tensors that only an index names, samples without an answer.
    /// </param>
    /// <param name="tell">Receives a sentence for each base model that is freed to make room for another; null for nobody.</param>
    /// <param name="kept">How many base models a device holds at most, as far as nobody works with them; at least 1.</param>
    /// <param name="paths">Where this host has models, data and given adapters; null where options say.</param>
    public LearnerFactory(Action<string> warn, Action<string>? tell = null, int kept = 1, LocalPaths? paths = null)
        : this(warn, ModelFamilies.Of, tell, kept, paths) { }

    /// <summary>Of given families.</summary>
    internal LearnerFactory(
        Action<string> warn,
        Func<ModelOptions, IModelFamily> familyOf,
        Action<string>? tell = null,
        int kept = 1,
        LocalPaths? paths = null
    ) =>
        (this.warn, this.familyOf, this.paths, bases) = (
            warn,
            familyOf,
            paths ?? LocalPaths.Same,
            new BaseModels(tell ?? (_ => { })) { Kept = kept }
        );

    /// <summary>The methods that do something within training.</summary>
    internal TrainingMethods Methods { get; init; } = TrainingMethods.Known;

    /// <inheritdoc/>
    public ILearner Open(ExperimentOptions options, string device, int threads)
    {
        TorchLibrary.ThrowIfUnusable();

        // Torch keeps this number for each thread; a worker's thread has to set it itself, and first.
        set_num_threads(threads);
        var here = paths.Here(options);
        var model = here.Model;
        var family = familyOf(model);
        var (shared, lease) = bases.Take(
            new BaseKey(
                family.SourceOf(model),
                model.Dtype,
                ModelFiles.Nf4Of(model),
                family.Shape(model).Text.MaxPositions,
                model.MaxPixels,
                device
            ),
            () =>
                new SharedBase(Quantized(family, model, family.Load(model, TorchNames.Dtype(model.Dtype), TorchNames.Device(device), warn)))
        );
        try
        {
            var within = options.Lora.From is null ? family.AdapterWithin(model) : null;
            if (within is not null)
            {
                WarnOnce(
                    $"{within} holds a LoRA beside the base model: the first stage begins with it, and zero-shot answers with it. lora.from names another."
                );
            }

            // What is written has the model's name in the configuration.
            return new Learner(shared.Loaded, shared.Features, here with { Model = options.Model }, Methods, WarnOnce, lease, within);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a model that is not held as it was asked for.</summary>
    /// <exception cref="CoinException">Its family does not do so.</exception>
    private static LoadedModel Quantized(IModelFamily family, ModelOptions options, LoadedModel loaded)
    {
        if (loaded.Model.Language.Nf4 == ModelFiles.Nf4Of(options))
        {
            return loaded;
        }

        loaded.Model.Dispose();
        throw new CoinException($"model.quantization is nf4, but a {family.Name} cannot be held in four bits. Set it to none.");
    }

    public void Dispose() => bases.Dispose();

    private void WarnOnce(string sentence)
    {
        if (told.TryAdd(sentence, true))
        {
            warn(sentence);
        }
    }
}
