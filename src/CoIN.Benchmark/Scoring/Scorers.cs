using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring;

/// <summary>The rules of Truth Alignment as CoIN's public code has them, by key.</summary>
public static class Scorers
{
    private static readonly Dictionary<string, ITruthAlignmentScorer> Published = new ITruthAlignmentScorer[]
    {
        new ScienceQaScorer(), new TextVqaScorer(), new ImageNetScorer(), new GqaScorer(), new UpperCaseScorer("vizwiz"), new GroundingScorer(),
        new MiniGptGroundingScorer(), new UpperCaseScorer("vqav2"), new OcrVqaScorer(),
    }.ToDictionary(scorer => scorer.Key, StringComparer.Ordinal);

    /// <summary>All keys.</summary>
    public static IReadOnlyCollection<string> Keys => Published.Keys;

    /// <summary>The rule of a key.</summary>
    /// <exception cref="CoinException">There is no such rule; the message names the nearest key and all others.</exception>
    public static ITruthAlignmentScorer Of(string key) => Published.TryGetValue(key, out var scorer)
        ? scorer
        : throw new CoinException(
            $"There is no scorer \"{key}\"; did you mean \"{NearestName.Of(key, Published.Keys)}\"? The scorers are {string.Join(", ", Published.Keys)}.");
}
