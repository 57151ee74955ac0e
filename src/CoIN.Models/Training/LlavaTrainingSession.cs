using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Conversation;
using CoIN.Models.Llava;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>LoRA training of one stage: forward, backward, clip, AdamW, in micro-batches whose order the seed decides.</summary>
internal sealed class LlavaTrainingSession : ITrainingSession
{
    private readonly LlavaModel model;
    private readonly ExperimentOptions options;
    private readonly StageTraining stage;
    private readonly ImageLoader images;
    private readonly List<(TrainingSample Sample, LlavaSequence Sequence)> samples;
    private readonly LoraAdapter adapter;
    private readonly FusedAdamW optimizer;
    private readonly LearningRateSchedule schedule;
    private readonly DataOrder order;
    private readonly Dropout? dropout;

    public LlavaTrainingSession(
        LlavaModel model, ExperimentOptions options, StageTraining stage, PromptBuilder prompts, ImageLoader images, Action<string> warn)
    {
        this.model = model;
        this.options = options;
        this.stage = stage;
        this.images = images;
        samples = Tokenize(prompts, warn);
        var batchSize = stage.Task.BatchSize ?? options.Training.BatchSize;
        schedule = LearningRateSchedule.For(options.Training, batchSize, samples.Count);
        order = new DataOrder(samples.Count, batchSize, options.Training.GradientAccumulation, SeededRandom.Combine(options.Seed, stage.Stage, 1));
        adapter = stage.Adapter is null
            ? LoraAdapter.Initialize(model.Language, model.Projector, options.Lora, model.Device, SeededRandom.Combine(options.Seed, 0, 2))
            : PeftFolder.ReadToTrain(stage.Adapter, model, options.Lora);
        foreach (var parameter in adapter.Parameters())
        {
            parameter.requires_grad_(true);
        }

        var rate = options.Training.LearningRate;
        optimizer = new FusedAdamW(
            [
                new ParameterGroup([.. adapter.LowRankParameters()], rate),
                new ParameterGroup([.. adapter.Projector?.Parameters ?? []], options.Training.ProjectorLearningRate ?? rate),
            ],
            options.Training.Beta1, options.Training.Beta2, options.Training.Epsilon, options.Training.WeightDecay);
        dropout = options.Lora.Dropout > 0 ? new Dropout(options.Lora.Dropout, model.Device) : null;
        if (stage.Checkpoint is not null)
        {
            Step = TrainingCheckpoint.Restore(stage.Checkpoint, Description, adapter, optimizer);
        }
    }

    public int Step { get; private set; }

    public int TotalSteps => schedule.TotalSteps;

    private TrainingCheckpoint.Description Description => new(stage.Stage, options.Seed, TotalSteps, samples.Count, Step);

    public StepReport Next()
    {
        using var scope = NewDisposeScope();
        optimizer.ZeroGrad();
        var accumulation = options.Training.GradientAccumulation;
        double loss = 0;
        int count = 0, tokens = 0;
        for (var micro = 0; micro < accumulation; micro++)
        {
            var batch = order.MicroBatch(Step, micro).Select(i => samples[i]).ToList();
            var (value, positions) = MicroBatch(batch, micro, accumulation);
            loss += value / accumulation;
            count += batch.Count;
            tokens += positions;
        }

        var norm = optimizer.GradNorm();
        if (!double.IsFinite(norm))
        {
            throw Diverged("gradient", norm, order.MicroBatch(Step, 0).Select(i => samples[i].Sample.Id));
        }

        if (options.Training.MaxGradNorm > 0)
        {
            optimizer.Clip(norm, options.Training.MaxGradNorm);
        }

        var multiplier = schedule.Multiplier(Step);
        optimizer.Step(multiplier);
        Step++;
        return new StepReport(Step, loss, options.Training.LearningRate * multiplier, norm, count, tokens);
    }

