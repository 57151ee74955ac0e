namespace CoIN.Benchmark.Methods;

/// <summary>
/// Options of orthogonal subspace learning (Wang et al. 2023): the section <c>coin.o-lora</c>. Defaults are the official code's.
/// </summary>
public sealed record OLoraOptions
{
    /// <summary>The method's key.</summary>
    public const string Key = "o-lora";

    /// <summary>λ₁: the loss gains λ₁ Σ |A_earlier Aᵀ|, so that a task learns at right angles to those before it.</summary>
    [Bounds(AtLeast = 0)]
    public double Lambda1 { get; init; } = 0.5;

    /// <summary>λ₂: the loss gains λ₂ Σ ‖·‖₂ over the new task's matrices.</summary>
    [Bounds(AtLeast = 0)]
    public double Lambda2 { get; init; }
}
