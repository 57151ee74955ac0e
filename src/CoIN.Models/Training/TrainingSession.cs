using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>Training of one stage: forward and backward in micro-batches whose order the seed decides, then clip and AdamW.</summary>
internal sealed class TrainingSession : ITrainingSession
{
    /// <summary>Micro-batches that are tokenized and whose pictures are decoded ahead of their use.</summary>
    public const int PreparedAhead = 2;

    private readonly IPictureModel model;
    private readonly ExperimentOptions options;
    private readonly StageTraining stage;
    private readonly ImageLoader images;
    private readonly TrainingSet samples;
    private readonly IAdapter adapter;
    private readonly FusedAdamW optimizer;
    private readonly LearningRateSchedule schedule;
    private readonly DataOrder order;
    private readonly Dropout? dropout;
    private readonly ITrainingPass pass;
    private readonly Lookahead<MicroBatch> micros;
    private Unfinished unfinished = Unfinished.None;

    public TrainingSession(
        IPictureModel model, ExperimentOptions options, StageTraining stage, IPrompts prompts, ImageLoader images, Action<string> warn)
    {
        this.model = model;
        this.options = options;
        this.stage = stage;
        this.images = images;
        var training = options.Training;
        samples = TrainingSet.Measure(stage.Samples, prompts, model.ImageTokens, options.Model.MaxLength);
        CheckSamples(warn);
        var batchSize = stage.BatchSize;
        schedule = LearningRateSchedule.For(training, batchSize, samples.Samples.Count);
        order = DataOrder.For(options, stage.Stage, batchSize, samples.Sizes);
        adapter = stage.Adapter is null
            ? AdapterKinds.Trained.Initialize(model.Language, model.Projector, options.Lora, model.Language.Device, SeededRandom.Combine(options.Seed, 0, 2))
            : AdapterKinds.In(stage.Adapter).ReadToTrain(stage.Adapter, model.Language, model.Projector, options.Lora);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        optimizer = new FusedAdamW(
            [
                new ParameterGroup([.. adapter.UpdateParameters()], training.LearningRate),
                new ParameterGroup([.. adapter.Projector?.Parameters ?? []], training.ProjectorLearningRate ?? training.LearningRate),
            ],
            training.Beta1, training.Beta2, training.Epsilon, training.WeightDecay);
        dropout = options.Lora.Dropout > 0 ? new Dropout(options.Lora.Dropout, model.Language.Device) : null;
        pass = model.Backend.Training(model, adapter, dropout, training.GradientCheckpointing);
        if (stage.Checkpoint is not null)
        {
            Step = TrainingCheckpoint.Restore(stage.Checkpoint, Description, adapter, optimizer);
        }

        long accumulation = training.GradientAccumulation;
        micros = new Lookahead<MicroBatch>(Step * accumulation, TotalSteps * accumulation, PreparedAhead, Prepare);
    }

    public int Step { get; private set; }

    public int TotalSteps => schedule.TotalSteps;

    public int MicroBatches => options.Training.GradientAccumulation;

    private TrainingCheckpoint.Description Description => new(stage.Stage, options.Seed, TotalSteps, samples.Samples.Count, Step);

    public MicroBatchReport Next()
    {
        using var scope = NewDisposeScope();
        var prepared = micros.Take();
        if (unfinished.MicroBatches == 0)
        {
            optimizer.ZeroGrad();
            unfinished = unfinished with { First = prepared.Samples };
        }

        var (loss, positions) = Train(prepared, unfinished.MicroBatches);
        unfinished = unfinished.With(loss / MicroBatches, prepared.Samples.Count, positions);
        return new MicroBatchReport(unfinished.MicroBatches, positions, unfinished.MicroBatches < MicroBatches ? null : Update());
    }

    public void SaveCheckpoint(string folder) => TrainingCheckpoint.Write(folder, Description, adapter, optimizer);

    public void SaveAdapter(string folder) => adapter.Write(folder, options.Lora.Dropout, options.Model.Name());

    public void Dispose()
    {
        micros.Dispose();
        optimizer.Dispose();
        adapter.Dispose();
        HeapPolicy.GiveBack();
    }

