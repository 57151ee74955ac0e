using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// Something that happened to a run. Events are persisted, never changed and only ever added to; all paths in them are relative to the
/// run's folder.
/// </summary>
public interface IRunEvent
{
    /// <summary>Consecutive from 1: a hole shows that the journal lost something.</summary>
    long Number { get; init; }

    DateTimeOffset At { get; init; }
}

/// <summary>The run began.</summary>
/// <param name="DataSha256">SHA-256 of every data file, by path.</param>
/// <param name="TrainingSamples">Training samples of each task, in the tasks' order; zeros where nothing is trained.</param>
/// <param name="TestSamples">Test samples of each task, in the tasks' order.</param>
public sealed record RunStarted(
    string RunId,
    ExperimentOptions Options,
    IReadOnlyDictionary<string, string> DataSha256,
    IReadOnlyList<int> TrainingSamples,
    IReadOnlyList<int> TestSamples
) : RunEvent
{
    /// <summary>
    /// Samples of each task whose loss is taken at checkpoints, in the tasks' order; null where there are none, and in older journals.
    /// </summary>
    public IReadOnlyList<int>? ValidationSamples { get; init; }

    /// <summary>Samples that are left out since their image cannot be used; null in journals older than that.</summary>
    public IReadOnlyList<SkippedSample>? Skipped { get; init; }

    /// <summary>SHA-256 of the list of the run's images; null in journals older than that list.</summary>
    public string? ImagesSha256 { get; init; }

    /// <summary>
    /// SHA-256 over the files of the adapter that the options name to begin with; null where they name none, and in journals older than it.
    /// </summary>
    public string? GivenAdapterSha256 { get; init; }

    /// <summary>
    /// The experiment of a cluster that the run belongs to; null for a run by itself, and for those of an experiment of one process, whose
    /// folder tells it.
    /// </summary>
    public ExperimentRecord? Experiment { get; init; }
}

/// <summary>A process took the run up: at its start, and at every resume.</summary>
public sealed record RunTakenUp(string Host, int ProcessId) : RunEvent;

/// <summary>A worker loaded the base model for the first time in this run.</summary>
public sealed record BaseModelLoaded(string Sha256) : RunEvent;

/// <summary>
/// In a cluster: a trainer begins a stage, from its start or from a checkpoint. Where a supervisor is lost and the trainer goes on, nothing
/// is begun.
/// </summary>
/// <param name="Stage">1-based.</param>
/// <param name="Restarts">How many times in a row it broke off before, since it last came further.</param>
public sealed record StageBegun(int Stage, int Restarts) : RunEvent;

/// <summary>A checkpoint within a stage is whole on disk.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Sha256">Over the folder's files.</param>
public sealed record CheckpointSaved(int Stage, int Step, string Folder, string Sha256) : RunEvent
{
    /// <summary>The held-out samples' loss at this step; null where none was taken, and in older journals.</summary>
    public ValidationPoint? Validation { get; init; }
}

/// <summary>A stage's adapter is whole on disk.</summary>
/// <param name="AdapterSha256">Of the adapter's weights file.</param>
/// <param name="ProjectorSha256">Of the projector's file; null where it is not trained.</param>
/// <param name="FinalLoss">Loss of the last step, in nats per labelled token.</param>
/// <param name="Tokens">Sequence positions trained on by the process that finished the stage.</param>
/// <param name="Seconds">Time that process spent on the stage.</param>
public sealed record StageTrained(
    int Stage,
    string Task,
    string Folder,
    string AdapterSha256,
    string? ProjectorSha256,
    int Steps,
    double FinalLoss,
    long Tokens,
    double Seconds
) : RunEvent
{
    /// <summary>SHA-256 over the adapter's folder, its configuration among the files; null in journals older than it.</summary>
    public string? FolderSha256 { get; init; }

    /// <summary>Where it was trained, by the process that finished it; null in journals older than it.</summary>
    public Computation? Computation { get; init; }

    /// <summary>All losses of the held-out samples, in the steps' order; null where none was taken, and in older journals.</summary>
    public IReadOnlyList<ValidationPoint>? Validation { get; init; }

    /// <summary>The run that trained it, steps, tokens and seconds being that run's; null where this run did.</summary>
    public ResultSource? TakenFrom { get; init; }
}

/// <summary>A part of a test set is answered, its predictions are whole on disk.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Task">0-based place of the task in the order.</param>
/// <param name="Shard">0-based.</param>
public sealed record ShardAnswered(int Stage, int Task, int Shard, int Shards, string File, string Sha256, int Samples, double Seconds)
    : RunEvent
{
    /// <summary>Where it was answered; null in journals older than it.</summary>
    public Computation? Computation { get; init; }
}

