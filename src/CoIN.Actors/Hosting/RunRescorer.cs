using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Scores a run again from its predictions: after a change of the rules, and for runs older than corrected scoring. It needs neither the model nor the images.
/// </summary>
public static class RunRescorer
{
    /// <summary>Scores all cells that the run has, writes what differs to the journal, and the reports anew.</summary>
    /// <exception cref="CoinException">
    /// The run has not begun, another process drives it, its predictions or test files are not those of then, or something cannot be written.
    /// </exception>
    public static async Task<Rescoring> RescoreAsync(string runFolder, IBenchmarkWork work, CancellationToken stop)
    {
        using var held = RunLock.Take(runFolder);
        var state = RunJournal.Read(runFolder) ?? throw new CoinException($"The run in {runFolder} has not begun; there is nothing to score.");
        var events = new List<RunEvent>();
        var changes = new List<RescoredCell>();
        foreach (var column in state.Cells.Values.GroupBy(cell => cell.Task).OrderBy(group => group.Key))
        {
            var samples = Test(state, column.Key, work);
            foreach (var cell in column.OrderBy(cell => cell.Stage))
            {
                stop.ThrowIfCancellationRequested();
                if (Rescore(runFolder, state, cell, samples, work) is { } again)
                {
                    events.Add(again);
                    changes.Add(new RescoredCell(
                        cell.Stage, state.TaskNames[cell.Task], cell.Accuracy, again.Accuracy, cell.Corrected, again.Corrected));
                }
            }
        }

        var last = events.Count > 0 ? await JournalAppender.AppendAsync(state.Started!.RunId, runFolder, events).ConfigureAwait(false) : state;
        return new Rescoring(
            state.Cells.Count, [.. changes.OrderBy(change => change.Stage).ThenBy(change => state.TaskNames.ToList().IndexOf(change.Task))],
            work.WriteReports(runFolder, last));
    }

    /// <summary>The test set as it was when the run began.</summary>
    internal static IReadOnlyList<TestSample> Test(RunState state, int index, IBenchmarkWork work)
    {
        var task = state.Options.Tasks[index];
        var file = $"{task.Folder}/{task.TestFile}";
        var path = Path.Combine(state.Options.Data.Instructions, file);
        if (state.Started!.DataSha256.TryGetValue(file, out var sha256) && (!File.Exists(path) || Durable.Sha256(path) != sha256))
        {
            throw new CoinException(
                $"{path} {(File.Exists(path) ? "has changed since the run began" : "does not exist any more")}. Put the former file back; "
                + "to score the predictions against another file, use ./run.sh score.");
        }

        return work.Test(state.Options, task);
    }

    /// <returns>What is to be written to the journal, the scores file being in its place; null where nothing has changed.</returns>
    private static CellRescored? Rescore(string runFolder, RunState state, CellScored cell, IReadOnlyList<TestSample> samples, IBenchmarkWork work)
    {
        RunFiles.RequirePredictions(runFolder, state, cell);
        var task = state.Options.Tasks[cell.Task];
        var scores = work.Score(task, samples, work.ReadPredictions(Path.Combine(runFolder, cell.File)));
        var file = RunPaths.Scores(cell.Stage, task.Name);
        var path = Path.Combine(runFolder, file);

        // Written even where the numbers are the same, for the file may be missing or damaged. A kill before the event leaves a file that the journal does not know:
        // then this is simply done again.
        work.WriteScores(path, scores.Scores);
        var again = new CellRescored(
            cell.Stage, cell.Task, scores.Accuracy, scores.Samples, scores.Corrected, scores.CorrectedSamples, file, Durable.Sha256(path));
        var same = cell.Accuracy == again.Accuracy && cell.Samples == again.Samples && cell.Corrected == again.Corrected
            && cell.CorrectedSamples == again.CorrectedSamples && cell.ScoresFile == file && cell.ScoresSha256 == again.ScoresSha256;
        return same ? null : again;
    }
}
