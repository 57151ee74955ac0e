using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Routing;

namespace CoIN.Benchmark.Learning;

/// <summary>
/// A device with a base model on it, as the actors see it. The weights are frozen and shared read-only by the training and generation
/// sessions opened from it. Opening and using sessions blocks; each session belongs to the thread that opened it.
/// </summary>
public interface ILearner : IDisposable
{
    /// <summary>SHA-256 (hexadecimal, lower case) over the base model's weights, tokenizer and configuration files.</summary>
    string BaseModelSha256 { get; }

    /// <summary>Opens a stage's training, at its start or at a checkpoint.</summary>
    /// <exception cref="CoinException">Samples, images, adapter or checkpoint cannot be used.</exception>
    ITrainingSession OpenTraining(StageTraining stage);

    /// <summary>Opens the base model with an adapter for answering.</summary>
    /// <param name="adapter">An adapter folder, or null for the base model alone.</param>
    IGenerationSession OpenGeneration(string? adapter);

    /// <summary>
    /// Says that what was opened is not worked with for now. Where the device's memory is needed for another base model, it is closed and
    /// the base freed; what is not at rest is never taken away.
    /// </summary>
    /// <param name="close">Closes what was opened; called once, on any thread.</param>
    void Rest(Action close) { }

    /// <summary>Says that what is at rest is worked with again.</summary>
    /// <returns>False where it was closed meanwhile: then another learner has to be opened in the place of this one.</returns>
    bool Wake() => true;
}

/// <summary>Makes the learner of a device; called on the thread that will use it.</summary>
public interface ILearnerFactory
{
    /// <summary>
    /// The base model on <paramref name="device"/> (e.g. <c>cpu</c>, <c>cuda:0</c>): loaded at the first call for a device and shared by
    /// the later ones, as long as it is not freed for another one. Also sets the calling thread's number of compute threads.
    /// </summary>
    ILearner Open(ExperimentOptions options, string device, int threads);
}

/// <summary>What a stage's training needs.</summary>
/// <param name="Stage">1-based number of the stage.</param>
/// <param name="Name">What it learns, for people: its task's name.</param>
/// <param name="BatchSize">Samples per micro-batch.</param>
/// <param name="Samples">
/// The training samples of all tasks that it learns, in the tasks' order and in file order; the session derives the order of use from seed
/// and stage.
/// </param>
/// <param name="Adapter">Folder of the adapter to continue from, or null for a fresh one.</param>
/// <param name="Checkpoint">Folder of a checkpoint of this very stage to resume from, or null.</param>
public sealed record StageTraining(
    int Stage,
    string Name,
    int BatchSize,
    IReadOnlyList<TrainingSample> Samples,
    string? Adapter,
    string? Checkpoint
)
{
    /// <summary>Micro-batches per optimizer step; null for the experiment's number.</summary>
    public int? GradientAccumulation { get; init; }

    /// <summary>Samples that are never trained on, for <see cref="ITrainingSession.Validate"/>.</summary>
    public IReadOnlyList<TrainingSample> Validation { get; init; } = [];

    /// <summary>With whom the stage is trained.</summary>
    public TrainingTeam Team { get; init; } = TrainingTeam.Alone;
}

/// <summary>
/// A stage's training, one micro-batch at a time: large global batches on few devices make steps of many minutes, and nobody who watches or
/// stops a run should have to wait for the end of one.
/// </summary>
public interface ITrainingSession : IDisposable
{
    /// <summary>Optimizer steps done.</summary>
    int Step { get; }

    /// <summary>Optimizer steps of the whole stage.</summary>
    int TotalSteps { get; }

    /// <summary>Micro-batches of a step that are done here.</summary>
    int MicroBatches { get; }

    /// <summary>
    /// Does one micro-batch, and with the last one of a step the optimizer's update. Where the step has several shares, the update is a
    /// piece by itself, for which <see cref="Awaited"/> may have to be waited for.
    /// </summary>
    /// <exception cref="CoinException">The loss is not finite; the message names stage, step and samples.</exception>
    /// <exception cref="TrainerLostException">Another trainer of the team is gone.</exception>
    MicroBatchReport Next();

    /// <summary>
    /// What other trainers have to do before the next piece: whoever does not wait for it blocks in that piece. Null for nothing.
    /// </summary>
    Task? Awaited => null;

    /// <summary>Once all steps are done: does a piece of what the method does at the end of a stage.</summary>
    /// <returns>Which one it was; null when nothing is left and the adapter can be saved.</returns>
    ConclusionReport? Conclude() => null;

    /// <summary>Samples whose loss <see cref="Validate"/> takes; 0 for none.</summary>
    int ValidationSamples => 0;

    /// <summary>
    /// Takes the loss of some held-out samples with the parameters as they are, without dropout: one micro-batch of them. Between the first
    /// and the last one nothing may be trained.
    /// </summary>
    /// <exception cref="CoinException">A loss is not finite.</exception>
    ValidationReport Validate() => throw new NotSupportedException();

    /// <summary>
    /// Whether <see cref="SaveCheckpoint"/> can be called: not while other trainers have a part of the optimizer's state that this one has
    /// not been given since the last full step.
    /// </summary>
    bool IsWhole => true;

