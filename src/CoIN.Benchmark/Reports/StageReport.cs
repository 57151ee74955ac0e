using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;

namespace CoIN.Benchmark.Reports;

/// <summary>One stage's training: what the journal says of it, and with which schedule.</summary>
/// <param name="Trained">The journal's event.</param>
/// <param name="Schedule">The learning rate's course as it really was.</param>
public sealed record StageReport(StageTrained Trained, ScheduleReport Schedule)
{
    /// <summary>Training samples of all that it learned; null where it is not known.</summary>
    public int? Samples { get; init; }

    /// <summary>The stage that a state has, with its schedule.</summary>
    public static StageReport Of(RunState state, StageTrained trained)
    {
        var (options, spec) = (state.Options, state.Curriculum.Stage(trained.Stage));
        var training = options.Training;
        var (batch, accumulation) = (options.BatchSizeOf(spec), options.AccumulationOf(spec));
        return new StageReport(
            trained,
            new ScheduleReport(
                training.LearningRate,
                training.Schedule,
                (int)Math.Ceiling(trained.Steps * training.WarmupRatio),
                trained.Steps,
                batch * accumulation
            )
            {
                BatchSize = batch,
                Accumulation = accumulation,
                WorldSize = training.WorldSize,
            }
        )
        {
            Samples = spec.Learns.Sum(task => state.Started!.TrainingSamples[task]),
        };
    }
}

/// <summary>The steps of a stage.</summary>
/// <param name="Stage">1-based.</param>
/// <param name="Name">What it learns.</param>
/// <param name="File">Relative to the run's folder; there need not be one.</param>
public sealed record StepsReport(int Stage, string Name, string File);

/// <summary>The effective learning-rate schedule of a stage.</summary>
/// <param name="LearningRate">The peak.</param>
/// <param name="Kind">Its shape.</param>
/// <param name="WarmupSteps">Steps in which it rises.</param>
/// <param name="TotalSteps">Steps over which it runs.</param>
/// <param name="GlobalBatchSize">Samples per optimizer step.</param>
public sealed record ScheduleReport(double LearningRate, Schedule Kind, int WarmupSteps, int TotalSteps, int GlobalBatchSize)
{
    /// <summary>Samples per micro-batch; null where it is not known.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Micro-batches per optimizer step; null where it is not known.</summary>
    public int? Accumulation { get; init; }

    /// <summary>Shares of a step whose gradients were computed apart; null where it is not known.</summary>
    public int? WorldSize { get; init; }
}
