using CoIN.Actors.Hosting;
using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration;

/// <summary>A configuration that was read, composed and found valid.</summary>
/// <param name="Options">The experiment.</param>
/// <param name="Node">This process's share in it.</param>
/// <param name="Preparation">Name of what makes the data where they are missing; null where they are the user's own.</param>
/// <param name="EffectiveText">
/// The whole configuration as HOCON with absolute paths, every key present: loading it gives the same records again.
/// </param>
public sealed record LoadedConfiguration(ExperimentOptions Options, NodeSettings Node, string? Preparation, string EffectiveText)
{
    /// <summary>The experiment with the paths at which this host has its files: for whoever opens them.</summary>
    public ExperimentOptions Here => Node.Local.Here(Options);
}
