using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Methods;
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
    private readonly MethodHooks hooks;
    private readonly IPrompts prompts;
    private readonly TrainingSet samples;
    private readonly IAdapter adapter;
    private readonly FusedAdamW optimizer;
    private readonly LearningRateSchedule schedule;
    private readonly DataOrder order;
    private readonly Dropout? dropout;
    private readonly ITrainingPass pass;
    private readonly ITrainingPass alone;
    private readonly Lookahead<MicroBatch> micros;
    private readonly TrainingSet held;
    private Unfinished unfinished = Unfinished.None;
    private (int Samples, double Loss, long Tokens) validated;
    private LabelledStates? concluded;

    public TrainingSession(
        IPictureModel model, ExperimentOptions options, StageTraining stage, IPrompts prompts, ImageLoader images, TrainingMethods methods,
        Action<string> warn)
    {
        this.model = model;
        this.options = options;
        this.stage = stage;
        this.images = images;
        this.prompts = prompts;
        TrainingSet.CheckLength(model.Language.Config, options.Model.MaxLength);
        var training = options.Training;
        hooks = new MethodHooks(
            options.Method, methods.Create(options), new StageInfo(stage.Stage, stage.Name, options.Seed, model.Language.Device, options.Data.Images, warn));
        var offered = hooks.Samples(stage.Samples, stage.Adapter, warn);
        samples = TrainingSet.Measure(offered, prompts, model.ImageTokens, options.Model.MaxLength);
        CheckSamples(offered.Count, warn);
        held = TrainingSet.Measure(stage.Validation, prompts, model.ImageTokens, options.Model.MaxLength);
        if (held.Masked.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {held.Masked.Count} of {stage.Validation.Count} held-out samples have no answer within " +
                 $"{options.Model.MaxLength} tokens and count for nothing in its validation loss: {string.Join(", ", held.Masked.Take(10))}{(held.Masked.Count > 10 ? ", …" : "")}");
        }

        var batchSize = stage.BatchSize;
        schedule = LearningRateSchedule.For(training, batchSize, samples.Samples.Count);
        order = DataOrder.For(options, stage.Stage, batchSize, samples.Sizes);
        var kind = methods.Adapter(options);
        adapter = stage.Adapter is null
            ? kind.Initialize(model.Language, model.Projector, options.Lora, model.Language.Device, SeededRandom.Combine(options.Seed, 0, AdapterKinds.Initialization))
            : AdapterKinds.ReadToTrain(stage.Adapter, kind, model.Language, model.Projector, options, stage.Stage);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        optimizer = new FusedAdamW(
            [
                new ParameterGroup([.. adapter.UpdateParameters()], training.LearningRate) { SparesVectors = true },
                new ParameterGroup([.. adapter.Projector?.Parameters ?? []], training.ProjectorLearningRate ?? training.LearningRate) { SparesVectors = true },
            ],
            training.Beta1, training.Beta2, training.Epsilon, training.WeightDecay);
        dropout = options.Lora.Dropout > 0 ? new Dropout(options.Lora.Dropout, model.Language.Device) : null;
        pass = model.Backend.Training(model, adapter, dropout, training.GradientCheckpointing);
        alone = dropout is null ? pass : model.Backend.Training(model, adapter, null, training.GradientCheckpointing);
        if (stage.Checkpoint is not null)
        {
            Step = TrainingCheckpoint.Restore(stage.Checkpoint, Description, adapter, optimizer);
        }

        hooks.Begin(adapter, stage.Checkpoint);

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
        var positions = Accumulate(micros.Take());
        return new MicroBatchReport(unfinished.MicroBatches, positions, unfinished.MicroBatches < MicroBatches ? null : Update());
    }

    public ConclusionReport? Conclude()
    {
        using var scope = NewDisposeScope();
        if (hooks.EndStage(samples.Samples) is not { } pass)
        {
            return null;
        }

        var prepared = Prepare([pass.Sample]);
        using var batch = Batch(prepared);
        pass.Labelled = (int)batch.Targets.size(0);
        if (!pass.Backward)
        {
            concluded?.Dispose();
            pass.States = concluded = alone.Forward(batch, Features(prepared));
            return new ConclusionReport(pass.Number, pass.Of);
        }

        optimizer.ZeroGrad();
        var loss = alone.Run(batch, Features(prepared), 1).item<double>();
        return double.IsFinite(loss) ? new ConclusionReport(pass.Number, pass.Of) : throw new CoinException(
            $"Stage {stage.Stage} ({stage.Name}): after the last step the loss of sample {pass.Sample.Id} is {loss}. " +
            $"Lower training.learning-rate (now {options.Training.LearningRate:g}), and check this sample.");
    }

    public int ValidationSamples => held.Samples.Count;

    public ValidationReport Validate()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var prepared = Prepare([.. held.Samples.Skip(validated.Samples).Take(stage.BatchSize)]);
        using var batch = Batch(prepared);
        using var states = alone.Forward(batch, Features(prepared));
        var loss = validated.Loss;
        foreach (var (first, count) in LossChunks.Of(states.Count, LossChunks.Rows(model.Language.Config.VocabularySize)))
        {
            using var logits = states.Logits(first, count);
            using var sum = nn.functional.cross_entropy(logits, batch.Targets.narrow(0, first, count), reduction: nn.Reduction.Sum);
            loss += sum.item<float>();
        }

        validated = (validated.Samples + prepared.Samples.Count, loss, validated.Tokens + states.Count);
        if (!double.IsFinite(loss))
        {
            throw new CoinException(
                $"Stage {stage.Stage} ({stage.Name}): after step {Step} the loss of the held-out samples {string.Join(", ", prepared.Samples.Take(8).Select(sample => sample.Id))} is {loss}. " +
                $"Lower training.learning-rate (now {options.Training.LearningRate:g}), and check these samples.");
        }

        var done = validated;
        if (done.Samples < held.Samples.Count)
        {
            return new ValidationReport(done.Samples, held.Samples.Count, null, done.Tokens);
        }

        validated = default;
        return new ValidationReport(done.Samples, done.Samples, done.Loss / done.Tokens, done.Tokens);
    }

    public void SaveCheckpoint(string folder)
    {
        TrainingCheckpoint.Write(folder, Description, adapter, optimizer);
        hooks.Write(folder);
    }

    public void SaveAdapter(string folder)
    {
        while (Step == TotalSteps && Conclude() is not null)
        {
            // Whoever does not want to wait for all of it at once has done it before.
        }

        adapter.Write(folder, options.Lora.Dropout, options.Model.Name());
        hooks.Write(folder);
    }

    public void Dispose()
    {
        micros.Dispose();
        unfinished.Dispose();
        concluded?.Dispose();
        hooks.Dispose();
        optimizer.Dispose();
        adapter.Dispose();
        HeapPolicy.GiveBack();
    }

    /// <summary>Adds a micro-batch's gradients to those of its step.</summary>
    /// <returns>Its positions.</returns>
    private int Accumulate(MicroBatch prepared)
    {
        if (unfinished.MicroBatches == 0)
        {
            optimizer.ZeroGrad();
        }

        dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, unfinished.MicroBatches));
        var weight = Weight(unfinished.MicroBatches);
        var (loss, positions) = Run(prepared, weight ?? (1.0 / MicroBatches), rehearsed: false);
        unfinished = unfinished.With(new PendingLoss(loss.DetachFromDisposeScope(), weight, prepared.Samples), positions);
        return positions;
    }

    /// <summary>The part of the step's labelled tokens that a micro-batch has; null where each micro-batch weighs the same.</summary>
    private double? Weight(int micro)
    {
        if (options.Training.Loss == LossMean.MicroBatchMean)
        {
            return null;
        }

        // Nothing but numbers that were measured when the stage began: the step's later micro-batches need not be there yet.
        var labelled = Enumerable.Range(0, MicroBatches)
            .Select(one => order.MicroBatch(Step, one).Sum(sample => (long)samples.Sizes[sample].Labelled)).ToList();
        return labelled[micro] / (double)labelled.Sum();
    }

    /// <summary>The optimizer's part of a step, once all gradients are there.</summary>
    private StepReport Update()
    {
        if (hooks.Rehearsed(Step) is { Count: > 0 } more)
        {
            dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, MicroBatches));
            _ = Run(Prepare(more), 1, rehearsed: true);
        }

        hooks.AddGradients();
        var (loss, norm) = ReadLossAndNorm();

        if (options.Training.MaxGradNorm > 0)
        {
            optimizer.Clip(norm, options.Training.MaxGradNorm);
        }

        var multiplier = schedule.Multiplier(Step);
        optimizer.Step(multiplier);
        Step++;
        hooks.AfterStep(Step);
        var done = unfinished;
        unfinished = Unfinished.None;
        done.Dispose();
        return new StepReport(Step, loss, options.Training.LearningRate * multiplier, norm, done.Samples, done.Tokens);
    }

    /// <summary>Waits for the step's losses and for the norm of its gradients: the only time in a step that the host waits for the device.</summary>
    private (double Loss, double Norm) ReadLossAndNorm()
    {
        var losses = unfinished.Losses;
        var read = cat([.. losses.Select(one => one.Mean), optimizer.Norm().to(ScalarType.Float64).view(1)], 0).cpu().data<double>().ToArray();
        double loss = 0;
        foreach (var (one, value) in losses.Zip(read))
        {
            loss += !double.IsFinite(value) ? throw Diverged("loss", value, one.Samples)
                : one.Weight is { } weight ? value * weight : value / MicroBatches;
        }

        var norm = read[^1];
        return double.IsFinite(norm) ? (loss, norm) : throw Diverged("gradient", norm, losses[0].Samples);
    }

    /// <summary>Forward and backward of one micro-batch.</summary>
    /// <param name="rehearsed">Whether the method's term is its only loss.</param>
    private (Tensor Loss, int Positions) Run(MicroBatch prepared, double weight, bool rehearsed)
    {
        using var scope = NewDisposeScope();
        using var batch = Batch(prepared);
        var features = Features(prepared);
        var further = hooks.BeforeBatch(() => new MethodBatch(
            prepared.Samples, [.. prepared.Sequences.Select(one => one.Measure(model.ImageTokens, options.Model.MaxLength).Labelled)],
            rehearsed, () => alone.Forward(batch, features)));
        return (pass.Run(batch, features, weight, further, rehearsed ? 0 : 1).MoveToOuterDisposeScope(), batch.Sequences.Lengths.Sum());
    }

    private SequenceBatch Batch(MicroBatch prepared) =>
        SequenceBatch.Create(prepared.Sequences, model.ImageTokens, options.Model.MaxLength, model.Language.Device);

    /// <summary>Features of the frozen tower, without a graph.</summary>
    private Tensor? Features(MicroBatch prepared)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var each = images.ToTensors(prepared.Pictures, model.Language.Device).Select(model.Features).ToList();

        // Pictures of unlike sizes: their positions, one picture's after the other's.
        return (each.Count < 2 ? each.SingleOrDefault() : cat([.. each.Select(one => one.flatten(0, 1))], 0))?.MoveToOuterDisposeScope();
    }

    /// <summary>Tokenizes a micro-batch and decodes its pictures; on a thread beside the trainer's.</summary>
    /// <param name="number">Counted from the stage's first micro-batch.</param>
    private MicroBatch Prepare(long number)
    {
        var accumulation = options.Training.GradientAccumulation;
        return Prepare(order.MicroBatch((int)(number / accumulation), (int)(number % accumulation)));
    }

    private MicroBatch Prepare(IReadOnlyList<int> indices) => Prepare([.. indices.Select(i => samples.Samples[i])]);

    private MicroBatch Prepare(IReadOnlyList<TrainingSample> chosen)
    {
        var rows = chosen.Select(sample => (Sample: sample, Sequence: TrainingSet.Tokenize(prompts, sample))).ToList();
        var shown = rows.Where(row => row.Sequence.Ids.Any(PicturePlace.Is));
        return new MicroBatch(
            chosen, [.. rows.Select(row => row.Sequence)],
            images.Read([.. shown.SelectMany(row => row.Sample.Images.DefaultIfEmpty<string?>(), (row, image) => (row.Sample.Id, image))]));
    }

    private void CheckSamples(int offered, Action<string> warn)
    {
        var masked = samples.Masked;
        if (masked.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {masked.Count} of {offered} training samples have no answer within " +
                 $"{options.Model.MaxLength} tokens and are left out: {string.Join(", ", masked.Take(10))}{(masked.Count > 10 ? ", …" : "")}");
        }

        _ = samples.NotEmpty(stage.Name);
        foreach (var remark in samples.Samples.Select(sample => (sample.Id, Text: prompts.Remark(sample))).Where(remark => remark.Text is not null).GroupBy(remark => remark.Text))
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {remark.Count()} of {offered} training samples {remark.Key}: {string.Join(", ", remark.Take(10).Select(one => one.Id))}{(remark.Count() > 10 ? ", …" : "")}");
        }

        var unshown = samples.Unshown;
        if (unshown.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Name}): {unshown.Count} of {offered} training samples have an image and no {PromptBuilder.ImageTag} in their "
                 + $"conversation, so that it is never shown: {string.Join(", ", unshown.Take(10))}{(unshown.Count > 10 ? ", …" : "")}");
        }
    }

    private CoinException Diverged(string what, double value, IEnumerable<TrainingSample> samples) => new(
        $"Stage {stage.Stage} ({stage.Name}), step {Step + 1} of {TotalSteps}: the {what} is {value}. Samples: {string.Join(", ", samples.Take(8).Select(sample => sample.Id))}… " +
        $"Lower training.learning-rate (now {options.Training.LearningRate:g}) or raise training.warmup-ratio, and check these samples.");

    /// <summary>What the micro-batches of the step in work have come to.</summary>
    private sealed record Unfinished(IReadOnlyList<PendingLoss> Losses, int Tokens) : IDisposable
    {
        public static readonly Unfinished None = new([], 0);

        public int MicroBatches => Losses.Count;

        public int Samples => Losses.Sum(one => one.Samples.Count);

        public Unfinished With(PendingLoss loss, int tokens) => new([.. Losses, loss], Tokens + tokens);

        public void Dispose()
        {
            foreach (var loss in Losses)
            {
                loss.Mean.Dispose();
            }
        }
    }

    /// <summary>A micro-batch's loss, which is read at the step's end.</summary>
    /// <param name="Mean">float64 [1], on the device.</param>
    /// <param name="Weight">Its part of the step; null where each micro-batch weighs the same.</param>
    private sealed record PendingLoss(Tensor Mean, double? Weight, IReadOnlyList<TrainingSample> Samples);

    /// <summary>A micro-batch before it goes to the device.</summary>
    /// <param name="Pictures">All of them, in order.</param>
    private sealed record MicroBatch(
        IReadOnlyList<TrainingSample> Samples, IReadOnlyList<TokenSequence> Sequences, IReadOnlyList<PictureBlock> Pictures);
}