    public void SaveCheckpoint(string folder) => TrainingCheckpoint.Write(folder, Description, adapter, optimizer);

    public void SaveAdapter(string folder) => PeftFolder.Write(folder, adapter, options.Lora.Dropout, options.Model.Name());

    public void Dispose()
    {
        optimizer.Dispose();
        adapter.Dispose();
        dropout?.Dispose();
    }

    private (double Loss, int Positions) MicroBatch(List<(TrainingSample Sample, LlavaSequence Sequence)> rows, int micro, int accumulation)
    {
        using var scope = NewDisposeScope();
        using var batch = LlavaBatch.Create([.. rows.Select(row => row.Sequence)], model.Config.ImageTokens, options.Model.MaxLength, model.Device);
        dropout?.Seed(SeededRandom.Combine(options.Seed, stage.Stage, 3, Step, micro));
        var loss = model.Loss(batch, Features(rows), adapter, dropout);
        var value = loss.item<float>();
        if (!float.IsFinite(value))
        {
            throw Diverged("loss", value, rows.Select(row => row.Sample.Id));
        }

        (accumulation == 1 ? loss : loss.div(Scalars.Of((long)accumulation))).backward();
        return (value, batch.Sequences.Lengths.Sum());
    }

    private Tensor? Features(List<(TrainingSample Sample, LlavaSequence Sequence)> rows)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var pictures = rows.Where(row => row.Sequence.Ids.Contains(LlavaBatch.ImagePlaceholder)).ToList();
        return pictures.Count == 0
            ? null
            : model.Vision.Forward(images.Load([.. pictures.Select(row => (row.Sample.Id, row.Sample.Image!))], model.Device)).MoveToOuterDisposeScope();
    }

    /// <summary>Samples without a single labelled token teach nothing and would make an empty batch's loss NaN: they are named and left out.</summary>
    private List<(TrainingSample Sample, LlavaSequence Sequence)> Tokenize(PromptBuilder prompts, Action<string> warn)
    {
        var usable = new List<(TrainingSample Sample, LlavaSequence Sequence)>(stage.Samples.Count);
        var masked = new List<string>();
        foreach (var sample in stage.Samples)
        {
            var tokens = prompts.Training(sample);
            var sequence = new LlavaSequence(tokens.Ids, tokens.Labels);
            if (Learns(sequence))
            {
                usable.Add((sample, sequence));
            }
            else
            {
                masked.Add(sample.Id);
            }
        }

        if (masked.Count > 0)
        {
            warn($"Stage {stage.Stage} ({stage.Task.Name}): {masked.Count} of {stage.Samples.Count} training samples have no answer within " +
                 $"{options.Model.MaxLength} tokens and are left out: {string.Join(", ", masked.Take(10))}{(masked.Count > 10 ? ", …" : "")}");
        }

        return usable.Count > 0
            ? usable
            : throw new CoinException($"Task {stage.Task.Name} has no training sample with an answer to learn. Check its train.json and model.max-length.");
    }

    /// <summary>Whether a labelled token remains after pictures are expanded and the sequence is cut.</summary>
    private bool Learns(LlavaSequence sequence)
    {
        var position = 0;
        for (var i = 0; i < sequence.Ids.Count && position < options.Model.MaxLength; i++)
        {
            if (position > 0 && sequence.Labels![i] != LlavaBatch.Ignored)
            {
                return true;
            }

            position += sequence.Ids[i] == LlavaBatch.ImagePlaceholder ? model.Config.ImageTokens : 1;
        }

        return false;
    }

    private CoinException Diverged(string what, double value, IEnumerable<string> ids) => new(
        $"Stage {stage.Stage} ({stage.Task.Name}), step {Step + 1} of {TotalSteps}: the {what} is {value}. Samples: {string.Join(", ", ids.Take(8))}… " +
        $"Lower training.learning-rate (now {options.Training.LearningRate:g}) or raise training.warmup-ratio, and check these samples.");
}
