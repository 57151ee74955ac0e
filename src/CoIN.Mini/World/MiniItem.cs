using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;

namespace CoIN.Mini.World;

/// <summary>A question in one of its two forms.</summary>
/// <param name="Question">Without instruction and image tag.</param>
internal sealed record Wording(string Question, string Answer);

/// <summary>One picture with what there is to know about it, in the benchmark's short form and in the corpus's full sentences.</summary>
/// <param name="Short">As the benchmark asks and wants it.</param>
/// <param name="Sentence">As the pre-training corpus has it.</param>
internal sealed record MiniItem(Canvas Picture, Wording Short, Wording Sentence)
{
    /// <summary>What the sign reader of TextVQA would hand over; empty for other tasks.</summary>
    public IReadOnlyList<string> OcrTokens { get; init; } = [];
}

/// <summary>Draws items of one task. A function of the random numbers alone.</summary>
internal delegate MiniItem DrawItem(SeededRandom random);

/// <summary>Choices, spelled shortly.</summary>
internal static class Choice
{
    public static T Of<T>(this SeededRandom random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public static bool Chance(this SeededRandom random, double probability) => random.NextDouble() < probability;

    /// <summary>Several different ones, in random order.</summary>
    public static List<T> Several<T>(this SeededRandom random, IEnumerable<T> items, int count)
    {
        var rest = items.ToList();
        var chosen = new List<T>();
        while (chosen.Count < count)
        {
            var at = random.Next(rest.Count);
            chosen.Add(rest[at]);
            rest.RemoveAt(at);
        }

        return chosen;
    }
}
