using CoIN.Models.Tests.Golden;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Tests.Tokenization;

/// <summary>Words are merged and kept one by one; ids have to be those of the whole text.</summary>
public sealed class SentencePieceTokenizerTests
{
    private const char Space = '\u2581';

    [Fact]
    public void Words_one_by_one_are_the_whole_text_merged_at_once()
    {
        foreach (var folder in PromptFixtures.Folders().Select(row => row.Data))
        {
            var model = SentencePieceModel.Read(GoldenFolder.Of(folder, "tokenizer.model"));
            var tokenizer = new SentencePieceTokenizer(model);
            var random = new Random(5);
            for (var i = 0; i < 300; i++)
            {
                var text = Text(model, random);

                // Twice: the second time its words are known.
                Assert.Equal(Whole(model, tokenizer, text), tokenizer.Encode(text));
                Assert.Equal(Whole(model, tokenizer, text), tokenizer.Encode(text));
            }
        }
    }

    [Fact]
    public void A_piece_that_goes_beyond_a_word_is_found()
    {
        var tokenizer = new SentencePieceTokenizer(
            new SentencePieceModel(
                [
                    new("<unk>", 0, PieceKind.Unknown),
                    new("<s>", 0, PieceKind.Control),
                    new("</s>", 0, PieceKind.Control),
                    new($"{Space}a", -1, PieceKind.Normal),
                    new($"{Space}b", -2, PieceKind.Normal),
                    new($"{Space}a{Space}b", -3, PieceKind.Normal),
                    new("a", -8, PieceKind.Normal),
                    new("b", -9, PieceKind.Normal),
                    new($"{Space}", -10, PieceKind.Normal),
                ],
                AddDummyPrefix: true
            )
        );
        Assert.Equal([5, 3], tokenizer.Encode("a b a"));
    }

    /// <summary>Pieces, spaces and other characters in any order.</summary>
    private static string Text(SentencePieceModel model, Random random)
    {
        string[] others = [" ", "  ", "   ", "\n", "é", "語", "🎈", "x", "?", "\u2581"];
        return string.Concat(
            Enumerable
                .Range(0, random.Next(1, 30))
                .Select(_ =>
                    random.Next(3) == 0
                        ? others[random.Next(others.Length)]
                        : model.Pieces.Where(piece => piece.Kind == PieceKind.Normal).ElementAt(random.Next(200)).Text.Replace(Space, ' ')
                )
        );
    }

    private static List<int> Whole(SentencePieceModel model, SentencePieceTokenizer tokenizer, string text)
    {
        var ids = model
            .Pieces.Select((piece, id) => (piece, id))
            .Where(pair => pair.piece.Kind is PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused)
            .ToDictionary(pair => pair.piece.Text, pair => pair.id, StringComparer.Ordinal);
        var bytes = model
            .Pieces.Select((piece, id) => (piece, id))
            .Where(pair => pair.piece.Kind == PieceKind.Byte)
            .ToDictionary(pair => Convert.ToByte(pair.piece.Text[3..5], 16), pair => pair.id);
        return
        [
            .. BytePairMerges
                .Apply((" " + text).Replace(' ', Space), symbol => ids.TryGetValue(symbol, out var id) ? model.Pieces[id].Score : null)
                .SelectMany(symbol =>
                    ids.TryGetValue(symbol, out var id)
                        ? [id]
                        : System.Text.Encoding.UTF8.GetBytes(symbol).Select(value => bytes.GetValueOrDefault(value, tokenizer.Unknown))
                ),
        ];
    }
}
