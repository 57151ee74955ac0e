namespace CoIN.Benchmark.Methods;

/// <summary>
/// A method that goes from task to task as <see cref="SequentialLora"/> does; what makes it another one happens within training.
/// </summary>
/// <param name="Key">See <see cref="IMethod.Key"/>.</param>
/// <param name="Options">The record of its own options, all with defaults; null for none.</param>
public sealed record SequentialMethod(string Key, Type? Options = null) : IMethod
{
    /// <inheritdoc/>
    public Curriculum Curriculum(IReadOnlyList<string> tasks) =>
        new([
            .. tasks.Select(
                (task, place) =>
                    new StageSpec(place + 1, task, [place], [.. Enumerable.Range(0, place + 1)], ContinuesFrom: place == 0 ? null : place)
            ),
        ]);
}
