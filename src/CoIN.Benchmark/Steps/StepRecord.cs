namespace CoIN.Benchmark.Steps;

/// <summary>One optimizer step as it is kept.</summary>
/// <param name="Step">Steps of the stage done, this one included.</param>
/// <param name="Of">Steps of the whole stage.</param>
/// <param name="Loss">Mean of the micro-batches' losses, in nats per labelled token.</param>
/// <param name="LearningRate">The rate used in this step.</param>
/// <param name="GradNorm">2-norm of all gradients before clipping; NaN where it was not finite.</param>
/// <param name="Samples">Samples in the step.</param>
/// <param name="Tokens">Sequence positions (text and image) in the step.</param>
/// <param name="Seconds">
/// From the end of the step before, or from the beginning of the training here; the writing of checkpoints is no part of it.
/// </param>
/// <param name="Memory">Resident memory of the process that trained, in bytes; memory of GPUs is not in it.</param>
/// <param name="At">When it was done.</param>
public sealed record StepRecord(
    int Step,
    int Of,
    double Loss,
    double LearningRate,
    double GradNorm,
    int Samples,
    int Tokens,
    double Seconds,
    long Memory,
    DateTimeOffset At
);
