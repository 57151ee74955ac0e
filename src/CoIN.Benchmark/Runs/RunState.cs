using System.Collections.Immutable;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Runs;

/// <summary>A run as the fold over its events. Nothing that matters about a run lives anywhere else.</summary>
public sealed record RunState
{
    /// <summary>A run to which nothing has happened.</summary>
    public static RunState Empty { get; } = new();

    /// <summary>Number of the last event.</summary>
    public long Number { get; private init; }

    public RunStarted? Started { get; private init; }

    public string? BaseModelSha256 { get; private init; }

    public RunStatus Status { get; private init; } = RunStatus.Starting;

    public string? Message { get; private init; }

    /// <summary>Time of the first event.</summary>
    public DateTimeOffset? StartedAt { get; private init; }

    /// <summary>
    /// Time of the last event that belongs to the run's course: scoring or judging it again after it was completed is none.
    /// </summary>
    public DateTimeOffset? LastAt { get; private init; }

    /// <summary>How many processes took the run up.</summary>
    public int TimesTakenUp { get; private init; }

    /// <summary>
    /// How a stage was begun last that is not trained to its end, by stage, where that was said; nothing once the run has ended: who
    /// resumes it begins anew.
    /// </summary>
    public ImmutableDictionary<int, StageBegun> Begun { get; private init; } = ImmutableDictionary<int, StageBegun>.Empty;

    /// <summary>The latest checkpoint of a stage that is not trained to its end, by stage.</summary>
    public ImmutableDictionary<int, CheckpointSaved> Checkpoints { get; private init; } = ImmutableDictionary<int, CheckpointSaved>.Empty;

    /// <summary>Losses of held-out samples, by stage (from 1) and step.</summary>
    public ImmutableSortedDictionary<(int Stage, int Step), ValidationPoint> Validations { get; private init; } =
        ImmutableSortedDictionary<(int, int), ValidationPoint>.Empty;

    /// <summary>Trained stages, by stage (from 1).</summary>
    public ImmutableSortedDictionary<int, StageTrained> Trained { get; private init; } = ImmutableSortedDictionary<int, StageTrained>.Empty;

    /// <summary>Answered shards of cells that are not scored.</summary>
    public ImmutableDictionary<(int Stage, int Task, int Shard), ShardAnswered> Shards { get; private init; } =
        ImmutableDictionary<(int, int, int), ShardAnswered>.Empty;

    /// <summary>Scored cells, by stage (0 for the base model) and task (from 0).</summary>
    public ImmutableDictionary<(int Stage, int Task), CellScored> Cells { get; private init; } =
        ImmutableDictionary<(int, int), CellScored>.Empty;

    /// <summary>How long evaluators answered for the scored cells of this run, as far as it answered them itself.</summary>
    public ImmutableDictionary<(int Stage, int Task), CellEffort> Efforts { get; private init; } =
        ImmutableDictionary<(int, int), CellEffort>.Empty;

    /// <summary>The judges that every cell gets, by name.</summary>
    public ImmutableSortedDictionary<string, JudgeOptions> Judges { get; private init; } =
        ImmutableSortedDictionary<string, JudgeOptions>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The latest judgements of each judge, those of dismissed ones and of people among them.</summary>
    public ImmutableDictionary<(int Stage, int Task, string Judge), CellJudged> Judgements { get; private init; } =
        ImmutableDictionary<(int, int, string), CellJudged>.Empty;

    /// <summary>Why a judge could not give its marks, by the judge's name.</summary>
    public ImmutableSortedDictionary<string, string> JudgingFaults { get; private init; } =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>
    /// The time that the run was being driven, as far as the events tell it: from each take-up to the last event before its end.
    /// </summary>
    public TimeSpan Driven { get; private init; }

    /// <summary>Time of the last event of a take-up that has not ended; null while nobody drives.</summary>
    private DateTimeOffset? DrivenAt { get; init; }

    private bool WasCompleted { get; init; }

    /// <exception cref="InvalidOperationException">The run has not begun.</exception>
    public ExperimentOptions Options => Started?.Options ?? throw new InvalidOperationException("the run has not begun");

