namespace CoIN.Benchmark.Methods;

/// <summary>Options of learning without forgetting: the section <c>coin.lwf</c>.</summary>
public sealed record LwfOptions : ITakesSamples
{
    /// <summary>The method's key.</summary>
    public const string Key = "lwf";

    /// <summary>λ: the loss gains λ times the mean divergence of teacher and student at answer positions.</summary>
    [Bounds(AtLeast = 0)]
    public double Lambda { get; init; } = 0.1;

    /// <summary>Divides the logits of both before their probabilities are compared.</summary>
    [Bounds(Above = 0)]
    public double Temperature { get; init; } = 2;

    /// <summary>Who is imitated, and on which samples.</summary>
    public LwfTeacher Teacher { get; init; } = LwfTeacher.Saved;

    /// <summary>
    /// Samples of each finished task, drawn by the seed, whose logits are saved; with <see cref="LwfTeacher.Saved"/> only.
    /// </summary>
    [Bounds(AtLeast = 1)]
    public int Samples { get; init; } = 100;

    /// <summary>Saved samples of all finished tasks together that a step imitates; with <see cref="LwfTeacher.Saved"/> only.</summary>
    [Bounds(AtLeast = 1)]
    public int PerStep { get; init; } = 4;

    /// <summary>Type in which logits are saved; with <see cref="LwfTeacher.Saved"/> only.</summary>
    [OneOf("float32", "bfloat16", "float16")]
    public string LogitsDtype { get; init; } = "float32";

    /// <summary>
    /// Of each position, the highest logits that are saved, with all others as one further outcome; 0, or no fewer than the vocabulary has,
    /// for all. With <see cref="LwfTeacher.Saved"/> only.
    /// </summary>
    [Bounds(AtLeast = 0, Zero = "all")]
    public int TopK { get; init; }

    int ITakesSamples.OfEachTask => Teacher == LwfTeacher.Saved ? Samples : 0;
}

/// <summary>Whose logits are imitated.</summary>
public enum LwfTeacher
{
    /// <summary>Logits that were saved when a task was finished, on samples of it: as CoIN's paper says.</summary>
    Saved,

    /// <summary>The model with which the stage began, on the samples of the new task (Li and Hoiem 2016).</summary>
    NewTask,
}
