using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Runs;

/// <summary>Who judges a run. Neither the model nor the images are needed to change it.</summary>
public static class JudgeAppointments
{
    /// <summary>Appoints a judge to a run that has everything but judgements.</summary>
    /// <param name="name">What the run is called on the command line: its folder's name, which may be that of a copy.</param>
    /// <returns>What is to be written to the journal: nothing where the judge has the run, and judged nothing as another one.</returns>
    /// <exception cref="CoinException">The run needs its model before it can be judged, or its test files have changed.</exception>
    public static IReadOnlyList<RunEvent> Appoint(string name, RunState state, JudgeOptions judge, IBenchmarkWork work)
    {
        if (Plan.Pending(state).Count(item => item is not JudgeCell) is > 0 and var left)
        {
            throw new CoinException(
                $"The run {name} is {state.Abandoned().Status.ToString().ToLowerInvariant()}: {Plural.Of(left, "piece of its work needs", "pieces of its work need")} the model. "
                    + $"Let it come to its end first: ./run.sh resume {name}"
            );
        }

        for (var task = 0; task < state.Options.Tasks.Count; task++)
        {
            _ = RunFiles.TestSet(state, task, work);
        }

        // What it judged as another one, for instance by a former version of its rule, is judged again.
        var identity = JudgeIdentity.Of(judge);
        return
            state.Judges.GetValueOrDefault(judge.Name) == judge
            && state.Judgements.Values.All(one => one.Judge != judge.Name || one.Identity == identity)
            ? []
            : [new JudgeAppointed(judge)];
    }

    /// <summary>Asks a judge no more; what it judged stays. A run that lacked nothing but its judgements is completed by it.</summary>
    /// <param name="name">As in <see cref="Appoint"/>.</param>
    /// <returns>What is to be written to the journal.</returns>
    /// <exception cref="CoinException">The run has no such judge.</exception>
    public static IReadOnlyList<RunEvent> Dismiss(string name, RunState state, string judge)
    {
        if (!state.Judges.ContainsKey(judge))
        {
            throw new CoinException(
                $"The run {name} has no judge {judge}; "
                    + $"it has {(state.Judges.Count == 0 ? "none" : string.Join(", ", state.Judges.Keys))}."
            );
        }

        RunEvent dismissed = new JudgeDismissed(judge);
        return Plan.IsFinished(state.After([dismissed])) ? [dismissed, new RunCompleted()] : [dismissed];
    }
}
