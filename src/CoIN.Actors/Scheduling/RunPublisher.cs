using Akka.Actor;
using CoIN.Actors.Protocol;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// Tells how a run stands to whoever looks on: snapshots to the observer, spans and metrics to those who measure. Nothing is decided by it.
/// </summary>
internal sealed class RunPublisher(SupervisorSettings settings) : IDisposable
{
    private readonly RunProgress progress = new();
    private readonly RunSpans spans = new(settings.RunId);
    private bool dirty;

    /// <summary>A worker is under way with something.</summary>
    public void Seen(WorkReport report)
    {
        switch (report)
        {
            case TrainingProgressed training:
                progress.Training(training.Progress);
                break;
            case EvaluationProgressed evaluation:
                progress.Answered(evaluation.Stage, evaluation.Task, evaluation.Shard, evaluation.Answered);
                break;
            case JudgingProgressed judging:
                progress.Judged(judging.Stage, judging.Task, judging.Judge, judging.Judged);
                break;
        }

        dirty = true;
    }

    /// <summary>A worker has ended a turn, or failed at it.</summary>
    public void Ended(Outcome outcome, WorkItem item)
    {
        if (outcome is WorkFailed failed)
        {
            spans.Failed(failed.Turn, failed.Message);
        }

        if (outcome is JudgementsWritten or WorkFailed && item is JudgeCell cell)
        {
            progress.Judged(cell.Stage, cell.Task, cell.Judge);
        }
    }

    /// <summary>An event is in the journal.</summary>
    public void Happened(RunEvent happened, RunState state)
    {
        if (happened is CellScored scored)
        {
            RunMetrics.Scored(new WorkPlace(settings.RunId, scored.Stage, state.TaskNames[scored.Task]), scored.Accuracy, scored.Corrected);
        }

        progress.Happened();
        dirty = true;
    }

    /// <summary>A worker's result is in the journal.</summary>
    public void Ended(RunEvent result)
    {
        switch (result)
        {
            case StageTrained trained:
                progress.Trained(trained);
                break;
            case ShardAnswered answered:
                progress.Answered(answered);
                break;
        }
    }

    /// <summary>Keeps the spans of the run's trace as its work is.</summary>
    /// <param name="ending">Whether nothing new is begun.</param>
    public void Trace(WorkInHand inHand, RunState state, bool ending)
    {
        if (!RunSpans.Wanted)
        {
            return;
        }

        var items = inHand.Items;
        spans.See(
            [
                .. inHand
                    .Begun.Select(one => (one.Turn, one.Worker, Item: inHand.ItemOf(one.Turn, one.Worker)!))
                    .Select(one => new WorkSpan(one.Turn, one.Item, TaskOf(one.Item, state), one.Worker)),
            ],
            stage => items.Concat(ending ? [] : Plan.Pending(state)).Any(item => RunSpans.StageOf(item) == stage)
        );
    }

    /// <summary>Tells the observer what has changed since it was told last.</summary>
    /// <param name="driven">Whether the run's end is still to come.</param>
    public void Publish(WorkInHand inHand, RunState state, bool driven)
    {
        if (dirty && state.Started is not null)
        {
            dirty = false;
            settings.Observer.Observe(
                progress.Snapshot(state, settings.Evaluators, driven) with
                {
                    Workers = WorkersAtWork.Of(inHand, state),
                }
            );
        }
    }

    /// <summary>The run has ended.</summary>
    /// <param name="message">Why, for people; null where there is nothing to say.</param>
    /// <returns>The last snapshot.</returns>
    public RunSnapshot Ended(RunState state, string? message)
    {
        spans.Ended(state.Status, message);
        var snapshot = state.ToSnapshot() with { Message = message };
        settings.Observer.Observe(snapshot);
        dirty = false;
        return snapshot;
    }

    public void Dispose() => spans.Dispose();

    private static string TaskOf(WorkItem item, RunState state) =>
        item switch
        {
            TrainStage train => state.Curriculum.Stage(train.Stage).Name,
            AnswerShard shard => state.TaskNames[shard.Task],
            ScoreCell cell => state.TaskNames[cell.Task],
            JudgeCell cell => state.TaskNames[cell.Task],
            _ => item.GetType().Name,
        };
}
