using CoIN.Benchmark.Experiments;

namespace CoIN.Models.Training;

/// <summary>
/// The Hugging Face trainer's schedules as a factor on the learning rate, and its count of steps (transformers 4.31, which CoIN's code
/// needs: a last, partial accumulation is dropped).
/// </summary>
/// <param name="Floor">The factor in which a cosine ends, 0 to 1.</param>
internal sealed record LearningRateSchedule(Schedule Kind, int TotalSteps, int WarmupSteps, double Floor = 0)
{
    /// <summary>Counts a stage's steps.</summary>
    /// <param name="samples">Training samples that have something to learn from.</param>
    public static LearningRateSchedule For(TrainingOptions options, int batchSize, int samples)
    {
        var total =
            options.MaxSteps > 0 ? options.MaxSteps : (int)Math.Ceiling(options.Epochs * StepsPerEpoch(options, batchSize, samples));

        // A rate of 0 has no part that could remain of it.
        var least = options.MinLr == 0 ? 0 : options.MinLr / options.LearningRate;
        return new LearningRateSchedule(options.Schedule, total, (int)Math.Ceiling(total * options.WarmupRatio), least);
    }

    /// <summary>Optimizer steps of one pass over the samples; at least one.</summary>
    public static int StepsPerEpoch(TrainingOptions options, int batchSize, int samples) =>
        Math.Max((int)Math.Ceiling(samples / (double)batchSize) / options.GradientAccumulation, 1);

    /// <summary>The factor of a step. With warmup the first step's is 0.</summary>
    /// <param name="step">From 0.</param>
    public double Multiplier(int step)
    {
        if (step < WarmupSteps)
        {
            return step / (double)Math.Max(1, WarmupSteps);
        }

        if (Kind == Schedule.Constant)
        {
            return 1;
        }

        var progress = (step - WarmupSteps) / (double)Math.Max(1, TotalSteps - WarmupSteps);
        var cosine = Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress)));
        return Floor == 0 ? cosine : Floor + ((1 - Floor) * cosine);
    }
}
