using CoIN.Benchmark.Experiments;

namespace CoIN.Models.Methods;

/// <summary>What a method does within training.</summary>
/// <param name="Key">That of its curriculum among <see cref="Benchmark.Methods.LearningMethods"/>.</param>
/// <param name="Create">Makes it for one stage, from the experiment's options.</param>
internal sealed record TrainingMethodEntry(string Key, Func<ExperimentOptions, TrainingMethod> Create);

/// <summary>The methods that do something within training; the others are curricula alone.</summary>
internal sealed class TrainingMethods(params IReadOnlyList<TrainingMethodEntry> entries)
{
    private readonly Dictionary<string, TrainingMethodEntry> entries = entries.ToDictionary(entry => entry.Key, StringComparer.Ordinal);

    // The one place where a method's training is made known.
    public static TrainingMethods Known { get; } = new();

    /// <summary>A stage's part of an experiment's method; null where the method changes nothing within training.</summary>
    public TrainingMethod? Create(ExperimentOptions options) =>
        entries.TryGetValue(options.Method, out var entry) ? entry.Create(options) : null;
}
