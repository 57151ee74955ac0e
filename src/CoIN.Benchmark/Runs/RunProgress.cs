using System.Diagnostics;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Runs;

/// <summary>What goes on in a run right now, beside what has happened: for snapshots only, nothing is decided by it.</summary>
public sealed class RunProgress
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Dictionary<(int Stage, int Task, int Shard), int> answered = [];
    private readonly Dictionary<(int Stage, int Task, string Judge), int> judged = [];
    private readonly List<double> stageSeconds = [];
    private TrainingProgress? training;
    private TimeSpan trainingSeen;
    private double trainingFirstStep;
    private long samples;
    private double sampleSeconds;
    private TimeSpan lastEvent;

    /// <summary>An event was written: the times in the state are as of now.</summary>
    public void Happened() => lastEvent = clock.Elapsed;

    public void Trained(StageTrained stage)
    {
        training = null;
        if (stage.TakenFrom is null)
        {
            stageSeconds.Add(stage.Seconds);
        }
    }

    public void Training(TrainingProgress progress)
    {
        if (training?.Stage != progress.Stage)
        {
            (trainingSeen, trainingFirstStep) = (clock.Elapsed, progress.Steps);
        }

        training = progress;
    }

    public void Answered(int stage, int task, int shard, int count) => answered[(stage, task, shard)] = count;

    public void Answered(ShardAnswered shard)
    {
        answered.Remove((shard.Stage, shard.Task, shard.Shard));
        samples += shard.Samples;
        sampleSeconds += shard.Seconds;
    }

    public void Judged(int stage, int task, string judge, int count) => judged[(stage, task, judge)] = count;

    public void Judged(int stage, int task, string judge) => judged.Remove((stage, task, judge));

    /// <summary>The state with what goes on.</summary>
    /// <param name="driven">Whether the run's end is still to come: a completed run that is judged again runs until then.</param>
    public RunSnapshot Snapshot(RunState state, int evaluators, bool driven)
    {
        var snapshot = state.ToSnapshot();
        return !driven || state.Status is not (RunStatus.Running or RunStatus.Completed)
            ? snapshot
            : snapshot with
            {
                Status = RunStatus.Running,
                Training = training,
                Evaluations =
                [
                    .. answered
                        .Keys.Select(key => (key.Stage, key.Task))
                        .Distinct()
                        .Order()
                        .Select(cell => Evaluation(state, cell.Stage, cell.Task)),
                ],
                Judging =
                [
                    .. judged
                        .OrderBy(pair => pair.Key)
                        .Select(pair => new JudgingProgress(
                            pair.Key.Stage,
                            state.TaskNames[pair.Key.Task],
                            pair.Key.Judge,
                            pair.Value,
                            state.Started!.TestSamples[pair.Key.Task]
                        )),
                ],
                Elapsed = state.Status == RunStatus.Completed ? clock.Elapsed : state.Driven + clock.Elapsed - lastEvent,
                Remaining = Remaining(state, Math.Max(evaluators, 1)),
            };
    }

    private EvaluationProgress Evaluation(RunState state, int stage, int task)
    {
        var done = state.Shards.Values.Where(shard => shard.Stage == stage && shard.Task == task).Sum(shard => shard.Samples);
        var now = answered.Where(pair => pair.Key.Stage == stage && pair.Key.Task == task).Sum(pair => pair.Value);
        return new EvaluationProgress(stage, state.TaskNames[task], done + now, state.Started!.TestSamples[task]);
    }

    /// <summary>
    /// Training and evaluating go on side by side: the slower of the two decides, and the last stage's evaluation comes after its training
    /// in any case.
    /// </summary>
    private TimeSpan? Remaining(RunState state, int evaluators)
    {
        var tests = state.Started!.TestSamples;
        var curriculum = state.Curriculum;
        var left =
            curriculum.Cells.Sum(cell => tests[cell.Task])
            - state.Cells.Keys.Sum(cell => tests[cell.Task])
            - state.Shards.Values.Sum(shard => shard.Samples)
            - answered.Values.Sum();
        var perSample = samples > 0 ? sampleSeconds / samples / evaluators : (double?)null;
        if (curriculum.Trained.Count == 0)
        {
            return perSample is { } each ? TimeSpan.FromSeconds(left * each) : null;
        }

        var done = training is null ? 0 : training.Steps - trainingFirstStep;
        var perStep = done > 0 ? (clock.Elapsed - trainingSeen).TotalSeconds / done : (double?)null;
        var perStage = stageSeconds.Count > 0 ? stageSeconds.Average() : perStep * training?.TotalSteps;
        var stagesLeft = curriculum.Trained.Count - state.Trained.Count;
        if (perStage is null && stagesLeft > 0)
        {
            return null;
        }

        var inStage = training is null ? 0 : training.Steps / training.TotalSteps;
        var train = (stagesLeft - inStage) * (perStage ?? 0);
        var evaluate = left * (perSample ?? 0);
        var last = stagesLeft > 0 ? curriculum.Stages[^1].Tests.Sum(task => tests[task]) * (perSample ?? 0) : 0;
        return TimeSpan.FromSeconds(Math.Max(0, Math.Max(train + last, evaluate)));
    }
}
