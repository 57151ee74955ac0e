using System.Text;

namespace CoIN.Models.Tokenization;

/// <summary>
/// The model of a <c>tokenizer.json</c> of the LLaMA kind: byte-pair merges of characters by a list, and the pieces <c>&lt;0x00&gt;</c>
/// to <c>&lt;0xFF&gt;</c> for characters that the vocabulary lacks.
/// </summary>
internal sealed class BytePairVocabulary
{
    private readonly IReadOnlyDictionary<string, int> ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> bySpan;
    private readonly RankedMerges merges;
    private readonly int[] byteIds;
    private readonly int? unknown;
    private readonly bool fusesUnknown;
    private readonly bool ignoresMerges;
    private readonly WordCache? words;

    /// <param name="ids">Ids of the pieces.</param>
    /// <param name="merges">Ranks and results of pairs of ids.</param>
    /// <param name="byteFallback">Whether characters without a piece become those of their bytes.</param>
    /// <param name="unknown">What stands for a character that has no piece and no bytes; null where it is left out.</param>
    /// <param name="fusesUnknown">Whether several of these in a row become one.</param>
    /// <param name="ignoresMerges">Whether a text that is a piece as a whole is that piece, whatever the merges say.</param>
    public BytePairVocabulary(
        Dictionary<string, int> ids,
        RankedMerges merges,
        bool byteFallback,
        int? unknown,
        bool fusesUnknown,
        bool ignoresMerges
    )
    {
        this.ids = ids;
        bySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        this.merges = merges;
        byteIds = [.. Enumerable.Range(0, 256).Select(value => byteFallback ? ids.GetValueOrDefault($"<0x{value:X2}>", -1) : -1)];
        (this.unknown, this.fusesUnknown, this.ignoresMerges) = (unknown, fusesUnknown, ignoresMerges);

        // Where no merge gives a piece with a space behind another character, and every character becomes something, words do not touch.
        var texts = ids.ToDictionary(pair => pair.Value, pair => pair.Key);
        var whole = ids.ContainsKey($"{WordCache.Space}") && (unknown is not null || byteIds.All(id => id >= 0));
        if (!ignoresMerges && whole && merges.Results.All(id => WordCache.StandsAlone(texts[id])))
        {
            words = new WordCache(word => [.. Merged(word)]);
        }
    }

    /// <summary>Adds the ids of a pre-tokenized text.</summary>
    public void Encode(string text, List<int> into)
    {
        if (words is not null)
        {
            words.Encode(text, into);
        }
        else if (ignoresMerges && ids.TryGetValue(text, out var whole))
        {
            into.Add(whole);
        }
        else
        {
            into.AddRange(Merged(text));
        }
    }

    private List<int> Merged(string text)
    {
        var symbols = new List<int>();

        // An unknown character waits for those behind it with which it may become one, and lets characters of bytes pass, as in the
        // reference.
        var waiting = false;
        void AddUnknown()
        {
            if (waiting)
            {
                symbols.Add(unknown!.Value);
            }

            waiting = false;
        }

        for (var at = 0; at < text.Length; )
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            if (bySpan.TryGetValue(text.AsSpan(at, length), out var id))
            {
                AddUnknown();
                symbols.Add(id);
            }
            else if (!AddBytes(rune, symbols) && unknown is not null)
            {
                if (!fusesUnknown)
                {
                    AddUnknown();
                }

                waiting = true;
            }

            at += length;
        }

        AddUnknown();
        return merges.Apply(symbols);
    }

    /// <summary>All bytes of a character have pieces, or none is taken.</summary>
    private bool AddBytes(Rune rune, List<int> symbols)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..rune.EncodeToUtf8(bytes)];
        foreach (var value in bytes)
        {
            if (byteIds[value] < 0)
            {
                return false;
            }
        }

        foreach (var value in bytes)
        {
            symbols.Add(byteIds[value]);
        }

        return true;
    }
}
