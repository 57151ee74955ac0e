namespace CoIN.Benchmark.Experiments;

/// <summary>What is written down of an experiment of several runs before any of them begins.</summary>
/// <param name="Id">Its folder's name then; the runs' ids begin with it.</param>
/// <param name="Name">As the configuration calls it.</param>
/// <param name="Program">The version that began it: results of another one are not shared.</param>
/// <param name="Runs">What it varies, and its runs.</param>
public sealed record ExperimentRecord(string Id, string Name, DateTimeOffset Created, string Program, ExperimentRuns Runs)
{
    /// <summary>Its runs with their ids, which are the names of their folders.</summary>
    public IReadOnlyList<(ExperimentRun Run, string Id)> Named() => [.. Runs.Runs.Select(run => (run, run.IdIn(Id)))];
}