    /// <summary>Task names in the order of learning.</summary>
    public IReadOnlyList<string> TaskNames => Started is null ? [] : [.. Options.Tasks.Select(task => task.Name)];

    /// <summary>What the run trains and tests, stage by stage.</summary>
    /// <exception cref="InvalidOperationException">The run has not begun.</exception>
    public Curriculum Curriculum => Options.Curriculum();

    /// <summary>The adapter that the run was given; null where it was given none.</summary>
    public GivenAdapter? GivenAdapter => Started?.Options.Lora.From is { } path ? new GivenAdapter(path, Started.GivenAdapterSha256) : null;

    /// <summary>What every fault said that ended the run so far, the first one first.</summary>
    public ImmutableList<string> Faults { get; private init; } = [];

    /// <summary>The state after one more event.</summary>
    /// <exception cref="CoinException">The event is not the next one: the journal has a hole.</exception>
    public RunState Apply(IRunEvent happened)
    {
        if (happened.Number != Number + 1)
        {
            throw new CoinException(
                $"The journal of run {Started?.RunId ?? "?"} is damaged: event {happened.Number} follows event {Number}. Restore journal.db from a copy, or start the run anew."
            );
        }

        var next = Timed(happened);
        return happened switch
        {
            RunStarted started => next with
            {
                Started = started,
                Judges = started.Options.Judge is { } judge ? Judges.SetItem(judge.Name, judge) : Judges,
            },
            RunTakenUp => next with { Status = Lasting(RunStatus.Running), Message = null, TimesTakenUp = TimesTakenUp + 1 },
            BaseModelLoaded loaded => next with { BaseModelSha256 = loaded.Sha256 },
            StageBegun begun => next with { Begun = Begun.SetItem(begun.Stage, begun) },
            CheckpointSaved saved => next with
            {
                Begun = Begun.GetValueOrDefault(saved.Stage) is { } begun ? Begun.SetItem(saved.Stage, begun with { Restarts = 0 }) : Begun,
                Checkpoints = Checkpoints.SetItem(saved.Stage, saved),
                Validations = saved.Validation is { } point ? Validations.SetItem((saved.Stage, point.Step), point) : Validations,
            },
            StageTrained trained => next with
            {
                Begun = Begun.Remove(trained.Stage),
                Trained = Trained.SetItem(trained.Stage, trained),
                Checkpoints = Checkpoints.Remove(trained.Stage),
                Validations = Without(Validations, stage => stage == trained.Stage)
                    .AddRange((trained.Validation ?? []).Select(point => KeyValuePair.Create((trained.Stage, point.Step), point))),
            },
            ShardAnswered shard => next with { Shards = Shards.SetItem((shard.Stage, shard.Task, shard.Shard), shard) },
            CellScored cell => next with
            {
                Cells = Cells.SetItem((cell.Stage, cell.Task), cell),
                Shards = Shards.RemoveRange(Shards.Keys.Where(key => key.Stage == cell.Stage && key.Task == cell.Task)),
                Efforts = Effort(cell) is { } effort
                    ? Efforts.SetItem((cell.Stage, cell.Task), effort)
                    : Efforts.Remove((cell.Stage, cell.Task)),
            },
            CellRescored again when Cells.TryGetValue((again.Stage, again.Task), out var cell) => next with
            {
                Cells = Cells.SetItem(
                    (again.Stage, again.Task),
                    cell with
                    {
                        Accuracy = again.Accuracy,
                        Samples = again.Samples,
                        Corrected = again.Corrected,
                        CorrectedSamples = again.CorrectedSamples,
                        ScoresFile = again.ScoresFile,
                        ScoresSha256 = again.ScoresSha256,
                    }
                ),
            },
            JudgeAppointed { Judge: var judge } => next with
            {
                Judges = Judges.SetItem(judge.Name, judge),
                JudgingFaults = JudgingFaults.Remove(judge.Name),
            },
            JudgeDismissed dismissed => next with
            {
                Judges = Judges.Remove(dismissed.Judge),
                JudgingFaults = JudgingFaults.Remove(dismissed.Judge),
            },
            CellJudged judged => next with
            {
                Judgements = Judgements.SetItem((judged.Stage, judged.Task, judged.Judge), judged),
                JudgingFaults = JudgingFaults.Remove(judged.Judge),
            },
            JudgingFailed fault => next with { JudgingFaults = JudgingFaults.SetItem(fault.Judge, fault.Message) },
            CheckpointDiscarded lost => next with
            {
                Checkpoints = Checkpoints.Remove(lost.Stage),
                Validations = Without(Validations, stage => stage == lost.Stage),
            },
            StageDiscarded lost => WithoutStages(next, Curriculum.From(lost.Stage)),
            CellDiscarded lost => WithoutCells(next, key => key == (lost.Stage, lost.Task)),
            JudgementDiscarded lost => next with { Judgements = Judgements.Remove((lost.Stage, lost.Task, lost.Judge)) },
            RunCompleted => next with { Status = RunStatus.Completed, Message = null, WasCompleted = true, Begun = Begun.Clear() },
            RunFailed failed => next with
            {
                Begun = Begun.Clear(),
                Status = Lasting(RunStatus.Failed),
                Message = failed.Message,
                Faults = Faults.Add(failed.Message),
            },
            RunStopped stopped => next with { Status = Lasting(RunStatus.Stopped), Message = stopped.Message, Begun = Begun.Clear() },
            _ => throw new ArgumentException($"not an event of a run: {happened.GetType()}", nameof(happened)),
        };
    }

