using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>Answers of several annotators to one question.</summary>
internal static class Annotators
{
    /// <summary>The answer that most of them gave; among equals the one given first; null if all were silent.</summary>
    public static string? MostFrequent(IEnumerable<string> answers) =>
        answers.Where(answer => answer.Length > 0).GroupBy(answer => answer, StringComparer.Ordinal).MaxBy(group => group.Count())?.Key;
}
