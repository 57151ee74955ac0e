using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>What a supervisor does next.</summary>
/// <param name="Offers">What is to be offered to workers.</param>
/// <param name="End">What ends the run, the word of its end last; nothing while it goes on.</param>
/// <param name="Faults">The judges' faults from now on.</param>
internal sealed record NextStep(IReadOnlyList<WorkItem> Offers, IReadOnlyList<RunEvent> End, JudgeFaults Faults);

/// <summary>What becomes of a run by a piece of work that failed.</summary>
internal enum FailureMeans
{
    /// <summary>Another worker is to try.</summary>
    AnotherWorker,

    /// <summary>The judge is asked again when the rest is done.</summary>
    JudgeRests,

    /// <summary>The judge is not asked again, and the run is none the worse for it.</summary>
    JudgeGivenUp,

    /// <summary>The run ends.</summary>
    EndOfRun,
}

/// <summary>What a run's supervisor decides: functions of the run's state, of what is in hand and of what a worker says.</summary>
internal static class RunDecisions
{
    /// <summary>Offers what is missing, waits for what is in hand, or ends.</summary>
    /// <param name="inHand">What is offered or being done.</param>
    /// <param name="ending">With what the run is to end before it has everything; null otherwise.</param>
    public static NextStep Next(RunState state, IReadOnlyCollection<WorkItem> inHand, JudgeFaults faults, RunEvent? ending)
    {
        if (ending is null)
        {
            var pending = Plan.Pending(state);
            faults = faults.At(pending);
            var known = inHand.Select(one => one.Key()).ToHashSet();
            List<WorkItem> offers = [.. faults.Possible(pending).Where(item => !known.Contains(item.Key()))];
            if (offers.Count + inHand.Count > 0)
            {
                return new NextStep(offers, [], faults);
            }

            ending = new RunCompleted();
        }

        return new NextStep([], inHand.Count > 0 ? [] : [.. ending is RunCompleted ? faults.GivenUp : [], ending], faults);
    }

    /// <summary>
    /// The event to write of what a worker says; null where the run has that already, or has no use for it. A <see cref="RunFailed"/> is
    /// the end that the run comes to.
    /// </summary>
    public static RunEvent? EventOf(WorkReport report, RunState state) =>
        report switch
        {
            ModelLoaded loaded => EventOf(loaded, state),
            CheckpointWritten written => EventOf(written, state),
            AdapterWritten written => EventOf(written, state),
            ShardWritten written => EventOf(written, state),
            CellWritten written => EventOf(written, state),
            JudgementsWritten written => EventOf(written, state),
            CheckpointLost lost => state.Checkpoints.GetValueOrDefault(lost.Stage)?.Folder == lost.Folder
                ? new CheckpointDiscarded(lost.Stage, lost.Reason)
                : null,
            _ => null,
        };

    /// <summary>
    /// What a failure means. Training and testing go on without a judge, and a run that lacks nothing but judgements is none the worse for
    /// a judge that fails.
    /// </summary>
    /// <param name="severalHosts">Whether it may be the worker's host that is sick, and another one healthy.</param>
    /// <param name="ending">Whether nothing new is begun.</param>
    /// <returns>With the judges' faults from now on.</returns>
    public static (FailureMeans Means, JudgeFaults Faults) OfFailure(
        WorkItem item,
        string message,
        RunState state,
        JudgeFaults faults,
        bool severalHosts,
        bool ending
    )
    {
        if (item is not JudgeCell cell)
        {
            var elsewhere = severalHosts && !ending && item is AnswerShard or ScoreCell;
            return (elsewhere ? FailureMeans.AnotherWorker : FailureMeans.EndOfRun, faults);
        }

        faults = faults.With(cell.Judge, message, nothingElseLeft: Plan.Pending(state).All(one => one is JudgeCell));
        return (faults.IsGivenUp(cell.Judge) ? FailureMeans.JudgeGivenUp : FailureMeans.JudgeRests, faults);
    }

    /// <summary>
    /// The events to write of a result that another run has computed; null where that run had another base model, so that it is no result
    /// of this one.
    /// </summary>
    /// <param name="model">SHA-256 of the base model with which it was computed.</param>
    public static IReadOnlyList<RunEvent>? OfTakenOver(RunEvent result, string model, RunState state) =>
        state.BaseModelSha256 is null ? [new BaseModelLoaded(model), result]
        : state.BaseModelSha256 == model ? [result]
        : null;

