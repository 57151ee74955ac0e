namespace CoIN.Benchmark.Methods;

/// <summary>One LoRA adapter, continued from task to task, and tested on all tasks so far: the paper's baseline.</summary>
public sealed class SequentialLora : IMethod
{
    /// <summary>See <see cref="IMethod.Key"/>.</summary>
    public const string Name = "sequential-lora";

    string IMethod.Key => Name;

    /// <inheritdoc/>
    public Curriculum Curriculum(IReadOnlyList<string> tasks) => new SequentialMethod(Name).Curriculum(tasks);
}
