using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Adapters.OLora;

namespace CoIN.Models.Methods;

/// <summary>What a method does within training.</summary>
/// <param name="Key">That of its curriculum among <see cref="Benchmark.Methods.LearningMethods"/>.</param>
/// <param name="Create">Makes it for one stage, from the experiment's options; null where it has no hooks.</param>
/// <param name="Adapter">The kind of adapter that it trains, from the experiment's options; null for LoRA.</param>
internal sealed record TrainingMethodEntry(
    string Key,
    Func<ExperimentOptions, TrainingMethod>? Create,
    Func<ExperimentOptions, IAdapterKind>? Adapter = null
);

/// <summary>The methods that do something within training; the others are curricula alone.</summary>
internal sealed class TrainingMethods(params IReadOnlyList<TrainingMethodEntry> entries)
{
    private readonly Dictionary<string, TrainingMethodEntry> entries = entries.ToDictionary(entry => entry.Key, StringComparer.Ordinal);

    // The one place where a method's training is made known.
    public static TrainingMethods Known { get; } =
        new(
            new TrainingMethodEntry(MoeLoraOptions.Key, null, options => new MoeLoraKind(options.OptionsOf<MoeLoraOptions>().Experts)),
            new TrainingMethodEntry(EwcOptions.Key, options => new Ewc(options.OptionsOf<EwcOptions>())),
            new TrainingMethodEntry(LwfOptions.Key, options => new Lwf(options.OptionsOf<LwfOptions>())),
            new TrainingMethodEntry(ReplayOptions.Key, options => new Replay(options.OptionsOf<ReplayOptions>())),
            new TrainingMethodEntry(EmaOptions.Key, options => new Ema(options.OptionsOf<EmaOptions>())),
            new TrainingMethodEntry(OLoraOptions.Key, options => new OLora(options.OptionsOf<OLoraOptions>()), _ => new OLoraKind()),
            new TrainingMethodEntry(RegLoraOptions.Key, options => new RegLora(options.OptionsOf<RegLoraOptions>()), _ => new OLoraKind())
        );

    /// <summary>A stage's part of an experiment's method; null where the method changes nothing within training.</summary>
    public TrainingMethod? Create(ExperimentOptions options) => entries.GetValueOrDefault(options.Method)?.Create?.Invoke(options);

    /// <summary>The kind of adapter that an experiment's method trains.</summary>
    public IAdapterKind Adapter(ExperimentOptions options) =>
        entries.GetValueOrDefault(options.Method)?.Adapter?.Invoke(options) ?? AdapterKinds.Lora;
}
