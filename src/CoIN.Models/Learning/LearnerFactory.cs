using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Generation;
using CoIN.Models.Methods;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Learning;

/// <summary>Makes learners; a device's base model is loaded once and shared by all who open it.</summary>
public sealed class LearnerFactory : ILearnerFactory, IDisposable
{
    private readonly Action<string> warn;
    private readonly Func<ModelOptions, IModelFamily> familyOf;
    private readonly ConcurrentDictionary<(string Source, string Dtype, Nf4Settings? Nf4, string Device), Lazy<Shared>> bases = new();

    // A picture comes again in every stage.
    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);

    /// <summary>Of the families that there are.</summary>
    /// <param name="warn">
    /// Receives sentences about what is unusual but not wrong: tensors that only an index names, samples without an answer.
    /// </param>
    public LearnerFactory(Action<string> warn)
        : this(warn, ModelFamilies.Of) { }

    /// <summary>Of given families.</summary>
    internal LearnerFactory(Action<string> warn, Func<ModelOptions, IModelFamily> familyOf) =>
        (this.warn, this.familyOf) = (warn, familyOf);

    /// <summary>The methods that do something within training.</summary>
    internal TrainingMethods Methods { get; init; } = TrainingMethods.Known;

    /// <inheritdoc/>
    public ILearner Open(ExperimentOptions options, string device, int threads)
    {
        TorchLibrary.ThrowIfUnusable();

        // Torch keeps this number for each thread; a worker's thread has to set it itself, and first.
        set_num_threads(threads);
        var model = options.Model;
        var family = familyOf(model);
        var shared = bases.GetOrAdd((family.SourceOf(model), model.Dtype, ModelFiles.Nf4Of(model), device), key => new Lazy<Shared>(() =>
            new Shared(Quantized(family, model, family.Load(model, TorchNames.Dtype(key.Dtype), TorchNames.Device(key.Device), warn)))
        ));
        var within = options.Lora.From is null ? family.AdapterWithin(model) : null;
        if (within is not null)
        {
            WarnOnce(
                $"{within} holds a LoRA beside the base model: the first stage begins with it, and zero-shot answers with it. lora.from names another."
            );
        }

        return new Learner(shared.Value.Loaded, shared.Value.Features, options, Methods, WarnOnce, within);
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

    public void Dispose()
    {
        foreach (var shared in bases.Values.Where(shared => shared.IsValueCreated))
        {
            shared.Value.Features.Dispose();
            shared.Value.Loaded.Model.Dispose();
        }
    }

    private void WarnOnce(string sentence)
    {
        if (told.TryAdd(sentence, true))
        {
            warn(sentence);
        }
    }

    private sealed class Shared(LoadedModel loaded)
    {
        public LoadedModel Loaded { get; } = loaded;

        /// <summary>Features of test pictures, for all sessions on the device.</summary>
        public FeatureCache Features { get; } = new(loaded.Model);
    }
}
