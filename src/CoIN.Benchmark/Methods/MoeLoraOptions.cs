namespace CoIN.Benchmark.Methods;

/// <summary>Options of MoELoRA: the section <c>coin.moelora</c>.</summary>
public sealed record MoeLoraOptions
{
    /// <summary>The method's key.</summary>
    public const string Key = "moelora";

    /// <summary>
    /// Experts E, each of rank lora.rank / E, which has to be a whole number; one expert is LoRA. The paper has 2, 4 and 8.
    /// </summary>
    [Bounds(AtLeast = 1, AtMost = 65536)]
    public int Experts { get; init; } = 4;
}
