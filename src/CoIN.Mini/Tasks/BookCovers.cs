using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>
/// The miniature of OCR-VQA: the cover of a book with its title above, its author below, and its genre in the cover's colour.
/// </summary>
internal static class BookCovers
{
    private static readonly string[] Authors = ["amy", "bob", "eva", "joe", "kim", "leo", "max", "tom"];

    private static readonly (string Genre, string Colour)[] Genres =
    [
        ("crime", "red"),
        ("nature", "green"),
        ("travel", "blue"),
        ("poetry", "purple"),
        ("cooking", "orange"),
    ];

    public static MiniItem Draw(SeededRandom random)
    {
        string title = random.Of(SignReading.Words),
            author = random.Of(Authors);
        var (genre, colour) = random.Of(Genres);
        var canvas = new Canvas(Palette.Of(colour).Scale(0.45 + (0.02 * random.Next(8))));
        Lettering.Draw(canvas, title, 0, 1, Palette.Of("white"));
        Lettering.Draw(canvas, author, 0, 33, Palette.Of("yellow"));
        canvas.Fill(4, 22, 40, 3, Palette.Of("white").Scale(0.7));
        return random.Next(5) switch
        {
            0 or 1 => new MiniItem(
                canvas,
                new("What is the title of this book?", title),
                random.Of([
                    new Wording("Read the top of this cover.", $"the book is called {title}."),
                    new Wording("Name this book.", $"its name must be {title}."),
                ])
            ),
            2 or 3 => new MiniItem(
                canvas,
                new("Who is the author of this book?", author),
                random.Of([
                    new Wording("Read the end of this cover.", $"it was written by {author}."),
                    new Wording("Name the writer.", $"the writer is {author}."),
                ])
            ),
            _ => new MiniItem(
                canvas,
                new("What is the genre of this book?", genre),
                random.Of([
                    new Wording("Tell me about the kind of book.", $"it seems to be about {genre}."),
                    new Wording("Describe this book.", $"one reads it for {genre}."),
                ])
            ),
        };
    }
}
