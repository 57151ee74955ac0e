using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Runs;

/// <summary>A piece of work that a run lacks. It names what it needs by content, and doing it twice does no harm.</summary>
public abstract record WorkItem
{
    /// <summary>Equals that of another item where both are the same work, possibly from other starting points.</summary>
    public virtual object Key() => this;

    /// <summary>Whether this is the same work as another item, possibly from another starting point.</summary>
    public bool IsSameWork(WorkItem other) => Key().Equals(other.Key());
}

/// <summary>Train a stage, from its start or from a checkpoint.</summary>
/// <param name="Adapter">Folder of the previous stage's adapter below the run's folder; null for the first stage.</param>
/// <param name="Checkpoint">Folder of the checkpoint to go on from; null for the start.</param>
public sealed record TrainStage(int Stage, string? Adapter, string? Checkpoint) : WorkItem
{
    /// <summary>Whether the checkpoint has not been validated though it was to be: a stop came between.</summary>
    public bool ValidateFirst { get; init; }

    /// <summary>The part of one of several trainers; null where one does all.</summary>
    public TeamRank? Team { get; init; }

    /// <inheritdoc/>
    public override object Key() => (nameof(TrainStage), Stage);
}

/// <summary>One of the trainers that do a stage together.</summary>
/// <param name="Rank">From 0, which makes the updates.</param>
/// <param name="Trainers">How many there are.</param>
public sealed record TeamRank(int Rank, int Trainers);

/// <summary>Answer a part of a task's test set with a stage's adapter.</summary>
/// <param name="Adapter">Folder below the run's folder; null for the base model.</param>
public sealed record AnswerShard(int Stage, int Task, int Shard, int Shards, string? Adapter) : WorkItem;

/// <summary>Put a cell's shards together and score them.</summary>
public sealed record ScoreCell(int Stage, int Task, EquatableList<string> Files) : WorkItem;

/// <summary>Let a judge give its marks to a scored cell.</summary>
/// <param name="Identity"><see cref="JudgeIdentity.Of"/> of the judge.</param>
/// <param name="File">The cell's predictions.</param>
public sealed record JudgeCell(int Stage, int Task, string Judge, string Identity, string File, string Sha256) : WorkItem;

/// <summary>A list that equals another of the same elements, so that work items compare by value.</summary>
public sealed record EquatableList<T>(IReadOnlyList<T> Items)
{
    public bool Equals(EquatableList<T>? other) => other is not null && Items.SequenceEqual(other.Items);

    public override int GetHashCode() => Items.Aggregate(17, HashCode.Combine);
}

/// <summary>
/// What to do next, as a function of what has happened. After a crash it is asked again, and that is all there is to resuming.
/// </summary>
public static class Plan
{
    /// <summary>
    /// Work that can be begun now, most urgent first; empty when the run has everything. A completed run may lack judgements.
    /// </summary>
    public static IReadOnlyList<WorkItem> Pending(RunState state)
    {
        if (state.Started is null)
        {
            return [];
        }

        var items = new List<WorkItem>();
        var curriculum = state.Curriculum;

        // The next stage needs nothing but an earlier one's adapter: evaluating and training go on side by side.
        if (curriculum.Trained.FirstOrDefault(stage => !state.Trained.ContainsKey(stage.Number)) is { } next)
        {
            var checkpoint = state.Checkpoints.GetValueOrDefault(next.Number);
            items.Add(
                new TrainStage(next.Number, next.ContinuesFrom is { } before ? state.Trained[before].Folder : null, checkpoint?.Folder)
                {
                    ValidateFirst =
                        checkpoint is { Validation: null }
                        && state.Options.Training.CheckpointEvery is > 0 and var every
                        && checkpoint.Step % every == 0
                        && state.Started.ValidationSamples is not null,
                }
            );
        }

        foreach (var stage in curriculum.Stages)
        {
            var trained = state.Trained.GetValueOrDefault(stage.Number);
            foreach (var task in stage.Trains && trained is null ? [] : stage.Tests)
            {
                AddCell(items, state, stage.Number, task, trained?.Folder);
            }
        }

        AddJudgements(items, state);
        return items;
    }

    /// <summary>Whether nothing is missing but the word that the run is completed.</summary>
    public static bool IsFinished(RunState state) =>
        state.Started is not null && state.Status != RunStatus.Completed && Pending(state).Count == 0;

    /// <summary>Parts into which a task's test set is cut.</summary>
    public static int Shards(RunState state, int task) =>
        Math.Max(1, (int)Math.Ceiling(state.Started!.TestSamples[task] / (double)state.Options.Evaluation.ShardSize));

    /// <summary>Judges come last: nothing waits for them.</summary>
    private static void AddJudgements(List<WorkItem> items, RunState state)
    {
        foreach (var judge in state.Judges.Values)
        {
            var identity = JudgeIdentity.Of(judge);
            items.AddRange(
                state
                    .Cells.Values.Where(cell =>
                        state.Judgements.GetValueOrDefault((cell.Stage, cell.Task, judge.Name))?.Identity != identity
                    )
                    .OrderBy(cell => cell.Stage)
                    .ThenBy(cell => cell.Task)
                    .Select(cell => new JudgeCell(cell.Stage, cell.Task, judge.Name, identity, cell.File, cell.Sha256))
            );
        }
    }

    private static void AddCell(List<WorkItem> items, RunState state, int stage, int task, string? adapter)
    {
        if (state.Cells.ContainsKey((stage, task)))
        {
            return;
        }

        var shards = Plan.Shards(state, task);
        var missing = Enumerable.Range(0, shards).Where(shard => !state.Shards.ContainsKey((stage, task, shard))).ToList();
        items.AddRange(missing.Select(shard => new AnswerShard(stage, task, shard, shards, adapter)));
        if (missing.Count == 0)
        {
            items.Add(
                new ScoreCell(stage, task, new([.. Enumerable.Range(0, shards).Select(shard => state.Shards[(stage, task, shard)].File)]))
            );
        }
    }
}
