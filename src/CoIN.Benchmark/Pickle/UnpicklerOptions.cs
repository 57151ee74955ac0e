namespace CoIN.Benchmark.Pickle;

/// <summary>
/// A Python object that a pickle may name: a mere name (as a persistent id's tuple holds), or something that may be called.
/// </summary>
/// <param name="Name">Module and name, e.g. <c>torch.FloatStorage</c>.</param>
/// <param name="Call">Makes the value for the call's arguments; null where the object may be named but not called.</param>
public sealed record PickleGlobal(string Name, Func<IReadOnlyList<object?>, object?>? Call = null);

/// <summary>What a pickle may contain besides plain data, and how large it may be.</summary>
public sealed record UnpicklerOptions
{
    /// <summary>
    /// The Python objects that may be named besides the containers of plain data; every other one is refused by its name.
    /// </summary>
    public IReadOnlyList<PickleGlobal> Globals { get; init; } = [];

    /// <summary>Makes the value for a persistent id; null where the pickle must not have any.</summary>
    public Func<object?, object?>? PersistentLoad { get; init; }

    /// <summary>Longest pickle in bytes.</summary>
    public long LargestPickle { get; init; } = 1L << 30;

    /// <summary>Most memory, in estimated bytes, that the values may take.</summary>
    public long LargestMemory { get; init; } = 4L << 30;

    /// <summary>Deepest nesting of containers.</summary>
    public int Deepest { get; init; } = 100;
}
