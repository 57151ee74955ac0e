using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration;

/// <summary>Values of <see cref="TrainingOptions"/> that can be.</summary>
internal static class TrainingRules
{
    /// <summary>Beyond this a rate or a number of epochs is a slip of the keyboard.</summary>
    private const double Largest = 1000;

    private const int LargestBatch = 1_000_000;

    public static void Check(Section section, TrainingOptions training)
    {
        section.Require(training.LearningRate is > 0 and <= Largest, "learning-rate", training.LearningRate, "greater than 0 and at most 1000");
        section.Require(training.ProjectorLearningRate is null or (>= 0 and <= Largest), "projector-learning-rate", training.ProjectorLearningRate ?? 0,
            "0 to 1000, or null for coin.training.learning-rate");
        section.Require(training.WarmupRatio is >= 0 and <= 1, "warmup-ratio", training.WarmupRatio, "between 0 and 1");
        section.Require(training.WeightDecay is >= 0 and <= Largest, "weight-decay", training.WeightDecay, "0 to 1000");
        section.Require(training.Beta1 is >= 0 and < 1, "beta1", training.Beta1, "at least 0 and less than 1");
        section.Require(training.Beta2 is >= 0 and < 1, "beta2", training.Beta2, "at least 0 and less than 1");
        section.Require(training.Epsilon is > 0 and <= 1, "epsilon", training.Epsilon, "greater than 0 and at most 1");
        section.Require(training.MaxGradNorm >= 0, "max-grad-norm", training.MaxGradNorm, "0 (no clipping) or more");
        section.Require(training.BatchSize >= 1, "batch-size", training.BatchSize, "1 or more");
        section.Require(training.GradientAccumulation >= 1, "gradient-accumulation", training.GradientAccumulation, "1 or more");
        section.Require((long)Math.Max(1, training.BatchSize) * Math.Max(1, training.GradientAccumulation) <= LargestBatch, "gradient-accumulation",
            training.GradientAccumulation, $"so small that a step takes no more than {LargestBatch} samples (batch-size times gradient-accumulation)");
        section.Require(training.Epochs is > 0 and <= Largest, "epochs", training.Epochs, "greater than 0 and at most 1000");
        section.Require(training.MaxSteps >= 0, "max-steps", training.MaxSteps, "0 (the epochs' own number) or more");
        section.Require(training.CheckpointEvery >= 0, "checkpoint-every", training.CheckpointEvery, "0 (none) or more");
    }
}
