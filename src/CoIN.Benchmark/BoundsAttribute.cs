using System.Globalization;

namespace CoIN.Benchmark;

/// <summary>What a number of a record of options may be. A null is always allowed.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BoundsAttribute : Attribute
{
    /// <summary>The least allowed value.</summary>
    public double AtLeast { get; init; } = double.NaN;

    /// <summary>The greatest allowed value.</summary>
    public double AtMost { get; init; } = double.NaN;

    /// <summary>Every allowed value is greater.</summary>
    public double Above { get; init; } = double.NaN;

    /// <summary>Every allowed value is less.</summary>
    public double Below { get; init; } = double.NaN;

    /// <summary>What 0 means, e.g. <c>all</c>.</summary>
    public string? Zero { get; init; }

    /// <summary>What null stands for, e.g. another key.</summary>
    public string? Null { get; init; }

    /// <summary>A remark for people, e.g. the unit.</summary>
    public string? Note { get; init; }

    /// <summary>A sentence that helps to find a right value.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>Whether a value is allowed; a bound that is not set is NaN and forbids nothing.</summary>
    public bool Allow(double value) => !(value < AtLeast) && !(value > AtMost) && !(value <= Above) && !(value >= Below);

    /// <summary>The allowed values in words, as the end of a sentence: <c>it must be …</c>.</summary>
    public string Expected => Range() + (Note is null ? "" : $" ({Note})") + (Null is null ? "" : $", or null for {Null}");

    private string Range() =>
        (AtLeast, AtMost) switch
        {
            (double.NaN, double.NaN) when double.IsNaN(Below) => $"greater than {Text(Above)}",
            (double.NaN, double.NaN) when double.IsNaN(Above) => $"less than {Text(Below)}",
            (double.NaN, double.NaN) => $"greater than {Text(Above)} and less than {Text(Below)}",
            (double.NaN, _) when double.IsNaN(Above) => $"at most {Text(AtMost)}",
            (double.NaN, _) => $"greater than {Text(Above)} and at most {Text(AtMost)}",
            (_, double.NaN) when double.IsNaN(Below) => $"{Text(AtLeast)} or more",
            (_, double.NaN) => $"at least {Text(AtLeast)} and less than {Text(Below)}",
            (0, _) => $"{Text(AtLeast)} to {Text(AtMost)}",
            _ => $"between {Text(AtLeast)} and {Text(AtMost)}",
        };

    private string Text(double bound) =>
        bound.ToString("0.############", CultureInfo.InvariantCulture) + (bound == 0 && Zero is not null ? $" ({Zero})" : "");
}
