namespace CoIN.Cli.Views;

/// <summary>How fast a model is trained.</summary>
/// <param name="TokensPerSecond">Sequence positions (text and image).</param>
/// <param name="Source">From where that is known, in words.</param>
internal sealed record TrainingSpeed(double TokensPerSecond, string Source)
{
    /// <summary>Training of fewer seconds is mostly its beginning: files that are read, memory that is got.</summary>
    private const double Telling = 30;

    /// <summary>Of the first run that trained long enough to tell, or of the one that trained longest; null without any.</summary>
    /// <param name="runs">A run's id, what it trained on and for how long; read only as far as is needed.</param>
    public static TrainingSpeed? Of(IEnumerable<(string Id, long Tokens, double Seconds)> runs)
    {
        var read = new List<(string Id, long Tokens, double Seconds)>();
        foreach (var run in runs.Where(run => run.Seconds > 0))
        {
            read.Add(run);
            if (run.Seconds >= Telling)
            {
                break;
            }
        }

        if (read.Count == 0)
        {
            return null;
        }

        var (id, tokens, seconds) = read.MaxBy(run => run.Seconds);
        var doubt = seconds < Telling ? ", too short to tell much" : "";
        return new TrainingSpeed(
            tokens / seconds,
            $"run {id}, {Words.Duration(TimeSpan.FromSeconds(Math.Ceiling(seconds)))} of training{doubt}"
        );
    }

    /// <summary>The time for so many tokens; null where they or the speed are not known.</summary>
    public static TimeSpan? Time(double? tokens, TrainingSpeed? speed) =>
        tokens is 0 ? TimeSpan.Zero
        : speed is not null && tokens is { } count ? TimeSpan.FromSeconds(Math.Ceiling(count / speed.TokensPerSecond))
        : null;
}
