using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Runs;

/// <summary>Who judges a run. Neither the model nor the images are needed to change it.</summary>
public static class JudgeAppointments
{
    /// <summary>Appoints a judge to a run that has everything but judgements.</summary>
    /// <returns>What is to be written to the journal: nothing where the judge has the run, and judged nothing as another one.</returns>
    /// <exception cref="CoinException">The run needs its model before it can be judged, or its test files have changed.</exception>
    public static IReadOnlyList<RunEvent> Appoint(RunState state, JudgeOptions judge, IBenchmarkWork work)
    {
        var runId = state.Started!.RunId;
        if (Plan.Pending(state).Count(item => item is not JudgeCell) is > 0 and var left)
        {
            throw new CoinException(
                $"The run {runId} is {state.Abandoned().Status.ToString().ToLowerInvariant()}: {left} pieces of its work need the model. "
                + $"Let it come to its end first: ./run.sh resume {runId}");
        }

        for (var task = 0; task < state.Options.Tasks.Count; task++)
        {
            _ = RunFiles.TestSet(state, task, work);
        }

        // What it judged as another one, for instance by a former version of its rule, is judged again.
        var identity = JudgeIdentity.Of(judge);
        return state.Judges.GetValueOrDefault(judge.Name) == judge
            && state.Judgements.Values.All(one => one.Judge != judge.Name || one.Identity == identity)
            ? []
            : [new JudgeAppointed(judge)];
    }

    /// <summary>Asks a judge no more; what it judged stays. A run that lacked nothing but its judgements is completed by it.</summary>
    /// <returns>What is to be written to the journal.</returns>
    /// <exception cref="CoinException">The run has no such judge.</exception>
    public static IReadOnlyList<RunEvent> Dismiss(RunState state, string judge)
    {
        if (!state.Judges.ContainsKey(judge))
        {
            throw new CoinException(
                $"The run {state.Started!.RunId} has no judge {judge}; "
                + $"it has {(state.Judges.Count == 0 ? "none" : string.Join(", ", state.Judges.Keys))}.");
        }

        RunEvent dismissed = new JudgeDismissed(judge);
        return Plan.IsFinished(state.After([dismissed])) ? [dismissed, new RunCompleted()] : [dismissed];
    }
}
