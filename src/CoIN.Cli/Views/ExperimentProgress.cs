using System.Collections.Concurrent;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>The latest snapshot of each run of an experiment, and how far all of them are.</summary>
/// <param name="names">The runs' names by their ids, in their order.</param>
internal sealed class ExperimentProgress(IReadOnlyDictionary<string, string> names)
{
    private readonly ConcurrentDictionary<string, RunSnapshot> latest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, double> first = new(StringComparer.Ordinal);

    /// <summary>The runs in their order, each with its latest snapshot; null before the first.</summary>
    public IReadOnlyList<(string Name, RunSnapshot? Last)> Runs =>
        [.. names.Select(name => (name.Value, latest.GetValueOrDefault(name.Key)))];

    public void Put(RunSnapshot snapshot)
    {
        // What a run had before this process took it up says nothing about its speed.
        first.TryAdd(snapshot.RunId, Done(snapshot));

        // How long it takes is not the run's to say: it shares its devices.
        latest[snapshot.RunId] = snapshot with { Remaining = null };
    }

    /// <summary>Estimated time until all runs are done, from the speed so far; null while there is nothing to go by.</summary>
    /// <param name="elapsed">Time that this process has been driving them.</param>
    public TimeSpan? Remaining(TimeSpan elapsed)
    {
        var runs = latest.ToArray();
        var done = runs.Sum(run => Done(run.Value) - first.GetValueOrDefault(run.Key));
        var left =
            runs.Sum(run => run.Value.Status is RunStatus.Completed or RunStatus.Failed ? 0 : 1 - Done(run.Value))
            + names.Count
            - runs.Length;
        return done < 0.02 ? null : TimeSpan.FromSeconds(elapsed.TotalSeconds * left / done);
    }

    /// <summary>How the experiment stands in a few words.</summary>
    public string Counts()
    {
        var runs = Runs.Select(run => run.Last).ToList();
        var failed = runs.Count(run => run?.Status == RunStatus.Failed);
        return Words.Text($"{runs.Count(run => run?.Status == RunStatus.Completed)} of {runs.Count} runs completed")
            + (failed > 0 ? Words.Text($", {failed} failed") : "")
            + Words.Text($", {runs.Sum(run => run?.StagesTrained ?? 0)} of {runs.Sum(run => run?.Stages.Count ?? 0)} stages trained");
    }

    /// <summary>The part of a run's work that is done, a stage and the tests after it being alike.</summary>
    private static double Done(RunSnapshot run)
    {
        var cells = run.Cells.Append(run.ZeroShot).SelectMany(row => row).ToList();
        var tested = cells.Count == 0 ? 1 : cells.Count(cell => cell is not null) / (double)cells.Count;
        var inStage = run.Training is { TotalSteps: > 0 } training ? training.Steps / training.TotalSteps : 0;
        return run.Stages.Count == 0 ? tested : (((run.StagesTrained + inStage) / run.Stages.Count) + tested) / 2;
    }
}
