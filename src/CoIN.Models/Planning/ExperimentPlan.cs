namespace CoIN.Models.Planning;

/// <summary>What an experiment would do and need, worked out before anything is loaded.</summary>
/// <param name="Stages">In their order; empty where nothing is trained.</param>
/// <param name="TrainedParameters">Of adapter and projector.</param>
/// <param name="BaseParameters">Frozen parameters.</param>
/// <param name="Memory">What the device needs at its peak, by part.</param>
/// <param name="Host">What the host needs besides, where the device is not the host itself.</param>
/// <param name="CheckpointBytes">Disk that the largest stage's checkpoints take at once, and all adapters.</param>
/// <param name="Remedies">Changes of keys with the memory they would lead to.</param>
public sealed record ExperimentPlan(
    IReadOnlyList<PlannedStage> Stages,
    long TrainedParameters,
    long BaseParameters,
    IReadOnlyList<MemoryPart> Memory,
    IReadOnlyList<MemoryPart> Host,
    long CheckpointBytes,
    IReadOnlyList<PlannedRemedy> Remedies
)
{
    /// <summary>What the method computes beside the stages' steps, in words; null for nothing.</summary>
    public string? MethodPasses { get; init; }

    /// <summary>Positions of that, a forward pass alone counted as a third; null where the data are not there yet.</summary>
    public long? MethodTokens { get; init; } = 0;

    /// <summary>Optimizer steps of all stages; null where one's are not known.</summary>
    public int? Steps => Stages.Aggregate((int?)0, (sum, stage) => sum + stage.Steps);

    /// <summary>Positions of all stages; null where one's are not known.</summary>
    public double? Tokens => Stages.Aggregate((double?)0, (sum, stage) => sum + stage.Tokens);

    /// <summary>Null where one trainer does all.</summary>
    public PlannedTeam? Team { get; init; }

    /// <summary>Bytes on the device.</summary>
    public long DeviceBytes => Memory.Sum(part => part.Bytes);
}

/// <summary>One stage.</summary>
/// <param name="Samples">Training samples with an answer to learn; null where the data are not there yet.</param>
/// <param name="Steps">Optimizer steps; null where the number depends on data that are not there yet.</param>
/// <param name="WarmupSteps">Of these, with rising learning rate.</param>
/// <param name="Tokens">Positions of the whole stage; null as for <paramref name="Samples"/>.</param>
/// <param name="LargestMicroBatch">Positions of the micro-batch that needs most memory.</param>
public sealed record PlannedStage(
    string Task,
    int? Samples,
    int? Steps,
    int? WarmupSteps,
    int BatchSize,
    int Accumulation,
    long? Tokens,
    long LargestMicroBatch
)
{
    /// <summary>Samples per optimizer step.</summary>
    public int GlobalBatch => BatchSize * Accumulation;

    /// <summary>
    /// Micro-batches of a step on the average where their tokens are counted; null where their samples are, or where the data are not there
    /// yet.
    /// </summary>
    public double? MicroBatches { get; init; }
}

/// <summary>What trainers that do a stage together send each other.</summary>
/// <param name="WorldSize">Shares of a step.</param>
/// <param name="MicroBatches">Of a step, of the trainer that has most, where there are as many trainers as shares.</param>
/// <param name="GradientBytes">Of each share to the first trainer, in every step.</param>
/// <param name="ParameterBytes">Of the first trainer to each of the others, in every step.</param>
public sealed record PlannedTeam(int WorldSize, int MicroBatches, long GradientBytes, long ParameterBytes)
{
    /// <summary>
    /// Bytes of the optimizer's state that the first trainer leaves to the others, where each keeps a part; 0 where it has all of it.
    /// </summary>
    public long ShardedBytes { get; init; }
}

/// <summary>A change that saves memory.</summary>
/// <param name="Keys">As <c>--set</c> takes them.</param>
/// <param name="DeviceBytes">What the device would need then.</param>
public sealed record PlannedRemedy(string Keys, long DeviceBytes);
