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
    private readonly StepCut cut;
    private readonly Dropout? dropout;
    private readonly ITrainingPass pass;
    private readonly ITrainingPass alone;
    private readonly Lookahead<MicroBatchCut, MicroBatch> micros;
    private readonly TrainingSet held;

    // Null where the step has one share: then gradients are added up where they lie.
    private readonly StepExchange? exchange;

    // Those that are computed here.
    private readonly IReadOnlyList<int> shares;

    // Micro-batches whose gradients lie added up.
    private int added;
    private (int Step, int MicroBatches) counted = (-1, 0);
    private Unfinished unfinished = Unfinished.None;
    private (int Samples, double Loss, long Tokens) validated;

    // Of a step whose update is under way.
    private (IReadOnlyList<MicroBatchFigures> Step, double Norm) updating = ([], 0);
    private LabelledStates? concluded;

    public TrainingSession(
        IPictureModel model,
        ExperimentOptions options,
        StageTraining stage,
        IPrompts prompts,
        ImageLoader images,
        TrainingMethods methods,
        Action<string> warn
    )
    {
        this.model = model;

        // The stage's own number takes the place of the experiment's wherever there is talk of steps.
        this.options = options = stage.GradientAccumulation is { } accumulation
            ? options with
            {
                Training = options.Training with { GradientAccumulation = accumulation },
            }
            : options;
        this.stage = stage;
        this.images = images;
        this.prompts = prompts;
        TrainingSet.CheckLength(model.Language.Config, options.Model.MaxLength);
        var training = options.Training;
        hooks = new MethodHooks(
            options.Method,
            methods.Create(options),
            new StageInfo(stage.Stage, stage.Name, options.Seed, model.Language.Device, options.Data.Images, warn)
        );
        var offered = hooks.Samples(stage.Samples, stage.Adapter, warn);
        samples = TrainingSet.Measure(offered, prompts, model.ImageTokens, options.Model.MaxLength);
        CheckSamples(offered.Count, warn);
        held = TrainingSet.Measure(stage.Validation, prompts, model.ImageTokens, options.Model.MaxLength);
        if (held.Masked.Count > 0)
        {
            warn(
                $"Stage {stage.Stage} ({stage.Name}): {held.Masked.Count} of {stage.Validation.Count} held-out samples have no answer within "
                    + $"{options.Model.MaxLength} tokens and count for nothing in its validation loss: {string.Join(", ", held.Masked.Take(10))}{(held.Masked.Count > 10 ? ", …" : "")}"
            );
        }

        var batchSize = stage.BatchSize;
        schedule = LearningRateSchedule.For(training, batchSize, samples.Samples.Count);
        cut = new StepCut(DataOrder.For(options, stage.Stage, batchSize, samples.Sizes), samples.Sizes, training);
        var kind = methods.Adapter(options);
        adapter = stage.Adapter is null
            ? kind.Initialize(
                model.Language,
                model.Projector,
                options.Lora,
                model.Language.Device,
                SeededRandom.Combine(options.Seed, 0, AdapterKinds.Initialization)
            )
            : AdapterKinds.ReadToTrain(stage.Adapter, kind, model.Language, model.Projector, options, stage.Stage);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        exchange =
            training.WorldSize == 1
                ? null
                : new StepExchange(
                    stage.Team,
                    training.WorldSize,
                    [.. adapter.Parameters()],
                    training.OptimizerState == OptimizerState.Sharded
                );
        optimizer = new FusedAdamW(
            [
                new ParameterGroup([.. adapter.UpdateParameters()], training.LearningRate) { SparesVectors = true },
                new ParameterGroup([.. adapter.Projector?.Parameters ?? []], training.ProjectorLearningRate ?? training.LearningRate)
                {
                    SparesVectors = true,
                },
            ],
            training.Beta1,
            training.Beta2,
            training.Epsilon,
            training.WeightDecay,
            exchange is null ? null : exchange.Owns
        );
        dropout = options.Lora.Dropout > 0 ? new Dropout(options.Lora.Dropout, model.Language.Device) : null;
        pass = model.Backend.Training(model, adapter, dropout, training.GradientCheckpointing);
        alone = dropout is null ? pass : model.Backend.Training(model, adapter, null, training.GradientCheckpointing);
        if (stage.Checkpoint is not null)
        {
            Step = TrainingCheckpoint.Restore(stage.Checkpoint, Description, adapter, optimizer);
        }

        hooks.Begin(adapter, stage.Checkpoint);

        shares = exchange?.Own.ToList() ?? [0];
        exchange?.Begin(Step);
        micros = new Lookahead<MicroBatchCut, MicroBatch>(
            Enumerable.Range(Step, TotalSteps - Step).SelectMany(Here),
            PreparedAhead,
            Prepare
        );
    }

    public int Step { get; private set; }

    public int TotalSteps => schedule.TotalSteps;

    public int MicroBatches
    {
        get
        {
            // Behind the last step: as in it.
            var step = Math.Min(Step, TotalSteps - 1);
            if (counted.Step != step)
            {
                counted = (step, Here(step).Count());
            }

            return counted.MicroBatches;
        }
    }

    /// <summary>The other trainers' part of the step; at the end, what they have yet to be told.</summary>
    public Task? Awaited => exchange?.Pending ?? (Step == TotalSteps ? exchange?.Leaving : null);

    private TrainingCheckpoint.Description Description => new(stage.Stage, options.Seed, TotalSteps, samples.Samples.Count, Step);

    public MicroBatchReport Next()
    {
        using var scope = NewDisposeScope();
        if (exchange is { IsPending: true })
        {
            return Exchanged(0);
        }

        if (exchange is { IsLeft: true })
        {
            throw StepExchange.Left();
        }

        var prepared = micros.Take();
        var positions = Accumulate(prepared);
        if (exchange is null)
        {
            if (unfinished.MicroBatches < MicroBatches)
            {
                return new MicroBatchReport(unfinished.MicroBatches, positions, null);
            }

            var number = unfinished.MicroBatches;
            Update(null);
            return new MicroBatchReport(number, positions, Updated());
        }

        if (prepared.Cut!.EndsShare)
        {
            exchange.Give(Step, prepared.Cut.Share, Figures([.. unfinished.Losses.TakeLast(added)]));
            added = 0;
        }

        if (unfinished.MicroBatches == MicroBatches)
        {
            exchange.Close(Step);
        }

        return exchange is { IsPending: true, Pending: null }
            ? Exchanged(positions)
            : new MicroBatchReport(unfinished.MicroBatches, positions, null);
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
        return double.IsFinite(loss)
            ? new ConclusionReport(pass.Number, pass.Of)
            : throw new CoinException(
                $"Stage {stage.Stage} ({stage.Name}): after the last step the loss of sample {pass.Sample.Id} is {loss}. "
                    + $"Lower training.learning-rate (now {options.Training.LearningRate:g}), and check this sample."
            );
    }

    public int ValidationSamples => held.Samples.Count;

    public ValidationReport Validate()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var some = options.Training.MicroBatchTokens is { } tokens
            ? StepCut.Fitting(held.Sizes.Skip(validated.Samples).Select(size => size.Positions), tokens)
            : stage.BatchSize;
        var prepared = Prepare([.. held.Samples.Skip(validated.Samples).Take(some)]);
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
                $"Stage {stage.Stage} ({stage.Name}): after step {Step} the loss of the held-out samples {string.Join(", ", prepared.Samples.Take(8).Select(sample => sample.Id))} is {loss}. "
                    + $"Lower training.learning-rate (now {options.Training.LearningRate:g}), and check these samples."
            );
        }

        var done = validated;
        if (done.Samples < held.Samples.Count)
        {
            return new ValidationReport(done.Samples, held.Samples.Count, null, done.Tokens);
        }

        validated = default;
        return new ValidationReport(done.Samples, done.Samples, done.Loss / done.Tokens, done.Tokens);
    }

    public StepReport? Part(TimeSpan patience)
    {
        if (exchange is not { IsDealtOut: true })
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        if (!stage.Team.IsFirst && !exchange.IsLeft)
        {
            exchange.Leave();
        }

        StepReport? ended = null;
        try
        {
            // A step whose gradient is complete comes to its end: some have made their part of the update already.
            while (stage.Team.IsFirst ? exchange.IsUpdating : exchange.IsPending)
            {
                if (exchange.Pending?.Wait(Left()) == false)
                {
                    return null;
                }

                ended = Exchanged(0).Step ?? ended;
            }
        }
        catch (Exception e) when ((e is AggregateException ? e.InnerException : e) is TrainerLostException lost)
        {
            if (!lost.Leaves)
            {
                return ended;
            }
        }

        _ = stage.Team.IsFirst ? exchange.GatherMoments(Left()) : exchange.GiveMoments(optimizer.MomentsOf, Left());
        return ended;

        TimeSpan Left() => patience > clock.Elapsed ? patience - clock.Elapsed : TimeSpan.Zero;
    }

    public bool IsWhole => exchange?.HasMoments(Step) ?? true;

    public void SaveCheckpoint(string folder)
    {
        if (!IsWhole)
        {
            throw new InvalidOperationException($"other trainers have moments of step {Step}");
        }

        using var scope = NewDisposeScope();
        TrainingCheckpoint.Write(
            folder,
            Description,
            adapter,
            optimizer.Named(exchange is { IsSharded: true } ? exchange.MomentsOf : null)
        );
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
        exchange?.Dispose();
        unfinished.Dispose();
        concluded?.Dispose();
        hooks.Dispose();
        optimizer.Dispose();
        adapter.Dispose();
        HeapPolicy.GiveBack();
    }

    /// <summary>Adds a micro-batch's gradients to those of its step, or of its share of it.</summary>
    /// <returns>Its positions.</returns>
    private int Accumulate(MicroBatch prepared)
    {
        if (added == 0)
        {
            optimizer.ZeroGrad();
        }

        var (number, weight) = (prepared.Cut!.Number, prepared.Cut.Weight);
        dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, number));
        var (loss, positions) = Run(prepared, weight ?? (1.0 / options.Training.GradientAccumulation), rehearsed: false);
        unfinished = unfinished.With(new PendingLoss(loss.DetachFromDisposeScope(), weight, prepared.Samples, positions));
        added++;
        return positions;
    }

    /// <summary>The end of a step with several shares: the update, or what came of it.</summary>
    /// <param name="positions">Of a micro-batch that was done before, in the same piece.</param>
    private MicroBatchReport Exchanged(int positions)
    {
        var (number, tokens) = (unfinished.MicroBatches, unfinished.Tokens);
        if (!stage.Team.IsFirst && exchange!.IsUpdating)
        {
            var wanted = exchange.TakeShard();
            optimizer.Step(schedule.Multiplier(Step));
            exchange.GiveShard(Step, wanted ? optimizer.MomentsOf : null);
            return exchange.Pending is null ? Exchanged(positions) : new MicroBatchReport(number, positions, null);
        }

        if (!stage.Team.IsFirst)
        {
            var report = exchange!.Received();
            Step = report.Step;
            hooks.AfterStep(Step);
            Finish();
            return new MicroBatchReport(number, positions, report);
        }

        if (!exchange!.IsUpdating)
        {
            Update(exchange.Gathered());
            if (exchange is { IsUpdating: true, Pending: not null })
            {
                return new MicroBatchReport(number, positions, null);
            }
        }

        if (exchange.IsUpdating)
        {
            exchange.Assemble();
        }

        var step = Updated();
        exchange.Updated(step);
        return new MicroBatchReport(number, positions + step.Tokens - tokens, step);
    }

    /// <summary>A step's micro-batches that are done here.</summary>
    private IEnumerable<MicroBatchCut> Here(int step) => cut.Of(step).Where(one => shares.Contains(one.Share));

    /// <summary>
    /// The optimizer's part of a step, once all gradients are there: of all parameters, or of those that are updated here.
    /// </summary>
    /// <param name="gathered">The step's micro-batches where it has several shares; null where all of them were done here.</param>
    private void Update(IReadOnlyList<MicroBatchFigures>? gathered)
    {
        if (hooks.Rehearsed(Step) is { Count: > 0 } more)
        {
            dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, cut.Of(Step).Count));
            _ = Run(Prepare(more), 1, rehearsed: true);
        }

        hooks.AddGradients();
        updating = ReadLossesAndNorm(gathered);
        if (options.Training.MaxGradNorm > 0)
        {
            optimizer.Clip(updating.Norm, options.Training.MaxGradNorm);
        }

        if (exchange is { IsSharded: true })
        {
            exchange.Scatter(Step, IsCheckpointAt(Step + 1));
        }

        optimizer.Step(schedule.Multiplier(Step));
    }

    /// <summary>Whether the whole state is wanted after a step: for a checkpoint, or for what follows the last step.</summary>
    private bool IsCheckpointAt(int step) =>
        step == TotalSteps || (options.Training.CheckpointEvery > 0 && step % options.Training.CheckpointEvery == 0);

    /// <summary>The end of a step: all parameters are updated.</summary>
    private StepReport Updated()
    {
        var (step, norm) = updating;
        var multiplier = schedule.Multiplier(Step);
        Step++;
        hooks.AfterStep(Step);
        Finish();
        return new StepReport(
            Step,
            step.Aggregate(0.0, (sum, one) => sum + one.Loss),
            options.Training.LearningRate * multiplier,
            norm,
            step.Sum(one => one.Samples),
            step.Sum(one => one.Tokens)
        );
    }

    /// <summary>Nothing of the next step is there.</summary>
    private void Finish()
    {
        unfinished.Dispose();
        (unfinished, added) = (Unfinished.None, 0);
    }

    /// <summary>
    /// Waits for the step's losses and for the norm of its gradients: the only time in a step that the host waits for the device.
    /// </summary>
    /// <param name="gathered">The losses where they have been read before, with the shares' gradients.</param>
    private (IReadOnlyList<MicroBatchFigures> Step, double Norm) ReadLossesAndNorm(IReadOnlyList<MicroBatchFigures>? gathered)
    {
        var losses = gathered is null ? unfinished.Losses : [];
        var read = cat([.. losses.Select(one => one.Mean), optimizer.Norm().to(ScalarType.Float64).view(1)], 0)
            .cpu()
            .data<double>()
            .ToArray();
        var (step, norm) = (gathered ?? Figures(losses, read), read[^1]);
        return double.IsFinite(norm) ? (step, norm) : throw Diverged("gradient", norm, unfinished.Losses[0].Samples);
    }

    /// <summary>Waits for the losses of some micro-batches.</summary>
    private IReadOnlyList<MicroBatchFigures> Figures(IReadOnlyList<PendingLoss> losses) =>
        Figures(losses, cat([.. losses.Select(one => one.Mean)], 0).cpu().data<double>().ToArray());

    private IReadOnlyList<MicroBatchFigures> Figures(IReadOnlyList<PendingLoss> losses, IReadOnlyList<double> read) =>
        [.. losses.Zip(read, (one, value) => new MicroBatchFigures(
                    !double.IsFinite(value) ? throw Diverged("loss", value, one.Samples)
                        : one.Weight is { } weight ? value * weight
                        : value / options.Training.GradientAccumulation,
                    one.Samples.Count,
                    one.Tokens
                ))];

    /// <summary>Forward and backward of one micro-batch.</summary>
    /// <param name="rehearsed">Whether the method's term is its only loss.</param>
    private (Tensor Loss, int Positions) Run(MicroBatch prepared, double weight, bool rehearsed)
    {
        using var scope = NewDisposeScope();
        using var batch = Batch(prepared);
        var features = Features(prepared);
        var further = hooks.BeforeBatch(() =>
            new MethodBatch(
                prepared.Samples,
                [.. prepared.Sequences.Select(one => one.Measure(model.ImageTokens, options.Model.MaxLength).Labelled)],
                rehearsed,
                () => alone.Forward(batch, features)
            )
        );
        return (pass.Run(batch, features, weight, further, rehearsed ? 0 : 1).MoveToOuterDisposeScope(), batch.Sequences.Lengths.Sum());
    }

    private SequenceBatch Batch(MicroBatch prepared) =>
        SequenceBatch.Create(
            prepared.Sequences,
            model.ImageTokens,
            options.Model.MaxLength,
            model.Language.Device,
            factors: prepared.Cut?.Factors
        );

    /// <summary>Features of the frozen tower, without a graph.</summary>
    private Tensor? Features(MicroBatch prepared)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var each = images
            .ToTensors(prepared.Pictures, model.Language.Device)
            .SelectMany(pixels => pixels.split(model.PicturesTogether))
            .Select(model.Features)
            .ToList();
        if (each.Count < 2)
        {
            return each.SingleOrDefault()?.MoveToOuterDisposeScope();
        }

        // Pictures of unlike sizes: their positions, one picture's after the other's.
        var alike = each.All(one => one.size(1) == each[0].size(1));
        return cat([.. each.Select(one => alike ? one : one.flatten(0, 1))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>Tokenizes a micro-batch and decodes its pictures; on a thread beside the trainer's.</summary>
    private MicroBatch Prepare(MicroBatchCut of) => Prepare([.. of.Samples.Select(i => samples.Samples[i])]) with { Cut = of };

    private MicroBatch Prepare(IReadOnlyList<TrainingSample> chosen)
    {
        var rows = chosen.Select(sample => (Sample: sample, Sequence: TrainingSet.Tokenize(prompts, sample))).ToList();
        var shown = rows.Where(row => row.Sequence.Ids.Any(PicturePlace.Is));
        return new MicroBatch(
            chosen,
            [.. rows.Select(row => row.Sequence)],
            images.Read([.. shown.SelectMany(row => row.Sample.Images.DefaultIfEmpty<string?>(), (row, image) => (row.Sample.Id, image))])
        );
    }

    private void CheckSamples(int offered, Action<string> warn)
    {
        var masked = samples.Masked;
        if (masked.Count > 0)
        {
            warn(
                $"Stage {stage.Stage} ({stage.Name}): {masked.Count} of {offered} training samples have no answer within "
                    + $"{options.Model.MaxLength} tokens and are left out: {string.Join(", ", masked.Take(10))}{(masked.Count > 10 ? ", …" : "")}"
            );
        }

        _ = samples.NotEmpty(stage.Name);
        foreach (
            var remark in samples
                .Samples.Select(sample => (sample.Id, Text: prompts.Remark(sample)))
                .Where(remark => remark.Text is not null)
                .GroupBy(remark => remark.Text)
        )
        {
            warn(
                $"Stage {stage.Stage} ({stage.Name}): {remark.Count()} of {offered} training samples {remark.Key}: {string.Join(", ", remark.Take(10).Select(one => one.Id))}{(remark.Count() > 10 ? ", …" : "")}"
            );
        }

        var unshown = samples.Unshown;
        if (unshown.Count > 0)
        {
            warn(
                $"Stage {stage.Stage} ({stage.Name}): {unshown.Count} of {offered} training samples have an image and no {PromptBuilder.ImageTag} in their "
                    + $"conversation, so that it is never shown: {string.Join(", ", unshown.Take(10))}{(unshown.Count > 10 ? ", …" : "")}"
            );
        }
    }

    private CoinException Diverged(string what, double value, IEnumerable<TrainingSample> samples) =>
        new(
            $"Stage {stage.Stage} ({stage.Name}), step {Step + 1} of {TotalSteps}: the {what} is {value}. Samples: {string.Join(", ", samples.Take(8).Select(sample => sample.Id))}… "
                + $"Lower training.learning-rate (now {options.Training.LearningRate:g}) or raise training.warmup-ratio, and check these samples."
        );

    /// <summary>What the micro-batches of the step in work have come to, of those that are done here.</summary>
    private sealed record Unfinished(IReadOnlyList<PendingLoss> Losses) : IDisposable
    {
        public static readonly Unfinished None = new([]);

        public int MicroBatches => Losses.Count;

        public int Tokens => Losses.Sum(one => one.Tokens);

        public Unfinished With(PendingLoss loss) => new([.. Losses, loss]);

        public void Dispose()
        {
            foreach (var loss in Losses)
            {
                loss.Mean.Dispose();
            }
        }
    }

    /// <summary>A micro-batch's loss, which is read at the end of the step or of its share.</summary>
    /// <param name="Mean">float64 [1], on the device.</param>
    /// <param name="Weight">Its part of the step; null where each micro-batch weighs the same.</param>
    /// <param name="Tokens">Sequence positions.</param>
    private sealed record PendingLoss(Tensor Mean, double? Weight, IReadOnlyList<TrainingSample> Samples, int Tokens);

    /// <summary>A micro-batch before it goes to the device.</summary>
    /// <param name="Pictures">All of them, in order.</param>
    private sealed record MicroBatch(
        IReadOnlyList<TrainingSample> Samples,
        IReadOnlyList<TokenSequence> Sequences,
        IReadOnlyList<PictureBlock> Pictures
    )
    {
        /// <summary>Which one of its step it is; null for those that are none of a step's own.</summary>
        public MicroBatchCut? Cut { get; init; }
    }
}
