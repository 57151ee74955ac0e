using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration;

/// <summary>A configuration with all runs that come of it.</summary>
/// <param name="Experiment">What its block <c>experiment</c> varies; null where it has none and is one run.</param>
/// <param name="Runs">The configuration of each run, in the order of <see cref="ExperimentRuns.Runs"/>.</param>
/// <param name="Notes">
/// Sentences about what is not as it was written: combinations that are the same, keys that <c>--set</c> decides.
/// </param>
public sealed record LoadedExperiment(ExperimentRuns? Experiment, IReadOnlyList<LoadedConfiguration> Runs, IReadOnlyList<string> Notes);