    private static RunEvent? EventOf(ModelLoaded loaded, RunState state)
    {
        if (state.BaseModelSha256 is not { } then)
        {
            return new BaseModelLoaded(loaded.Sha256);
        }

        return then == loaded.Sha256
            ? null
            : new RunFailed(
                $"The base model in {state.Options.Model.Name()} is not the one this run began with (SHA-256 {loaded.Sha256[..12]}…, then {then[..12]}…). "
                    + "Put the former files back, or start a new run."
            );
    }

    private static CheckpointSaved? EventOf(CheckpointWritten written, RunState state) =>
        state.Trained.ContainsKey(written.Stage)
        || (state.Checkpoints.GetValueOrDefault(written.Stage) is { } saved && !IsNews(written, saved))
            ? null
            : new CheckpointSaved(written.Stage, written.Step, written.Folder, written.Sha256) { Validation = written.Validation };

    /// <summary>A later checkpoint, or the same one with a loss that it lacked.</summary>
    private static bool IsNews(CheckpointWritten written, CheckpointSaved saved) =>
        written.Step > saved.Step || (written.Step == saved.Step && saved.Validation is null && written.Validation is not null);

    private static StageTrained? EventOf(AdapterWritten written, RunState state) =>
        state.Trained.ContainsKey(written.Stage.Stage)
            ? null
            : new StageTrained(
                written.Stage.Stage,
                state.Curriculum.Stage(written.Stage.Stage).Name,
                written.Folder,
                written.AdapterSha256,
                written.ProjectorSha256,
                written.Steps,
                written.FinalLoss,
                written.Tokens,
                written.Seconds
            )
            {
                FolderSha256 = written.FolderSha256,
                Computation = written.Computation,
                Validation = written.Validation is { } last
                    ?
                    [
                        .. state
                            .Validations.Where(one => one.Key.Stage == written.Stage.Stage && one.Key.Step < last.Step)
                            .Select(one => one.Value),
                        last,
                    ]
                    : null,
            };

    private static ShardAnswered? EventOf(ShardWritten written, RunState state)
    {
        var shard = written.Shard;
        return state.Cells.ContainsKey((shard.Stage, shard.Task)) || state.Shards.ContainsKey((shard.Stage, shard.Task, shard.Shard))
            ? null
            : new ShardAnswered(
                shard.Stage,
                shard.Task,
                shard.Shard,
                shard.Shards,
                written.File,
                written.Sha256,
                written.Samples,
                written.Seconds
            )
            {
                Computation = written.Computation,
            };
    }

    private static CellScored? EventOf(CellWritten written, RunState state)
    {
        var cell = written.Cell;
        return state.Cells.ContainsKey((cell.Stage, cell.Task))
            ? null
            : new CellScored(cell.Stage, cell.Task, written.Accuracy, written.Samples, written.File, written.Sha256)
            {
                Corrected = written.Corrected,
                CorrectedSamples = written.CorrectedSamples,
                ScoresFile = written.ScoresFile,
                ScoresSha256 = written.ScoresSha256,
                Computations = Computations(state, cell),
            };
    }

    /// <summary>Where the parts of a cell were answered; null where a former program did not write it down for one of them.</summary>
    private static IReadOnlyList<Computation>? Computations(RunState state, ScoreCell cell)
    {
        var parts = state
            .Shards.Values.Where(shard => shard.Stage == cell.Stage && shard.Task == cell.Task)
            .OrderBy(shard => shard.Shard)
            .ToList();
        return parts.Count == 0 || parts.Exists(shard => shard.Computation is null)
            ? null
            : [.. parts.Select(shard => shard.Computation!).Distinct()];
    }

    private static CellJudged? EventOf(JudgementsWritten written, RunState state)
    {
        var cell = written.Cell;
        var known = state.Judgements.GetValueOrDefault((cell.Stage, cell.Task, cell.Judge))?.Identity == cell.Identity;
        return known || !state.Judges.TryGetValue(cell.Judge, out var judge)
            ? null
            : new CellJudged(
                cell.Stage,
                cell.Task,
                cell.Judge,
                judge.Kind,
                judge.Model ?? judge.Path,
                cell.Identity,
                written.Published,
                written.Corrected,
                written.Samples,
                written.Unparsable,
                written.File,
                written.Sha256
            )
            {
                Unscored = written.Unscored is { Count: > 0 } unscored ? unscored : null,
            };
    }
}