    /// <summary>The state that events would give which have no numbers and times yet: to decide before they are written.</summary>
    public RunState After(IEnumerable<RunEvent> events) =>
        events.Aggregate(this, (known, happened) => known.Apply(happened with { Number = known.Number + 1, At = known.LastAt ?? default }));

    /// <summary>By its journal a process drives the run.</summary>
    public bool IsUnderWay => Status is RunStatus.Starting or RunStatus.Running;

    private RunStatus Reopened => Status == RunStatus.Completed ? RunStatus.Stopped : Status;

    /// <summary>The state where it is known that no process drives the run.</summary>
    public RunState Abandoned() => IsUnderWay ? this with { Status = RunStatus.Interrupted } : this;

    private static RunState WithoutStages(RunState next, IReadOnlySet<int> lost) =>
        WithoutCells(next, key => lost.Contains(key.Stage)) with
        {
            Trained = next.Trained.RemoveRange(next.Trained.Keys.Where(lost.Contains)),
            Checkpoints = next.Checkpoints.RemoveRange(next.Checkpoints.Keys.Where(lost.Contains)),
            Validations = Without(next.Validations, lost.Contains),
        };

    private static ImmutableSortedDictionary<(int Stage, int Step), ValidationPoint> Without(
        ImmutableSortedDictionary<(int Stage, int Step), ValidationPoint> all,
        Func<int, bool> lost
    ) => all.RemoveRange(all.Keys.Where(key => lost(key.Stage)));

    /// <summary>A completed run that lost cells is none any more.</summary>
    private static RunState WithoutCells(RunState next, Func<(int Stage, int Task), bool> lost) =>
        next with
        {
            Cells = next.Cells.RemoveRange(next.Cells.Keys.Where(lost)),
            Efforts = next.Efforts.RemoveRange(next.Efforts.Keys.Where(lost)),
            Shards = next.Shards.RemoveRange(next.Shards.Keys.Where(key => lost((key.Stage, key.Task)))),
            Judgements = next.Judgements.RemoveRange(next.Judgements.Keys.Where(key => lost((key.Stage, key.Task)))),
            Status = next.Reopened,
            WasCompleted = false,
        };

    /// <summary>A run that was completed stays so: whatever happens to it later happens to its judgements.</summary>
    private RunStatus Lasting(RunStatus status) => WasCompleted ? RunStatus.Completed : status;

