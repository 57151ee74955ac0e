namespace CoIN.Benchmark.Runs;

/// <summary>Has a run do again what was lost of it: by events, so that the journal says what happened.</summary>
public static class RunLosses
{
    /// <summary>
    /// Discards what is damaged and all that came of it; a lost checkpoint alone without being asked, for nothing goes with it but time.
    /// </summary>
    /// <param name="redo">Whether to discard whatever is damaged.</param>
    /// <param name="small">Whether to discard without being asked what costs little: all but trained stages.</param>
    /// <returns>What is to be written to the journal; damage that this cannot mend is not among it.</returns>
    public static IReadOnlyList<RunEvent> Discards(string runFolder, RunState state, bool redo, bool small = false) =>
        Discards(
            state,
            redo ? RunDamage.Find(runFolder, state)
                : small ? RunDamage.Find(runFolder, state, testAgain: true).Where(damage => damage.Discard is not StageDiscarded)
                : RunDamage.LostCheckpoints(runFolder, state)
        );

    /// <summary>What a discard costs, in words.</summary>
    public static string Describe(RunEvent discard, RunState state) => $"{Reason(discard)}: {Consequence(discard, state)}";

    /// <summary>Deletes the files of what a run held and holds no more.</summary>
    /// <exception cref="CoinException">Something cannot be deleted.</exception>
    public static void Delete(string runFolder, RunState before, RunState after)
    {
        try
        {
            // A stage takes with it what a killed process left of it without a word in the journal.
            foreach (var stage in before.Trained.Keys.Except(after.Trained.Keys).SelectMany(before.Curriculum.From).Distinct())
            {
                var task = before.Curriculum.Stage(stage).Name;
                DeleteFolder(Path.Combine(runFolder, RunPaths.Stage(stage, task)));
                Delete(runFolder, [RunPaths.Steps(stage, task)]);
                DeleteFolder(Path.GetDirectoryName(Path.Combine(runFolder, RunPaths.Predictions(stage, task)))!);
                DeleteFolder(Path.GetDirectoryName(Path.Combine(runFolder, RunPaths.Scores(stage, task)))!);
            }

            foreach (var checkpoint in before.Checkpoints.Values.Where(one => !after.Checkpoints.ContainsKey(one.Stage)))
            {
                DeleteFolder(
                    Path.Combine(runFolder, RunPaths.Checkpoints(checkpoint.Stage, before.Curriculum.Stage(checkpoint.Stage).Name))
                );
            }

            Delete(
                runFolder,
                before
                    .Cells.Values.Where(one => !after.Cells.ContainsKey((one.Stage, one.Task)))
                    .SelectMany(cell => new[] { cell.File, cell.ScoresFile })
                    .OfType<string>()
            );
            Delete(runFolder, before.Shards.Where(one => !after.Shards.ContainsKey(one.Key)).Select(one => one.Value.File));
            Delete(runFolder, before.Judgements.Where(one => !after.Judgements.ContainsKey(one.Key)).Select(one => one.Value.File));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"What is to be done again cannot be removed: {e.Message.TrimEnd('.')}. Make the run's folder writable, then resume it with --redo.",
                e
            );
        }
    }

    private static List<RunEvent> Discards(RunState state, IEnumerable<RunDamage> damages)
    {
        var events = new List<RunEvent>();
        foreach (var discard in damages.Select(damage => damage.Discard).OfType<RunEvent>())
        {
            // What goes with something that is discarded already needs no event of its own.
            if (IsHeld(state.After(events), discard))
            {
                events.Add(discard);
            }
        }

        return events;
    }

    private static bool IsHeld(RunState state, RunEvent discard) =>
        discard switch
        {
            CheckpointDiscarded lost => state.Checkpoints.ContainsKey(lost.Stage),
            StageDiscarded lost => state.Trained.ContainsKey(lost.Stage),
            CellDiscarded lost => state.Cells.ContainsKey((lost.Stage, lost.Task))
                || state.Shards.Keys.Any(key => (key.Stage, key.Task) == (lost.Stage, lost.Task)),
            JudgementDiscarded lost => state.Judgements.ContainsKey((lost.Stage, lost.Task, lost.Judge)),
            _ => false,
        };

    private static string Reason(RunEvent discard) =>
        discard switch
        {
            CheckpointDiscarded lost => lost.Reason,
            StageDiscarded lost => lost.Reason,
            CellDiscarded lost => lost.Reason,
            JudgementDiscarded lost => lost.Reason,
            _ => throw new ArgumentException($"{discard.GetType().Name} discards nothing", nameof(discard)),
        };

    private static string Consequence(RunEvent discard, RunState state) =>
        discard switch
        {
            CheckpointDiscarded lost => $"stage {lost.Stage} ({state.Curriculum.Stage(lost.Stage).Name}) is trained from its start",
            StageDiscarded lost =>
                $"stage {lost.Stage} ({state.Curriculum.Stage(lost.Stage).Name}) and what came of it is trained and tested again",
            CellDiscarded { Stage: 0 } lost => $"the base model is tested on {state.TaskNames[lost.Task]} again",
            CellDiscarded lost => $"{state.TaskNames[lost.Task]} after stage {lost.Stage} is tested again",
            JudgementDiscarded lost when state.Judges.ContainsKey(lost.Judge) => $"{lost.Judge} judges it again",
            JudgementDiscarded lost => $"{lost.Judge} was dismissed; these judgements are gone",
            _ => "",
        };

    private static void Delete(string runFolder, IEnumerable<string> files)
    {
        // Their folder may be gone with its stage.
        foreach (var path in files.Select(file => Path.Combine(runFolder, file)).Where(File.Exists))
        {
            File.Delete(path);
        }
    }

    private static void DeleteFolder(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
