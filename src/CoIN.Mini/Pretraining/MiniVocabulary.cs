using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Tasks;
using CoIN.Models.Tokenization;

namespace CoIN.Mini.Pretraining;

/// <summary>
/// The miniature's tokenizer: LLaMA's special and byte pieces, the printable characters, and every word of the miniature world as one
/// piece. A word is reached through pieces for all its beginnings; since all of them start with the same symbol, no other merge can come
/// between.
/// </summary>
internal static class MiniVocabulary
{
    private const char Space = '\u2581';
    private const int SamplesPerTask = 3000;

    // Words that follow a line break stand without a space in front.
    private static readonly string[] LineStarts = ["Answer", "Reference", "A.", "B.", "C."];

    // What the conversation templates add.
    private static readonly string[] Frame =
    [
        "USER:",
        "ASSISTANT:",
        "A chat between a curious user and an artificial intelligence assistant.",
        "The assistant gives helpful, detailed, and polite answers to the user's questions.",
        "Reference OCR token:",
    ];

    /// <summary>Builds the model; a function of the miniature tasks alone.</summary>
    public static SentencePieceModel Build()
    {
        var pieces = new List<Piece>
        {
            new("<unk>", 0, PieceKind.Unknown),
            new("<s>", 0, PieceKind.Control),
            new("</s>", 0, PieceKind.Control),
        };
        pieces.AddRange(Enumerable.Range(0, 256).Select(value => new Piece($"<0x{value:X2}>", 0, PieceKind.Byte)));

        var texts = Texts().Select(AsNumbered).Distinct(StringComparer.Ordinal).ToList();

        // Merges of words come before merges of line starts and numbers, and longer beginnings after shorter ones.
        var score = 0;
        void Add(IEnumerable<string> texts) => pieces.AddRange(texts.Select(text => new Piece(text, -score++, PieceKind.Normal)));
        Add(
            Words(texts)
                .SelectMany(word => Beginnings(Space + word))
                .Distinct(StringComparer.Ordinal)
                .OrderBy(text => text.Length)
                .ThenBy(text => text, StringComparer.Ordinal)
        );
        Add(
            LineStarts
                .Concat(Numbers(texts))
                .SelectMany(Beginnings)
                .Distinct(StringComparer.Ordinal)
                .OrderBy(text => text.Length)
                .ThenBy(text => text, StringComparer.Ordinal)
        );
        var single = Enumerable.Range('!', '~' - '!' + 1).Select(code => ((char)code).ToString()).Prepend(Space.ToString());
        pieces.AddRange(single.Select(text => new Piece(text, -score++, PieceKind.Normal)));
        return new SentencePieceModel(pieces, AddDummyPrefix: true);
    }

    /// <summary>Longer than one character, up to the whole.</summary>
    private static IEnumerable<string> Beginnings(string text) =>
        Enumerable.Range(2, Math.Max(text.Length - 1, 0)).Select(length => text[..length]);

    /// <summary>Coordinates, of which the first follows a bracket.</summary>
    private static IEnumerable<string> Numbers(IEnumerable<string> texts) =>
        texts
            .SelectMany(text => text.Split('[', ' ', ',', ']'))
            .Select(Trim)
            .Where(word => word.Contains('.') && char.IsDigit(word[0]))
            .Distinct();

    private static IEnumerable<string> Words(IEnumerable<string> texts) =>
        texts.Concat(Frame).SelectMany(text => text.Split(' ', '\n')).Select(Trim).Where(word => word.Length > 0).Append("[").Distinct();

    /// <summary>Without the punctuation that stays a piece of its own.</summary>
    private static string Trim(string word) =>
        word.EndsWith(':') && word.Length > 1 && char.IsUpper(word[0]) ? word : word.Trim('.', ',', '?', ':', '[', ']');

    /// <summary>
    /// The model that ships with the program has its ids from a time when several crosses were spelled so. A word more would number all
    /// longer ones anew; without a piece of its own it is read as "cross", "e" and "s".
    /// </summary>
    private static string AsNumbered(string text) => text.Replace("crosses", "crosss", StringComparison.Ordinal);

    private static IEnumerable<string> Texts()
    {
        foreach (var task in MiniTasks.All)
        {
            yield return task.Instruction;
            for (var i = 0; i < SamplesPerTask; i++)
            {
                var item = task.Draw(new SeededRandom(SeededRandom.Combine(7, i)));
                yield return item.Short.Question;
                yield return item.Short.Answer;
                yield return item.Sentence.Question;
                yield return item.Sentence.Answer;
            }
        }
    }
}
