using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Runs;

/// <summary>Where a run stands.</summary>
public enum RunStatus
{
    /// <summary>Loading the journal, the data or the model.</summary>
    Starting,

    /// <summary>Work items are being done.</summary>
    Running,

    /// <summary>Every stage is trained, every cell scored. Judgements may be missing where a judge failed.</summary>
    Completed,

    /// <summary>Stopped on request at a point from which it can be resumed.</summary>
    Stopped,

    /// <summary>Ended by a fault; the message says which, and a resume tries again.</summary>
    Failed,

    /// <summary>Its process ended without a word, or lost the power: nobody drives it, and a resume goes on.</summary>
    Interrupted,
}

/// <summary>What a person who watches a run wants to know, at one moment. Immutable; published by the run supervisor.</summary>
public sealed record RunSnapshot
{
    public required string RunId { get; init; }

    public required RunStatus Status { get; init; }

    /// <summary>Task names in the order of learning.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>Names of the stages that are trained, in order; empty for a run that trains nothing.</summary>
    public required IReadOnlyList<string> Stages { get; init; }

    /// <summary>
    /// <c>Cells[j][i]</c>: Truth Alignment by the published rules in percent on the i-th task that is tested after stage j (0-based), null
    /// while unknown. Where the tasks are learned one after another, row j has j + 1 entries.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<double?>> Cells { get; init; }

    /// <summary>The same of the untrained model per task, for a zero-shot run; else empty.</summary>
    public IReadOnlyList<double?> ZeroShot { get; init; } = [];

    /// <summary>As <see cref="Cells"/>, by the corrected rules; null too where a run is older than these.</summary>
    public IReadOnlyList<IReadOnlyList<double?>> Corrected { get; init; } = [];

    /// <summary>As <see cref="ZeroShot"/>, by the corrected rules.</summary>
    public IReadOnlyList<double?> CorrectedZeroShot { get; init; } = [];

    /// <summary>What is learned and tested after which stage; null for tasks that are learned one after another.</summary>
    public Curriculum? Curriculum { get; init; }

    /// <summary>The adapter that the run was given to begin with, or to test; null where it was given none.</summary>
    public GivenAdapter? GivenAdapter { get; init; }

    /// <summary>Losses of held-out samples, stage by stage; null where there are none.</summary>
    public IReadOnlyList<StageValidation>? Validations { get; init; }

    /// <summary>Stages whose adapter is trained.</summary>
    public int StagesTrained { get; init; }

    /// <summary>The training in progress, if any.</summary>
    public TrainingProgress? Training { get; init; }

    /// <summary>The evaluations in progress.</summary>
    public IReadOnlyList<EvaluationProgress> Evaluations { get; init; } = [];

    /// <summary>The cells that judges are at.</summary>
    public IReadOnlyList<JudgingProgress> Judging { get; init; } = [];

    /// <summary>Who works for the run, and at what.</summary>
    public IReadOnlyList<WorkerProgress> Workers { get; init; } = [];

    /// <summary>Reasoning Capability so far, by judge.</summary>
    public IReadOnlyList<JudgedMatrix> Judgements { get; init; } = [];

    /// <summary>Why a judge could not give its marks, by the judge's name; empty where none failed.</summary>
    public IReadOnlyDictionary<string, string> JudgingFaults { get; init; } = new Dictionary<string, string>();

    /// <summary>Judgements that a completed run lacks; 0 for any other.</summary>
    public int MissingJudgements { get; init; }

    /// <summary>
    /// Time that the run was being driven, over all processes that took it up; pauses between them are none. Judging it later does not
    /// count.
    /// </summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Estimated time until the end, from the speed so far; null while there is nothing to go by.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>Why the run failed or stopped; else null.</summary>
    public string? Message { get; init; }
}

/// <summary>An adapter from elsewhere (<c>lora.from</c>).</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Sha256">Over its files; null in journals older than it.</param>
public sealed record GivenAdapter(string Path, string? Sha256);

/// <summary>A stage's training in progress.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="MicroBatch">Micro-batches done of the step after <paramref name="Step"/>.</param>
/// <param name="MicroBatches">Micro-batches of a step.</param>
/// <param name="Last">The last step that was done, null before the first one here.</param>
/// <param name="TokensPerSecond">Sequence positions per second over the last micro-batches; null while there is none.</param>
public sealed record TrainingProgress(
    int Stage,
    string Task,
    int Step,
    int TotalSteps,
    int MicroBatch,
    int MicroBatches,
    StepFigures? Last,
    double? TokensPerSecond
)
{
    /// <summary>How far the method is at the end of the stage, sample by sample, once all steps are done; null before.</summary>
    public ConclusionProgress? Conclusion { get; init; }

    /// <summary>Steps done, with the part of the one in work.</summary>
    public double Steps => Step + (MicroBatch / (double)MicroBatches);
}

/// <summary>A method's passes over samples at the end of a stage.</summary>
/// <param name="Done">Samples done.</param>
/// <param name="Total">Samples there are.</param>
public sealed record ConclusionProgress(int Done, int Total);

/// <summary>Figures of a step that was done.</summary>
/// <param name="Loss">In nats per labelled token.</param>
/// <param name="LearningRate">The rate that it used.</param>
public sealed record StepFigures(double Loss, double LearningRate);

/// <summary>A shard's evaluation in progress.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Answered">Samples of the task answered so far, over all its shards.</param>
/// <param name="Total">Samples of the task.</param>
public sealed record EvaluationProgress(int Stage, string Task, int Answered, int Total);

/// <summary>A worker and what it does.</summary>
/// <param name="Name">Its kind and device, e.g. <c>trainer-cuda-0</c>.</param>
/// <param name="Node">Where it is.</param>
/// <param name="Doing">In words.</param>
public sealed record WorkerProgress(string Name, string Node, string Doing);

/// <summary>A judge's work on a cell.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Judged">Answers of the cell that have their mark.</param>
public sealed record JudgingProgress(int Stage, string Task, string Judge, int Judged, int Total);

/// <summary>
/// Reasoning Capability in percent by one judge, the replies read by the reference's rule; null while unknown, and where no reply has a
/// score.
/// </summary>
/// <param name="Cells">As <see cref="RunSnapshot.Cells"/>.</param>
/// <param name="ZeroShot">Of the base model, by task.</param>
public sealed record JudgedMatrix(
    string Judge,
    JudgeKind Kind,
    IReadOnlyList<IReadOnlyList<double?>> Cells,
    IReadOnlyList<double?> ZeroShot
)
{
    /// <summary>Replies in all cells.</summary>
    public int Samples { get; init; }

    /// <summary>Those without a score.</summary>
    public int Unparsable { get; init; }

    /// <summary>Why they have none, as far as the journal knows.</summary>
    public IReadOnlyList<UnscoredReplies> Unscored { get; init; } = [];
}

/// <summary>Sees every snapshot of a run; called from actor threads, must not block.</summary>
public interface IRunObserver
{
    void Observe(RunSnapshot snapshot);
}
