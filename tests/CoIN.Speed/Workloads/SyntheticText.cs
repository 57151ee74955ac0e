using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Tokenization;

namespace CoIN.Speed.Workloads;

/// <summary>Words of which every character is one token, so that a text has as many tokens as it is asked to have.</summary>
internal static class SyntheticText
{
    // CJK characters: there are enough of them for a vocabulary.
    private const char FirstCharacter = '\u4e00';
    private const int Characters = 20000;

    /// <summary>A tokenizer for these words and for the roles of a conversation.</summary>
    /// <param name="pieces">How many pieces it has at least: further ones stand in no text.</param>
    public static SentencePieceModel Tokenizer(int pieces = 0)
    {
        Piece[] used =
        [
            new("<unk>", 0, PieceKind.Unknown),
            new("<s>", 0, PieceKind.Control),
            new("</s>", 0, PieceKind.Control),
            .. Enumerable.Range(0, 256).Select(value => new Piece($"<0x{value:X2}>", 0, PieceKind.Byte)),
            new("\u2581", -1, PieceKind.Normal),
            .. "USERAITN:".Distinct().Select(letter => new Piece($"{letter}", -2, PieceKind.Normal)),
            .. Enumerable.Range(0, Characters).Select(i => new Piece($"{(char)(FirstCharacter + i)}", -3 - i, PieceKind.Normal)),
        ];
        return new SentencePieceModel(
            [
                .. used,
                .. Enumerable
                    .Range(used.Length, Math.Max(pieces - used.Length, 0))
                    .Select(i => new Piece($"<unused {i}>", -3 - i, PieceKind.Normal)),
            ],
            AddDummyPrefix: true
        );
    }

    /// <summary>The same words' bytes for byte-level vocabularies: every token is an earlier one and one byte more.</summary>
    /// <param name="count">Tokens; those beyond the words stand in no text.</param>
    public static IReadOnlyList<byte[]> Bytes(int count)
    {
        var words = Enumerable.Range(0, Characters).Select(i => Encoding.UTF8.GetBytes($"{(char)(FirstCharacter + i)}")).ToList();
        IEnumerable<byte[]> known =
        [
            .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }),
            .. words.Select(word => word[..2]),
            .. words,
        ];
        var tokens = known.DistinctBy(Convert.ToHexString).ToList();
        var fillers = Enumerable.Range(0, 256).Select(low => new[] { byte.MaxValue, (byte)low }).ToList();
        return
        [
            .. tokens
                .Concat(fillers)
                .Concat(fillers.SelectMany(two => Enumerable.Range(0, 256).Select(last => (byte[])[.. two, (byte)last])))
                .Take(count),
        ];
    }

    /// <summary>So many tokens.</summary>
    public static string Words(SeededRandom random, int tokens) =>
        new([.. Enumerable.Range(0, tokens).Select(_ => (char)(FirstCharacter + random.Next(Characters)))]);
}
