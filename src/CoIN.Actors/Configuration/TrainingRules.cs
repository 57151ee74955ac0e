using CoIN.Benchmark.Experiments;

namespace CoIN.Actors.Configuration;

/// <summary>Values of <see cref="TrainingOptions"/> that can be.</summary>
internal static class TrainingRules
{
    public static void Check(Section section, TrainingOptions training)
    {
        section.Require(training.LearningRate >= 0, "learning-rate", training.LearningRate, "0 or more");
        section.Require(training.ProjectorLearningRate is null or >= 0, "projector-learning-rate", training.ProjectorLearningRate ?? 0,
            "0 or more, or null for coin.training.learning-rate");
        section.Require(training.WarmupRatio is >= 0 and <= 1, "warmup-ratio", training.WarmupRatio, "between 0 and 1");
        section.Require(training.WeightDecay >= 0, "weight-decay", training.WeightDecay, "0 or more");
        section.Require(training.Beta1 is >= 0 and < 1, "beta1", training.Beta1, "at least 0 and less than 1");
        section.Require(training.Beta2 is >= 0 and < 1, "beta2", training.Beta2, "at least 0 and less than 1");
        section.Require(training.Epsilon > 0, "epsilon", training.Epsilon, "greater than 0");
        section.Require(training.MaxGradNorm >= 0, "max-grad-norm", training.MaxGradNorm, "0 (no clipping) or more");
        section.Require(training.BatchSize >= 1, "batch-size", training.BatchSize, "1 or more");
        section.Require(training.GradientAccumulation >= 1, "gradient-accumulation", training.GradientAccumulation, "1 or more");
        section.Require(training.Epochs > 0, "epochs", training.Epochs, "greater than 0");
        section.Require(training.MaxSteps >= 0, "max-steps", training.MaxSteps, "0 (the epochs' own number) or more");
        section.Require(training.CheckpointEvery >= 0, "checkpoint-every", training.CheckpointEvery, "0 (none) or more");
    }
}
