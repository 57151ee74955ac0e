namespace CoIN.Speed.Scheduling;

/// <summary>What is simulated. Times are those of a GPU that does nothing else.</summary>
internal sealed record SimulationOptions
{
    public required int Gpus { get; init; }

    public int GpusPerHost { get; init; } = 8;

    public required int Runs { get; init; }

    public int Stages { get; init; } = 8;

    /// <summary>Test samples of each task.</summary>
    public int Samples { get; init; } = 4000;

    /// <summary>Test samples that one evaluator answers as one piece of work.</summary>
    public int ShardSize { get; init; } = 1000;

    /// <summary>Optimizer steps of each stage.</summary>
    public int Steps { get; init; } = 120;

    public double StepSeconds { get; init; } = 2.5;

    /// <summary>Steps between two checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 30;

    /// <summary>Seconds for each answer.</summary>
    public double AnswerSeconds { get; init; } = 0.02;

    /// <summary>Evaluators, the first ones, that need <see cref="Slower"/> times as long.</summary>
    public int SlowEvaluators { get; init; }

    public double Slower { get; init; } = 20;

    /// <summary>Seconds to load the base model, once on each GPU.</summary>
    public double LoadSeconds { get; init; } = 30;

    /// <summary>Seconds for which a judge gives its marks to a cell; 0 for no judges.</summary>
    public double JudgeSeconds { get; init; } = 20;

    /// <summary>Prompts per generation batch.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Processor seconds of this computer after which a simulation is left; what it has measured until then is told.</summary>
    public double Limit { get; init; } = 300;

    public int Hosts => (Gpus + GpusPerHost - 1) / GpusPerHost;

    /// <summary>Cells that a run tests: stage j is tested on the tasks 1 to j.</summary>
    public int Cells => Stages * (Stages + 1) / 2;

    /// <summary>Seconds of the GPUs that nobody can do without, over all of them.</summary>
    public double WorkBound =>
        ((Runs * ((Stages * (double)Steps * StepSeconds) + (Cells * (double)Samples * AnswerSeconds))) / Gpus) + LoadSeconds;

    /// <summary>
    /// Seconds of a run with as many GPUs as it can use: its stages one after another, and the last one's tests by as many as there are.
    /// </summary>
    public double PathBound =>
        LoadSeconds
        + (Stages * (double)Steps * StepSeconds)
        + Math.Max(Math.Min(ShardSize, Samples) * AnswerSeconds, Stages * (double)Samples * AnswerSeconds / Gpus);

    /// <summary>Seconds below which no order of the work can come.</summary>
    public double Bound => Math.Max(WorkBound, PathBound);
}
