using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Configuration;
using CoIN.Models.Planning;

namespace CoIN.Cli.Views;

/// <summary>What the runs of an experiment compute, each result counted once where they share results.</summary>
/// <param name="Steps">Null where it depends on data that are not there yet.</param>
/// <param name="Stages">Those that are trained: of which run, and the positions to train on.</param>
/// <param name="SharedStages">Stages that a run takes over from another.</param>
internal sealed record PlannedTogether(
    int? Steps,
    int Tests,
    IReadOnlyList<(int Run, double? Tokens)> Stages,
    int SharedStages,
    int SharedTests
)
{
    public double? Tokens => Stages.Aggregate((double?)0, (sum, stage) => sum + stage.Tokens);

    public static PlannedTogether Of(
        ExperimentRuns experiment,
        IReadOnlyList<ExperimentOptions> options,
        IReadOnlyList<ExperimentPlan> plans
    )
    {
        var (trained, tested) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        var (stages, steps, tests, sharedStages, sharedTests) = (new List<(int, double?)>(), (int?)0, 0, 0, 0);
        foreach (var (run, plan) in plans.Index())
        {
            var work = SharedForecast.Of(options[run]);
            foreach (var (place, stage) in plan.Stages.Index())
            {
                if (trained.Add(work.Stages[place]) || !experiment.Reuse)
                {
                    // What a method computes beside the steps is told for the run as a whole: each stage has its part.
                    stages.Add((run, stage.Tokens + (plan.MethodTokens / (double)plan.Stages.Count)));
                    steps += stage.Steps;
                }
                else
                {
                    sharedStages++;
                }
            }

            var own = work.Tests.Count(key => tested.Add(key) || !experiment.Reuse);
            (tests, sharedTests) = (tests + own, sharedTests + work.Tests.Count - own);
        }

        return new PlannedTogether(steps, tests, stages, sharedStages, sharedTests);
    }

    /// <summary>Time for training; null where tokens or a run's speed are not known.</summary>
    public TimeSpan? Time(Func<int, TrainingSpeed?> speed)
    {
        var times = Stages.Select(stage => TrainingSpeed.Time(stage.Tokens, speed(stage.Run))).ToList();
        return times.Contains(null) ? null : TimeSpan.FromSeconds(Math.Ceiling(times.Sum(time => time!.Value.TotalSeconds)));
    }
}
