namespace CoIN.Benchmark.Runs;

/// <summary>Where a result comes from that a run did not compute itself.</summary>
/// <param name="RunId">The run that computed it.</param>
/// <param name="Key">What both runs have in common: see <see cref="ContentKeys"/>.</param>
public sealed record ResultSource(string RunId, string Key);
