using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Reports;

/// <summary>What a run found, and all that somebody needs who wants to find it again.</summary>
public sealed record RunReport
{
    public required string RunId { get; init; }

    /// <summary>The experiment's name.</summary>
    public required string Name { get; init; }

    /// <summary>Key of the method.</summary>
    public required string Method { get; init; }

    public required int Seed { get; init; }

    /// <summary>Where the run stands, e.g. <c>completed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Task names in the order of learning; no name twice.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>SHA-256 of the base model.</summary>
    public required string BaseModelSha256 { get; init; }

    /// <summary>
    /// SHA-256 over the files of the adapter that the run was given to begin with, or to test (<c>lora.from</c>); null where it was given
    /// none.
    /// </summary>
    public string? GivenAdapterSha256 { get; init; }

    /// <summary>Where that adapter was; null where the run was given none.</summary>
    public string? GivenAdapterPath => Options?.Lora.From;

    /// <summary>Whether the run tests a given adapter without training anything.</summary>
    public bool TestsGivenAdapter => Curriculum.Trained.Count == 0 && (GivenAdapterSha256 ?? GivenAdapterPath) is not null;

    /// <summary>The given adapter in words: its folder and hash.</summary>
    internal string GivenAdapter => $"{GivenAdapterPath ?? "path not recorded"} (SHA-256 {GivenAdapterSha256 ?? "not recorded"})";

    /// <summary>What is tested before or without any training, in words.</summary>
    internal string BaseName => TestsGivenAdapter ? "given adapter" : "untrained model";

    /// <summary>The stages that are trained, in order.</summary>
    public IReadOnlyList<StageReport> Stages { get; init; } = [];

    /// <summary>Losses of held-out samples, stage by stage; the last one of a stage is that of its adapter.</summary>
    public IReadOnlyList<StageValidation> Validations { get; init; } = [];

    /// <summary>
    /// Where it is written what every optimizer step did, relative to the run's folder; of all stages that the run has, trained or not.
    /// </summary>
    public IReadOnlyList<StepsReport> Steps { get; init; } = [];

    /// <summary>The cells that are scored, in any order.</summary>
    public IReadOnlyList<CellReport> Cells { get; init; } = [];

    /// <summary>The samples files that were used.</summary>
    public IReadOnlyList<DataFileReport> DataFiles { get; init; } = [];

    /// <summary>Samples that were left out since their image cannot be used.</summary>
    public IReadOnlyList<SkippedSample> Skipped { get; init; } = [];

    /// <summary>The whole experiment; null where it is not known.</summary>
    public ExperimentOptions? Options { get; init; }

    /// <summary>What the base model is; null where its folder is gone or says nothing of it.</summary>
    public ModelDescription? Model { get; init; }

    public DateTimeOffset? Started { get; init; }

    public DateTimeOffset? Finished { get; init; }

    /// <summary>The time that the run was being driven: pauses are none of it.</summary>
    public TimeSpan? Driven { get; init; }

    /// <summary>Why a judge could not give its marks, by the judge's name.</summary>
    public IReadOnlyDictionary<string, string> JudgingFaults { get; init; } = new Dictionary<string, string>();

    /// <summary>What was trained and tested, stage by stage.</summary>
    public Curriculum Curriculum => LearningMethods.Of(Method).Curriculum(Tasks);

    /// <summary>A matrix with the run's cells, none of them measured.</summary>
    internal AccuracyMatrix EmptyMatrix() => CurriculumMatrix.Empty(Curriculum, Tasks.Count);

    /// <summary>The name of a stage that is trained, by its number from 1: of what it learned.</summary>
    internal string StageName(int stage) => Curriculum.Stage(stage).Name;

    /// <summary>The accuracy matrix of the cells of stages; all null for a zero-shot run.</summary>
    /// <exception cref="ArgumentException">A cell names a task or stage that the run does not have.</exception>
    public AccuracyMatrix Matrix()
    {
        var matrix = EmptyMatrix();
        foreach (var cell in Cells.Where(cell => cell.Stage > 0))
        {
            matrix[cell.Stage - 1, PlaceOf(cell.Task)] = cell.AccuracyPercent;
        }

        return matrix;
    }

    /// <summary>The cell of a task after a 1-based stage, or of the base model (0); null if it is not scored.</summary>
    public CellReport? Cell(int stage, string task) => Cells.LastOrDefault(cell => cell.Stage == stage && cell.Task == task);

    /// <summary>The 0-based place of a task in the order of learning.</summary>
    /// <exception cref="ArgumentException">The run has no such task.</exception>
    internal int PlaceOf(string task)
    {
        for (var index = 0; index < Tasks.Count; index++)
        {
            if (Tasks[index] == task)
            {
                return index;
            }
        }

        throw new ArgumentException($"A cell is about the task {task}, which the run does not have.", nameof(task));
    }
}

/// <summary>One stage's training.</summary>
/// <param name="Task">The task that was learned.</param>
/// <param name="AdapterSha256">SHA-256 of the adapter's weights file.</param>
/// <param name="ProjectorSha256">SHA-256 of the projector's weights file; null if it was not trained.</param>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="FinalLoss">Loss of the last step, in nats per labelled token.</param>
/// <param name="TrainingSeconds">Time spent in training, over all attempts.</param>
/// <param name="Tokens">Sequence positions (text and image) that went through the model.</param>
/// <param name="Schedule">The learning rate's course as it really was.</param>
public sealed record StageReport(
    string Task,
    string AdapterSha256,
    string? ProjectorSha256,
    int Steps,
    double FinalLoss,
    double TrainingSeconds,
    long Tokens,
    ScheduleReport Schedule
)
{
    /// <summary>Training samples of all that it learned; null where it is not known.</summary>
    public int? Samples { get; init; }

    /// <summary>Where it was trained; null in runs older than that.</summary>
    public Computation? Computation { get; init; }

    /// <summary>Id of the run of the same experiment that trained it; null where this run did.</summary>
    public string? TakenFrom { get; init; }
}

