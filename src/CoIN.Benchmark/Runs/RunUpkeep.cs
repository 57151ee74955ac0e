namespace CoIN.Benchmark.Runs;

/// <summary>
/// What a run's events do in its folder. No event needs what is deleted: should a process end in between, it is deleted later.
/// </summary>
/// <param name="severalHosts">Whether workers of several hosts write there, each under the names of its assignments.</param>
/// <param name="warn">Is told what cannot be deleted: it is in nobody's way.</param>
public sealed class RunUpkeep(string runFolder, bool severalHosts, IBenchmarkWork work, Action<string> warn)
{
    /// <summary>Gives an adapter that a worker wrote under the name of its assignment its own name, before the event is written.</summary>
    /// <returns>The event, with the folder's name as it is now.</returns>
    /// <exception cref="CoinException">It is not there, or cannot be moved.</exception>
    public RunEvent PutInPlace(RunEvent happened)
    {
        if (!severalHosts || happened is not StageTrained trained || RunPaths.Adapter(trained.Stage, trained.Task) is not { } place)
        {
            return happened;
        }

        if (place != trained.Folder)
        {
            RunFiles.PutInPlace(runFolder, trained.Folder, place, trained.FolderSha256);
        }

        return trained with
        {
            Folder = place,
        };
    }

    /// <summary>Deletes what an event that is written has made superfluous.</summary>
    /// <param name="item">The piece of work that the event is the end of, or a step in.</param>
    public void After(RunEvent happened, WorkItem item, RunState state)
    {
        switch (happened)
        {
            case CheckpointSaved saved:
                var name = state.Curriculum.Stage(saved.Stage).Name;
                RunFiles.DeleteCheckpoints(runFolder, saved.Stage, name, before: saved.Folder, warn);
                break;
            case StageTrained trained:
                RunFiles.DeleteCheckpoints(runFolder, trained.Stage, trained.Task, before: null, warn);
                break;
            case CellScored when item is ScoreCell cell:
                RunFiles.Delete(runFolder, cell.Files.Items, warn);
                break;
        }
    }

    /// <summary>Leaves the folder of a run that ended as people are to find it: tidy, with its reports.</summary>
    /// <returns>
    /// Why the reports could not be written; null where they could. The journal has everything: they can be written again.
    /// </returns>
    public string? AtTheEnd(RunState state)
    {
        if (severalHosts)
        {
            RunFiles.Tidy(runFolder, state, warn);
        }
        else
        {
            // Parts of tests that a process before this one, or an evaluator that was too slow, had written and no event named.
            RunFiles.DeleteSpent(runFolder, state, warn);
        }

        try
        {
            work.WriteReports(runFolder, state);
            return null;
        }
        catch (CoinException e)
        {
            return e.Message;
        }
    }
}
