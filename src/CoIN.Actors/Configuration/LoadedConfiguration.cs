using CoIN.Benchmark.Experiments;

namespace CoIN.Actors.Configuration;

/// <summary>What has to be made before a run can read its data.</summary>
public enum DataPreparation
{
    /// <summary>Nothing: the data are the user's own.</summary>
    None,

    /// <summary>The miniature tasks are drawn into the data folder where they are missing.</summary>
    Mini,
}

/// <summary>A configuration that was read, composed and found valid.</summary>
/// <param name="Options">The experiment.</param>
/// <param name="Node">This process's share in it.</param>
/// <param name="Preparation">What to make first.</param>
/// <param name="EffectiveText">
/// The whole configuration as HOCON with absolute paths, every key present: loading it gives the same records again.
/// </param>
public sealed record LoadedConfiguration(
    ExperimentOptions Options, NodeSettings Node, DataPreparation Preparation, string EffectiveText);
