using CoIN.Actors.Journal;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Tests.Support;

/// <summary>Experiments of several tiny runs in a cluster.</summary>
internal static class Experiments
{
    /// <param name="runs">Names of its runs.</param>
    public static ExperimentRecord Of(params string[] runs) =>
        new(
            "e",
            "tiny",
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            ProductVersion.Current,
            new ExperimentRuns([], runs, [.. runs.Select(run => new ExperimentRun(run, run, new Dictionary<string, string>()))])
        );

    /// <summary>Writes the journal of one of its runs.</summary>
    /// <param name="then">What happened after it had its base model.</param>
    public static Task BeginAsync(ExperimentRecord experiment, string run, TemporaryFolder folder, params RunEvent[] then)
    {
        var id = $"{experiment.Id}-{run}";
        Directory.CreateDirectory(folder.Of(id));
        return JournalAppender.AppendAsync(
            id,
            folder.Of(id),
            [States.Begun(TinyExperiments.Of(2)).Started! with { RunId = id, Experiment = experiment }, new BaseModelLoaded("m"), .. then]
        );
    }
}
