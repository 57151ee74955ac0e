namespace CoIN.Benchmark.Methods;

/// <summary>Options of experience replay: the section <c>coin.replay</c>.</summary>
public sealed record ReplayOptions : ITakesSamples
{
    /// <summary>The method's key.</summary>
    public const string Key = "replay";

    /// <summary>Samples of each finished task, drawn by the seed, that every later stage trains on too.</summary>
    [Bounds(AtLeast = 1)]
    public int Samples { get; init; } = 100;

    int ITakesSamples.OfEachTask => Samples;
}
