namespace CoIN.Cli.Diagnosis;

/// <summary>How a part of the host does.</summary>
internal enum Health
{
    Good,

    /// <summary>Runs will work, but not as well as they could.</summary>
    Doubtful,

    /// <summary>Runs will not work.</summary>
    Bad,
}

/// <summary>What was found out about one part of the host.</summary>
/// <param name="Part">A word or two.</param>
/// <param name="Text">What there is.</param>
/// <param name="Remedy">What to do about it; null where nothing needs to be done.</param>
internal sealed record Finding(string Part, Health Health, string Text, string? Remedy = null);