/// <summary>A cell of the accuracy matrix is known.</summary>
/// <param name="Accuracy">Truth Alignment by the published rule, in percent.</param>
/// <param name="File">All predictions of the cell.</param>
public sealed record CellScored(int Stage, int Task, double Accuracy, int Samples, string File, string Sha256) : RunEvent
{
    /// <summary>Truth Alignment by the corrected rule, in percent; null in journals older than that rule, as are the following.</summary>
    public double? Corrected { get; init; }

    /// <summary>How many samples the corrected rule counted.</summary>
    public int? CorrectedSamples { get; init; }

    /// <summary>Both scores of every sample.</summary>
    public string? ScoresFile { get; init; }

    /// <summary>SHA-256 of that file.</summary>
    public string? ScoresSha256 { get; init; }

    /// <summary>Where its parts were answered, each place once; null in journals older than it.</summary>
    public IReadOnlyList<Computation>? Computations { get; init; }

    /// <summary>The run that tested it; null where this run did.</summary>
    public ResultSource? TakenFrom { get; init; }
}

/// <summary>
/// The predictions of a scored cell were scored again. The run itself went no further by it: the time of its end stays what it was.
/// </summary>
public sealed record CellRescored(
    int Stage,
    int Task,
    double Accuracy,
    int Samples,
    double Corrected,
    int CorrectedSamples,
    string ScoresFile,
    string ScoresSha256
) : RunEvent;

/// <summary>A judge was appointed beside those that the run has, or in the place of the one of its name.</summary>
public sealed record JudgeAppointed(JudgeOptions Judge) : RunEvent;

/// <summary>A judge is not asked any more. What it judged stays.</summary>
public sealed record JudgeDismissed(string Judge) : RunEvent;

/// <summary>A judge has given its marks to a cell; they are whole on disk.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Task">0-based place of the task in the order.</param>
/// <param name="Judge">The judge's name.</param>
/// <param name="Model">The language model that judged; null where it was none.</param>
/// <param name="Identity"><see cref="JudgeIdentity.Of"/> of the judge.</param>
/// <param name="Published">
/// Reasoning Capability in percent, the replies read by the reference's rule: its 0 for a reply that says nothing is no measurement, hence
/// <see cref="Measured"/>.
/// </param>
/// <param name="Corrected">The same by the corrected rule; null where no reply had a score.</param>
/// <param name="Unparsable">Replies in which the corrected rule found no score.</param>
public sealed record CellJudged(
    int Stage,
    int Task,
    string Judge,
    JudgeKind Kind,
    string? Model,
    string Identity,
    double Published,
    double? Corrected,
    int Samples,
    int Unparsable,
    string File,
    string Sha256
) : RunEvent
{
    /// <summary>Why replies have no score; null where all have one, and in journals older than this.</summary>
    public IReadOnlyList<UnscoredReplies>? Unscored { get; init; }

    /// <summary><see cref="Published"/>, or null where not a single reply has a score: then nothing was measured.</summary>
    public double? Measured() => Unparsable < Samples ? Published : null;
}

/// <summary>A checkpoint within a stage was lost: the stage is trained from its start.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Reason">What was found.</param>
public sealed record CheckpointDiscarded(int Stage, string Reason) : RunEvent;

/// <summary>A stage's adapter was lost: the stage, those that continue from it, and every cell of theirs are done again.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Reason">What was found.</param>
public sealed record StageDiscarded(int Stage, string Reason) : RunEvent;

/// <summary>Predictions of a cell were lost: it is answered, scored and judged again.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Task">0-based place of the task in the order.</param>
/// <param name="Reason">What was found.</param>
public sealed record CellDiscarded(int Stage, int Task, string Reason) : RunEvent;

/// <summary>What a judge gave to a cell was lost: the judge is asked again, unless it was dismissed.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Task">0-based place of the task in the order.</param>
/// <param name="Judge">The judge's name.</param>
/// <param name="Reason">What was found.</param>
public sealed record JudgementDiscarded(int Stage, int Task, string Judge, string Reason) : RunEvent;

/// <summary>
/// A judge could not give its marks to all cells. The run is none the worse for it: whoever takes it up again asks the judge again.
/// </summary>
/// <param name="Judge">The judge's name.</param>
/// <param name="Message">Why, for people.</param>
public sealed record JudgingFailed(string Judge, string Message) : RunEvent;

/// <summary>Every stage is trained, every cell scored, and judged by every judge that did not fail.</summary>
public sealed record RunCompleted : RunEvent;

/// <summary>A fault ended the run; a resume tries again.</summary>
public sealed record RunFailed(string Message) : RunEvent;

/// <summary>The run was stopped on request.</summary>
public sealed record RunStopped(string Message) : RunEvent;

/// <summary>What all events have.</summary>
public abstract record RunEvent : IRunEvent
{
    public long Number { get; init; }

    public DateTimeOffset At { get; init; }
}
