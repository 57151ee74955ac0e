using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Pretraining;

/// <summary>
/// The part of the corpus without pictures: words to be said when they are asked for. A language model can say every word of its language
/// before it is tuned. One whose corpus never had the benchmark's answers as targets could not learn to say them by LoRA, which leaves the
/// head alone: the head's rows of words that are never wanted all become one.
/// </summary>
internal static class Sayings
{
    /// <summary>Words that the benchmark wants and that no sentence about a picture holds.</summary>
    private static readonly IReadOnlyList<string> Words =
    [
        .. Icons.Names,
        "A",
        "B",
        "C",
        "1",
        "2",
        "3",
        "4",
        "yes",
        "no",
        "above",
        "below",
        "left",
        "right",
        "unanswerable",
    ];

    private static readonly string[] Edges = ["0.00", "0.17", "0.33", "0.50", "0.67", "0.83", "1.00"];

    public static Wording Draw(SeededRandom random)
    {
        if (random.Chance(0.7))
        {
            var word = random.Of(Words);
            return new Wording($"Tell me the word {word}.", $"the word is {word}.");
        }

        var box = $"[{string.Join(", ", Enumerable.Range(0, 4).Select(_ => random.Of(Edges)))}]";
        return new Wording($"Tell me the place {box}.", $"the place is {box}.");
    }
}