/// <summary>The steps of a stage.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Name">What it learns.</param>
/// <param name="File">Relative to the run's folder; there need not be one.</param>
public sealed record StepsReport(int Stage, string Name, string File);

/// <summary>The effective learning-rate schedule of a stage.</summary>
/// <param name="LearningRate">The peak.</param>
/// <param name="Kind">Its shape.</param>
/// <param name="WarmupSteps">Steps in which it rises.</param>
/// <param name="TotalSteps">Steps over which it runs.</param>
/// <param name="GlobalBatchSize">Samples per optimizer step.</param>
public sealed record ScheduleReport(double LearningRate, Schedule Kind, int WarmupSteps, int TotalSteps, int GlobalBatchSize)
{
    /// <summary>Samples per micro-batch; null where it is not known.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Micro-batches per optimizer step; null where it is not known.</summary>
    public int? Accumulation { get; init; }

    /// <summary>Shares of a step whose gradients were computed apart; null where it is not known.</summary>
    public int? WorldSize { get; init; }
}

/// <summary>One scored cell.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Task">Task name.</param>
/// <param name="AccuracyPercent">Truth Alignment by the published rule.</param>
/// <param name="Samples">Number of samples counted.</param>
/// <param name="PredictionsFile">Path relative to the run folder.</param>
/// <param name="PredictionsSha256">SHA-256 of that file.</param>
public sealed record CellReport(
    int Stage,
    string Task,
    double AccuracyPercent,
    int Samples,
    string PredictionsFile,
    string PredictionsSha256
)
{
    /// <summary>Truth Alignment by the corrected rule in percent; null in runs older than that rule.</summary>
    public double? CorrectedPercent { get; init; }

    /// <summary>Number of samples that the corrected rule counted.</summary>
    public int? CorrectedSamples { get; init; }

    /// <summary>File of per-sample scores, relative to the run folder; null in runs that have none.</summary>
    public string? ScoresFile { get; init; }

    /// <summary>
    /// Where it is written whom experts served, relative to the run folder; only adapters with experts have such a file.
    /// </summary>
    public string? RoutingFile { get; init; }

    /// <summary>Test samples of the task that were left out since their image cannot be used; they are in no count.</summary>
    public int Skipped { get; init; }

    /// <summary>Seconds that evaluators took to answer it, summed where several worked side by side; null where another run did.</summary>
    public double? AnswerSeconds { get; init; }

    /// <summary>Where its answers were generated, each place once; null in runs older than that.</summary>
    public IReadOnlyList<Computation>? Computations { get; init; }

    /// <summary>Id of the run of the same experiment that tested it; null where this run did.</summary>
    public string? TakenFrom { get; init; }

    /// <summary>What judges said of the same predictions.</summary>
    public IReadOnlyList<JudgedCellReport> Judgements { get; init; } = [];
}

/// <summary>Reasoning Capability of one cell by one judge.</summary>
/// <param name="Judge">The judge's name in the configuration.</param>
/// <param name="Kind"><c>openai</c>, <c>local</c>, <c>people</c> or <c>lexical</c>.</param>
/// <param name="PublishedPercent">
/// 100 · Σ scores / (10 · samples), the replies parsed by the reference's rule; null where no reply has a score.
/// </param>
/// <param name="CorrectedPercent">The mean of the parsable replies' scores, times 10; null if there is none.</param>
/// <param name="Samples">Samples judged.</param>
/// <param name="Unparsable">Replies in which the corrected parser found no score.</param>
/// <param name="File">Judgements as JSON lines, relative to the run folder.</param>
/// <param name="Sha256">SHA-256 of that file.</param>
public sealed record JudgedCellReport(
    string Judge,
    string Kind,
    double? PublishedPercent,
    double? CorrectedPercent,
    int Samples,
    int Unparsable,
    string File,
    string Sha256
)
{
    /// <summary>Why replies have no score, as far as the run knows.</summary>
    public IReadOnlyList<UnscoredReplies> Unscored { get; init; } = [];
}

/// <summary>One samples file.</summary>
/// <param name="Task">Task name.</param>
/// <param name="Use"><c>train</c> or <c>test</c>.</param>
/// <param name="File">Path relative to the instructions folder.</param>
/// <param name="Sha256">SHA-256 of the whole file.</param>
/// <param name="SamplesUsed">Samples that the run took from it.</param>
public sealed record DataFileReport(string Task, string Use, string File, string Sha256, int SamplesUsed);

/// <summary>What a base model is, for people and for finding published numbers of the same one.</summary>
/// <param name="Family">E.g. <c>LLaVA</c>.</param>
/// <param name="Layers">Layers of its language model.</param>
/// <param name="HiddenSize">Width of its language model.</param>
public sealed record ModelDescription(string Family, int Layers, int HiddenSize)
{
    /// <summary>Whether a sample may have several images.</summary>
    public bool SeveralImages { get; init; }

    /// <summary>Family and size class, e.g. <c>LLaVA-7B</c>; the family alone for a shape that has no such name.</summary>
    public string Name =>
        (Layers, HiddenSize) switch
        {
            (32, 4096) => Family + "-7B",
            (40, 5120) => Family + "-13B",
            _ => Family,
        };
}
