using System.Collections.Concurrent;

namespace CoIN.Models.Tokenization;

/// <summary>
/// Ids of words with the spaces in front of them: a data set's words are the same ones again and again. For vocabularies in which no
/// piece has a space behind another character, so that nothing is ever merged across the beginning of a word.
/// </summary>
/// <param name="encode">A word's ids.</param>
internal sealed class WordCache(Func<string, int[]> encode)
{
    /// <summary>What stands for a space.</summary>
    public const char Space = '\u2581';

    /// <summary>Words whose ids are kept, and the longest of them: what a data set repeats, in a few megabytes.</summary>
    private const int MostWords = 1 << 17,
        LongestWord = 24;

    private readonly ConcurrentDictionary<string, int[]> words = new(StringComparer.Ordinal);
    private int kept;

    /// <summary>Whether a piece allows to look at words one by one.</summary>
    public static bool StandsAlone(string piece) => piece.AsSpan().TrimStart(Space).IndexOf(Space) < 0;

    /// <summary>Adds the ids of a text whose spaces are <see cref="Space"/>.</summary>
    public void Encode(string text, List<int> ids)
    {
        for (var rest = text.AsSpan(); !rest.IsEmpty; )
        {
            var spaces = rest.Length - rest.TrimStart(Space).Length;
            var letters = rest[spaces..].IndexOf(Space);
            var length = letters < 0 ? rest.Length : spaces + letters;
            ids.AddRange(Word(rest[..length]));
            rest = rest[length..];
        }
    }

    private int[] Word(ReadOnlySpan<char> word)
    {
        var known = words.GetAlternateLookup<ReadOnlySpan<char>>();
        if (known.TryGetValue(word, out var ids))
        {
            return ids;
        }

        var found = encode(word.ToString());
        if (word.Length <= LongestWord && kept < MostWords && known.TryAdd(word, found))
        {
            Interlocked.Increment(ref kept);
        }

        return found;
    }
}
