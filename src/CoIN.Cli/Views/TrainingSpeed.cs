namespace CoIN.Cli.Views;

/// <summary>How fast a model is trained.</summary>
/// <param name="TokensPerSecond">Sequence positions (text and image).</param>
/// <param name="Source">From where that is known, in words.</param>
internal sealed record TrainingSpeed(double TokensPerSecond, string Source)
{
    /// <summary>The time for so many tokens; null where they or the speed are not known.</summary>
    public static TimeSpan? Time(double? tokens, TrainingSpeed? speed) =>
        tokens is 0 ? TimeSpan.Zero
        : speed is not null && tokens is { } count ? TimeSpan.FromSeconds(Math.Ceiling(count / speed.TokensPerSecond))
        : null;
}
