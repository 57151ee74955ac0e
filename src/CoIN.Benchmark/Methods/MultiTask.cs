namespace CoIN.Benchmark.Methods;

/// <summary>
/// One stage on the training samples of all tasks together, in an order drawn by the seed, and tested on every task: nothing can be
/// forgotten, so it bounds what a method that learns one task after another can reach (the paper's "Multi-task").
/// </summary>
public sealed class MultiTask : IMethod
{
    /// <summary>See <see cref="IMethod.Key"/>.</summary>
    public const string Name = "multi-task";

    string IMethod.Key => Name;

    /// <inheritdoc/>
    public Curriculum Curriculum(IReadOnlyList<string> tasks)
    {
        IReadOnlyList<int> all = [.. Enumerable.Range(0, tasks.Count)];
        return new Curriculum([new StageSpec(1, Name, all, all)]);
    }
}