    /// <summary>
    /// Before the session is left amid the stage, by all of its trainers at about the same time: where each has a part of the optimizer's
    /// state, the others give theirs to rank 0, so that it can write a checkpoint. Nothing may be trained after it.
    /// </summary>
    /// <param name="patience">How long to wait for the others; blocks the thread.</param>
    /// <returns>A step that came to its end by it; null for none.</returns>
    StepReport? Part(TimeSpan patience) => null;

    /// <summary>
    /// Writes the whole state (weights, moments, position, random state) after the last full step into an existing empty folder, files
    /// flushed to disk. Micro-batches of an unfinished step are left out: a session that takes up the checkpoint does that step from its
    /// beginning.
    /// </summary>
    void SaveCheckpoint(string folder);

    /// <summary>
    /// Writes adapter and projector into an existing empty folder in PEFT's format, and what the method keeps beside them, files flushed to
    /// disk.
    /// </summary>
    void SaveAdapter(string folder);
}

/// <summary>What one micro-batch did.</summary>
/// <param name="Number">Which one of its step it is of those that are done here, from 1.</param>
/// <param name="Tokens">
/// Sequence positions (text and image) in it; of an update by itself, those of the other trainers' micro-batches.
/// </param>
/// <param name="Step">The step that it completed; null where more micro-batches belong to it.</param>
public sealed record MicroBatchReport(int Number, int Tokens, StepReport? Step);

/// <summary>A piece of a stage's end: a pass over one sample.</summary>
/// <param name="Sample">Which one, from 1.</param>
/// <param name="Samples">How many there are.</param>
public sealed record ConclusionReport(int Sample, int Samples);

/// <summary>A piece of a validation.</summary>
/// <param name="Done">Samples done.</param>
/// <param name="Samples">How many there are.</param>
/// <param name="Loss">Behind the last one: nats per labelled token, the mean over all labelled tokens; null before.</param>
/// <param name="Tokens">Labelled tokens of the samples done.</param>
public sealed record ValidationReport(int Done, int Samples, double? Loss, long Tokens);

/// <summary>What one optimizer step did.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="Loss">Mean of the micro-batches' losses, in nats per labelled token.</param>
/// <param name="LearningRate">The rate used in this step.</param>
/// <param name="GradNorm">2-norm of all gradients before clipping.</param>
/// <param name="Samples">Samples in the step.</param>
/// <param name="Tokens">Sequence positions (text and image) in the step.</param>
public sealed record StepReport(int Step, double Loss, double LearningRate, double GradNorm, int Samples, int Tokens);

/// <summary>Whole steps of a training.</summary>
public static class TrainingSessions
{
    /// <summary>Does what is left of an optimizer step.</summary>
    public static StepReport NextStep(this ITrainingSession session)
    {
        StepReport? step;
        do
        {
            step = session.Next().Step;
        } while (step is null);
        return step;
    }
}

/// <summary>Greedy answers of one adapter.</summary>
public interface IGenerationSession : IDisposable
{
    /// <summary>Answers the samples in their order. An answer does not depend on which samples share its batch.</summary>
    /// <param name="samples">One batch.</param>
    /// <param name="maxNewTokens">Longest answer in tokens.</param>
    /// <exception cref="CoinException">An image cannot be read; the message names sample and file.</exception>
    IReadOnlyList<Prediction> Answer(IReadOnlyList<TestSample> samples, int maxNewTokens);

    /// <summary>
    /// Whom the adapter's experts have served since this was asked last; null for an adapter without experts. Of answers alone: the same
    /// whatever shares their batches.
    /// </summary>
    ExpertRouting? TakeRouting() => null;

    /// <summary>
    /// Says which samples will be answered next, so that a session can read their pictures beside its computing. Changes no answer.
    /// </summary>
    void Prepare(IReadOnlyList<TestSample> samples) { }
}

/// <summary>Names of the files in an adapter folder.</summary>
public static class AdapterFiles
{
    /// <summary>PEFT's weights of the low-rank matrices.</summary>
    public const string Weights = "adapter_model.safetensors";

    /// <summary>The projector, trained besides, with CoIN's key names.</summary>
    public const string Projector = "non_lora_trainables.safetensors";

    /// <summary>PEFT's configuration.</summary>
    public const string Config = "adapter_config.json";

    /// <summary>Tensors that a method carries from stage to stage; only where it has some.</summary>
    public const string MethodTensors = "method_state.safetensors";

    /// <summary>Whose they are, and the values beside them.</summary>
    public const string MethodValues = "method_state.json";

    /// <summary>All that a stage may write beside each other.</summary>
    internal static IReadOnlyList<string> OfStages { get; } = [Config, Weights, Projector, MethodTensors, MethodValues];

    /// <summary>Every name that a file of an adapter may have, also in the folders of other programs.</summary>
    private static readonly string[] Names =
    [
        .. OfStages,
        "adapter_model.bin",
        "non_lora_trainables.bin",
        "mm_projector.safetensors",
        "mm_projector.bin",
    ];

    /// <summary>SHA-256 over the files of an adapter; a training's other files beside them count for nothing.</summary>
    public static string Sha256(string folder) => Sha256(folder, path => Durable.Sha256(path));

    /// <summary>The same, where hashes of files may be known.</summary>
    /// <param name="of">Gives that of a file.</param>
    public static string Sha256(string folder, Func<string, string> of) =>
        Durable.Sha256Of(
            Names
                .Where(name => File.Exists(Path.Combine(folder, name)))
                .ToDictionary(name => name, name => of(Path.Combine(folder, name)), StringComparer.Ordinal)
        );
}