    /// <summary>Number and times with one more event.</summary>
    private RunState Timed(IRunEvent happened)
    {
        var next = this with { Number = happened.Number, StartedAt = StartedAt ?? happened.At };
        return happened switch
        {
            _ when WasCompleted => next,

            // These are written while nobody drives, also where a killed process never said that it ended.
            CellRescored
            or JudgeAppointed
            or JudgeDismissed
            or CheckpointDiscarded
            or StageDiscarded
            or CellDiscarded
            or JudgementDiscarded => next with
            {
                DrivenAt = null,
            },
            RunTakenUp when Number > 1 => next with { LastAt = happened.At, DrivenAt = happened.At },
            RunStarted => next with { LastAt = happened.At, DrivenAt = happened.At },
            _ => next with
            {
                LastAt = happened.At,
                Driven = Driven + (happened.At > DrivenAt ? happened.At - DrivenAt.Value : TimeSpan.Zero),
                DrivenAt = DrivenAt is null || happened is RunCompleted or RunFailed or RunStopped ? null : happened.At,
            },
        };
    }

    /// <summary>The state as far as the journal knows it, for people.</summary>
    public RunSnapshot ToSnapshot() =>
        new()
        {
            RunId = Started?.RunId ?? "",
            Status = Status,
            Tasks = TaskNames,
            Stages = Started is null ? [] : [.. Curriculum.Trained.Select(stage => stage.Name)],
            Cells = Started is null ? [] : [.. Curriculum.Trained.Select(stage => Row(stage, task => Accuracy(stage.Number, task)))],
            ZeroShot = Started is not null && Curriculum.Base is { } tested ? Row(tested, task => Accuracy(tested.Number, task)) : [],
            Corrected = Started is null
                ? []
                : [.. Curriculum.Trained.Select(stage => Row(stage, task => CorrectedAccuracy(stage.Number, task)))],
            CorrectedZeroShot =
                Started is not null && Curriculum.Base is { } alone ? Row(alone, task => CorrectedAccuracy(alone.Number, task)) : [],
            Curriculum = Started is null ? null : Curriculum,
            GivenAdapter = GivenAdapter,
            StagesTrained = Trained.Count,
            Judgements =
            [
                .. Judgements.Values.GroupBy(judged => judged.Judge).OrderBy(group => group.Key, StringComparer.Ordinal).Select(Judged),
            ],
            Message = Message,
            JudgingFaults = JudgingFaults,
            MissingJudgements = Status == RunStatus.Completed ? Plan.Pending(this).Count : 0,
            Elapsed = Driven,
            Validations = Validations.IsEmpty
                ? null
                :
                [
                    .. Validations
                        .GroupBy(one => one.Key.Stage)
                        .Select(stage => new StageValidation(
                            stage.Key,
                            Curriculum.Stage(stage.Key).Name,
                            [.. stage.Select(one => one.Value)]
                        )),
                ],
        };

    private CellEffort? Effort(CellScored cell)
    {
        var answered = cell.TakenFrom is null
            ? Shards.Values.Where(shard => (shard.Stage, shard.Task) == (cell.Stage, cell.Task)).ToList()
            : [];
        return answered.Count == 0 ? null : new CellEffort(answered.Sum(shard => shard.Samples), answered.Sum(shard => shard.Seconds));
    }

    private JudgedMatrix Judged(IGrouping<string, CellJudged> judge) =>
        new(
            judge.Key,
            judge.Last().Kind,
            [.. Curriculum.Trained.Select(stage => Row(stage, task => Reasoning(judge.Key, stage.Number, task)))],
            [.. Options.Tasks.Select((_, task) => Reasoning(judge.Key, 0, task))]
        )
        {
            Samples = judge.Sum(cell => cell.Samples),
            Unparsable = judge.Sum(cell => cell.Unparsable),
            Unscored = UnscoredReplies.Ordered(judge.SelectMany(cell => cell.Unscored ?? [])),
        };

    private static IReadOnlyList<double?> Row(StageSpec stage, Func<int, double?> cell) => [.. stage.Tests.Select(cell)];

    private double? Reasoning(string judge, int stage, int task) =>
        Judgements.TryGetValue((stage, task, judge), out var cell) ? cell.Measured() : null;

    private double? CorrectedAccuracy(int stage, int task) => Cells.TryGetValue((stage, task), out var cell) ? cell.Corrected : null;

    /// <summary>Accuracy in percent of a cell, or null.</summary>
    /// <param name="stage">From 1; 0 for the base model.</param>
    /// <param name="task">From 0.</param>
    public double? Accuracy(int stage, int task) => Cells.TryGetValue((stage, task), out var cell) ? cell.Accuracy : null;
}
