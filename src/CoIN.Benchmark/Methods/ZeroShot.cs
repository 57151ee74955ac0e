namespace CoIN.Benchmark.Methods;

/// <summary>No training: the base model is tested on every task.</summary>
public sealed class ZeroShot : IMethod
{
    /// <summary>See <see cref="IMethod.Key"/>.</summary>
    public const string Name = "zero-shot";

    string IMethod.Key => Name;

    /// <inheritdoc/>
    public Curriculum Curriculum(IReadOnlyList<string> tasks) => new([new StageSpec(0, Name, [], [.. Enumerable.Range(0, tasks.Count)])]);
}
