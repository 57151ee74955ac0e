namespace CoIN.Benchmark.Methods;

/// <summary>Options of RegLoRA (SEFE, Chen et al. 2025): the section <c>coin.reg-lora</c>. Defaults are the official code's.</summary>
public sealed record RegLoraOptions
{
    /// <summary>The method's key.</summary>
    public const string Key = "reg-lora";

    /// <summary>λ: the loss gains λ times the mean |B A| of the new task over the key elements of earlier ones.</summary>
    [Bounds(AtLeast = 0)]
    public double Lambda { get; init; } = 2500;

    /// <summary>The part of each map's elements that are a finished task's key elements: those of its largest |B A|.</summary>
    [Bounds(Above = 0, AtMost = 1)]
    public double KeyElements { get; init; } = 0.02;
}
