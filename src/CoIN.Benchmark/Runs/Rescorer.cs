using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// Scores a run again from its predictions: after a change of the rules, and for runs older than corrected scoring. It needs neither the
/// model nor the images.
/// </summary>
public static class Rescorer
{
    /// <summary>Scores all cells that a run has, and writes their scores files.</summary>
    /// <returns>What is to be written to the journal, and the cells that it changes in the order of stages and tasks.</returns>
    /// <exception cref="CoinException">
    /// The run's predictions or test files are not those of then, or a scores file cannot be written.
    /// </exception>
    public static (IReadOnlyList<RunEvent> Events, IReadOnlyList<RescoredCell> Changes) Rescore(
        string runFolder,
        RunState state,
        IBenchmarkWork work,
        CancellationToken stop
    )
    {
        var again = new List<(CellScored Before, CellRescored After)>();
        foreach (var column in state.Cells.Values.GroupBy(cell => cell.Task).OrderBy(group => group.Key))
        {
            var samples = RunFiles.TestSet(state, column.Key, work);
            foreach (var cell in column.OrderBy(cell => cell.Stage))
            {
                stop.ThrowIfCancellationRequested();
                if (Rescore(runFolder, state, cell, samples, work) is { } rescored)
                {
                    again.Add((cell, rescored));
                }
            }
        }

        return (
            [.. again.Select(one => one.After)],
            [.. again.OrderBy(one => (one.After.Stage, one.After.Task)).Select(one => Change(state, one.Before, one.After))]
        );
    }

    private static RescoredCell Change(RunState state, CellScored before, CellRescored after) =>
        new(before.Stage, state.TaskNames[before.Task], before.Accuracy, after.Accuracy, before.Corrected, after.Corrected);

    /// <returns>What is to be written to the journal, the scores file being in its place; null where nothing has changed.</returns>
    private static CellRescored? Rescore(
        string runFolder,
        RunState state,
        CellScored cell,
        IReadOnlyList<TestSample> samples,
        IBenchmarkWork work
    )
    {
        RunFiles.RequirePredictions(runFolder, state, cell);
        var task = state.Options.Tasks[cell.Task];
        var scores = work.Score(task, samples, work.ReadPredictions(Path.Combine(runFolder, cell.File)));
        var file = RunPaths.Scores(cell.Stage, task.Name);
        var path = Path.Combine(runFolder, file);

        // Written even where the numbers are the same, for the file may be missing or damaged. A kill before the event leaves a file that
        // the journal does not know: then this is simply done again.
        work.WriteScores(path, scores.Scores);
        var again = new CellRescored(
            cell.Stage,
            cell.Task,
            scores.Accuracy,
            scores.Samples,
            scores.Corrected,
            scores.CorrectedSamples,
            file,
            Durable.Sha256(path)
        );
        var same =
            cell.Accuracy == again.Accuracy
            && cell.Samples == again.Samples
            && cell.Corrected == again.Corrected
            && cell.CorrectedSamples == again.CorrectedSamples
            && cell.ScoresFile == file
            && cell.ScoresSha256 == again.ScoresSha256;
        return same ? null : again;
    }
}
