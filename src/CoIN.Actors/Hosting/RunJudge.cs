using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>Changes who judges a run, by events in its journal. Neither the model nor the images are needed.</summary>
public static class RunJudge
{
    /// <summary>Appoints a judge to a run that has everything but judgements; the run's lock is held by the caller.</summary>
    /// <returns>The run's state with the judge; completed where the judge has judged everything before.</returns>
    /// <exception cref="CoinException">The run needs its model before it can be judged, or its test files have changed.</exception>
    internal static async Task<RunState> AppointAsync(string runFolder, RunState? state, JudgeOptions judge, IBenchmarkWork work)
    {
        if (state is null)
        {
            throw new CoinException($"The run in {runFolder} has not begun; there is nothing to judge.");
        }

        var runId = state.Started!.RunId;
        if (Plan.Pending(state).Count(item => item is not JudgeCell) is > 0 and var left)
        {
            throw new CoinException(
                $"The run {runId} is {state.Abandoned().Status.ToString().ToLowerInvariant()}: {left} pieces of its work need the model. Let it come to its end first: ./run.sh resume {runId}");
        }

        for (var task = 0; task < state.Options.Tasks.Count; task++)
        {
            _ = RunRescorer.Test(state, task, work);
        }

        // What it judged as another one, for instance by a former version of its rule, is judged again.
        var identity = JudgeIdentity.Of(judge);
        return state.Judges.GetValueOrDefault(judge.Name) == judge && state.Judgements.Values.All(one => one.Judge != judge.Name || one.Identity == identity)
            ? state
            : await JournalAppender.AppendAsync(runId, runFolder, [new JudgeAppointed(judge)]).ConfigureAwait(false);
    }

    /// <summary>Asks a judge no more; what it judged stays. A run that lacked nothing but its judgements is completed by it.</summary>
    /// <returns>The run's state, and its reports' paths.</returns>
    /// <exception cref="CoinException">The run has no such judge, or another process drives it.</exception>
    public static async Task<(RunState State, IReadOnlyList<string> Reports)> DismissAsync(string runFolder, string judge, IBenchmarkWork work)
    {
        using var held = RunLock.Take(runFolder);
        var state = RunJournal.Read(runFolder) ?? throw new CoinException($"The run in {runFolder} has not begun; it has no judges.");
        if (!state.Judges.ContainsKey(judge))
        {
            throw new CoinException($"The run {state.Started!.RunId} has no judge {judge}; it has {(state.Judges.Count == 0 ? "none" : string.Join(", ", state.Judges.Keys))}.");
        }

        List<RunEvent> events = [new JudgeDismissed(judge)];
        if (Plan.IsFinished(state.Apply(events[0] with { Number = state.Number + 1, At = DateTimeOffset.UtcNow })))
        {
            events.Add(new RunCompleted());
        }

        var last = await JournalAppender.AppendAsync(state.Started!.RunId, runFolder, events).ConfigureAwait(false);
        return (last, work.WriteReports(runFolder, last));
    }
}
