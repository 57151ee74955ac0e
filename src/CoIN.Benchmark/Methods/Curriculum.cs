namespace CoIN.Benchmark.Methods;

/// <summary>The stages of a run in their order. What there is to train, to test and to report follows from it.</summary>
/// <param name="Stages">With ascending numbers.</param>
public sealed record Curriculum(IReadOnlyList<StageSpec> Stages)
{
    /// <summary>The stages that are trained.</summary>
    public IReadOnlyList<StageSpec> Trained { get; } = [.. Stages.Where(stage => stage.Trains)];

    /// <summary>The tests of the base model; null where it is not tested.</summary>
    public StageSpec? Base { get; } = Stages.FirstOrDefault(stage => !stage.Trains);

    /// <summary>Several tasks are learned at once in a single stage: no task comes after another, and nothing can be forgotten.</summary>
    public bool IsJoint => Trained is [{ Learns.Count: > 1 }];

    /// <summary>Every cell, by stage and task.</summary>
    public IEnumerable<(int Stage, int Task)> Cells => Stages.SelectMany(stage => stage.Tests.Select(task => (stage.Number, task)));

    /// <summary>The stage of a number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public StageSpec Stage(int number) =>
        Stages.FirstOrDefault(stage => stage.Number == number)
        ?? throw new ArgumentOutOfRangeException(nameof(number), number, "There is no such stage.");

    /// <summary>A stage and all that continue from it.</summary>
    public IReadOnlySet<int> From(int number)
    {
        var found = new HashSet<int> { number };
        foreach (var stage in Stages)
        {
            if (stage.ContinuesFrom is { } before && found.Contains(before))
            {
                found.Add(stage.Number);
            }
        }

        return found;
    }

    /// <summary>Whether some stage trains on a task.</summary>
    /// <param name="task">0-based place in the order.</param>
    public bool Learns(int task) => Stages.Any(stage => stage.Learns.Contains(task));

    /// <summary>The first stage after which a task has been learned, or is tested at all where nothing learns it.</summary>
    /// <param name="task">0-based place in the order.</param>
    public StageSpec FirstOf(int task) =>
        Stages.FirstOrDefault(stage => stage.Learns.Contains(task)) ?? Stages.First(stage => stage.Tests.Contains(task));
}
