namespace CoIN.Benchmark.Methods;

/// <summary>Options of the moving average of what is trained: the section <c>coin.ema</c>.</summary>
public sealed record EmaOptions
{
    /// <summary>The method's key.</summary>
    public const string Key = "ema";

    /// <summary>Part of the average that remains in a step.</summary>
    [Bounds(Above = 0, Below = 1)]
    public double Decay { get; init; } = 0.99;
}
