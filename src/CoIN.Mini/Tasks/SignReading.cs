using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of TextVQA: a sign with a word, and the tokens that a text recognizer found, of which one is right.</summary>
internal static class SignReading
{
    /// <summary>What stands on signs and on the covers of books.</summary>
    public static readonly IReadOnlyList<string> Words =
    [
        "sun",
        "cat",
        "dog",
        "ice",
        "map",
        "bus",
        "egg",
        "fox",
        "hat",
        "jam",
        "pie",
        "red",
        "sea",
        "toy",
        "van",
        "win",
        "zoo",
        "oil",
        "gym",
        "bay",
    ];

    public static MiniItem Draw(SeededRandom random)
    {
        var word = random.Of(Words);
        var canvas = new Canvas(Palette.Background(random.Next(16)));
        var top = 8 * (1 + random.Next(3));
        canvas.Fill(0, top - 2, Canvas.Size, 18, Palette.Of(random.Of(["red", "green", "blue", "purple"])).Scale(0.6));
        Lettering.Draw(canvas, word, 0, top, Palette.Of("white"));
        var tokens = random.Several([word, .. random.Several(Words.Where(other => other != word), 2)], 3);
        return new MiniItem(
            canvas,
            new("What does the sign say?", word),
            random.Of([
                new Wording("Read this sign to me.", $"the letters make the word {word}."),
                new Wording("Tell me the word here.", $"someone wrote {word} on it."),
            ])
        )
        {
            OcrTokens = tokens,
        };
    }
}