    /// <summary>The optimizer's part of a step, once all gradients are there.</summary>
    private StepReport Update()
    {
        var norm = optimizer.GradNorm();
        if (!double.IsFinite(norm))
        {
            throw Diverged("gradient", norm, unfinished.First);
        }

        if (options.Training.MaxGradNorm > 0)
        {
            optimizer.Clip(norm, options.Training.MaxGradNorm);
        }

        var multiplier = schedule.Multiplier(Step);
        optimizer.Step(multiplier);
        Step++;
        var done = unfinished;
        unfinished = Unfinished.None;
        return new StepReport(Step, done.Loss, options.Training.LearningRate * multiplier, norm, done.Samples, done.Tokens);
    }

    private (double Loss, int Positions) Train(MicroBatch prepared, int micro)
    {
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.Create(prepared.Sequences, model.ImageTokens, options.Model.MaxLength, model.Language.Device);
        dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, micro));
        var value = pass.Run(batch, Features(prepared), 1.0 / MicroBatches);
        return double.IsFinite(value) ? (value, batch.Sequences.Lengths.Sum()) : throw Diverged("loss", value, prepared.Samples);
    }

    /// <summary>Features of the frozen tower, without a graph.</summary>
    private Tensor? Features(MicroBatch prepared)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return prepared.Pixels.Length == 0 ? null : model.Features(images.ToTensor(prepared.Pixels, model.Language.Device)).MoveToOuterDisposeScope();
    }

    /// <summary>Tokenizes a micro-batch and decodes its pictures; on a thread beside the trainer's.</summary>
    /// <param name="number">Counted from the stage's first micro-batch.</param>
    private MicroBatch Prepare(long number)
    {
        var accumulation = options.Training.GradientAccumulation;
        var indices = order.MicroBatch((int)(number / accumulation), (int)(number % accumulation));
        var rows = indices.Select(i => (Sample: samples.Samples[i], Sequence: samples.Sequence(i))).ToList();
        return new MicroBatch(
            [.. rows.Select(row => row.Sample)], [.. rows.Select(row => row.Sequence)],
            images.Read([.. rows.Where(row => row.Sequence.Ids.Contains(SequenceBatch.ImagePlaceholder)).Select(row => (row.Sample.Id, row.Sample.Image!))]));
    }

    private void CheckSamples(Action<string> warn)
    {
        var masked = samples.Masked;
        if (masked.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {masked.Count} of {stage.Samples.Count} training samples have no answer within " +
                 $"{options.Model.MaxLength} tokens and are left out: {string.Join(", ", masked.Take(10))}{(masked.Count > 10 ? ", …" : "")}");
        }

        _ = samples.NotEmpty(stage.Name);
        var unshown = samples.Unshown;
        if (unshown.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {unshown.Count} of {stage.Samples.Count} training samples have an image and no {PromptBuilder.ImageTag} in their "
                 + $"conversation, so that it is never shown: {string.Join(", ", unshown.Take(10))}{(unshown.Count > 10 ? ", …" : "")}");
        }
    }

    private CoinException Diverged(string what, double value, IEnumerable<TrainingSample> samples) => new(
        $"Stage {stage.Stage} ({stage.Name}), step {Step + 1} of {TotalSteps}: the {what} is {value}. Samples: {string.Join(", ", samples.Take(8).Select(sample => sample.Id))}… " +
        $"Lower training.learning-rate (now {options.Training.LearningRate:g}) or raise training.warmup-ratio, and check these samples.");

    /// <summary>What the micro-batches of the step in work have come to.</summary>
    /// <param name="First">Samples of the first one.</param>
    private sealed record Unfinished(int MicroBatches, double Loss, int Samples, int Tokens, IReadOnlyList<TrainingSample> First)
    {
        public static readonly Unfinished None = new(0, 0, 0, 0, []);

        public Unfinished With(double loss, int samples, int tokens) =>
            this with { MicroBatches = MicroBatches + 1, Loss = Loss + loss, Samples = Samples + samples, Tokens = Tokens + tokens };
    }

    /// <summary>A micro-batch before it goes to the device.</summary>
    /// <param name="Pixels">Of all its pictures, in order.</param>
    private sealed record MicroBatch(IReadOnlyList<TrainingSample> Samples, IReadOnlyList<TokenSequence> Sequences, float[] Pixels);
}
