using System.Text;
using System.Text.RegularExpressions;
using CoIN.Benchmark;
using ICU4N.Text;
using Microsoft.ML.Tokenizers;

namespace CoIN.Models.Tokenization;

/// <summary>
/// Qwen2's tokenizer: added tokens are found first, what stands between them is normalised (NFC), cut into words and merged byte by byte.
/// </summary>
internal sealed class Qwen2Tokenizer
{
    private readonly BpeTokenizer merging;
    private readonly Regex? added;
    private readonly IReadOnlyDictionary<string, int> addedIds;
    private readonly Dictionary<int, string> texts;
    private readonly HashSet<int> special;

    private Qwen2Tokenizer(Qwen2Vocabulary vocabulary, BpeTokenizer merging)
    {
        this.merging = merging;
        addedIds = vocabulary.Added;
        special = [.. addedIds.Values];
        texts = vocabulary.Tokens.Where(token => !special.Contains(token.Value)).ToDictionary(token => token.Value, token => token.Key);
        foreach (var (text, id) in addedIds)
        {
            texts[id] = text;
        }

        // The longest first: of two that begin alike the longer one is meant.
        added =
            addedIds.Count == 0
                ? null
                : new Regex(
                    string.Join('|', addedIds.Keys.OrderByDescending(text => text.Length).Select(Regex.Escape)),
                    RegexOptions.CultureInvariant
                );
        Size = texts.Keys.Max() + 1;
    }

    /// <summary>One more than the highest id.</summary>
    public int Size { get; }

    /// <summary>Makes the tokenizer of a vocabulary.</summary>
    /// <exception cref="CoinException">The vocabulary contradicts itself.</exception>
    public static Qwen2Tokenizer Of(Qwen2Vocabulary vocabulary)
    {
        try
        {
            return new Qwen2Tokenizer(
                vocabulary,
                BpeTokenizer.Create(
                    new BpeOptions(vocabulary.Tokens)
                    {
                        Merges = vocabulary.Merges,
                        ByteLevel = true,
                        PreTokenizer = new RegexPreTokenizer(WordPattern.Words, null),
                    }
                )
            );
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new CoinException(
                $"{vocabulary.Source} and its merges do not fit together: {e.Message.TrimEnd('.')}. Restore the tokenizer's files from the model's source.",
                e
            );
        }
    }

    /// <summary>The id of an added token.</summary>
    /// <returns>Null if there is none of that text.</returns>
    public int? AddedId(string text) => addedIds.TryGetValue(text, out var id) ? id : null;

    /// <summary>The ids of a text. Texts of added tokens in it become these tokens, as in the reference.</summary>
    public IReadOnlyList<int> Encode(string text)
    {
        // Halves of characters cannot be said in UTF-8; they become U+FFFD.
        var whole = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        var ids = new List<int>();
        var from = 0;
        for (var match = added?.Match(whole); match is { Success: true }; match = match.NextMatch())
        {
            Merge(whole[from..match.Index], ids);
            ids.Add(addedIds[match.Value]);
            from = match.Index + match.Length;
        }

        Merge(whole[from..], ids);
        return ids;
    }

    /// <summary>
    /// The text of ids. Bytes that are no UTF-8 give one U+FFFD for each maximal invalid sequence; ids beyond the vocabulary give nothing.
    /// </summary>
    /// <param name="skipSpecial">Leaves added tokens out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecial = true)
    {
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            if (!texts.TryGetValue(id, out var text) || (skipSpecial && special.Contains(id)))
            {
                continue;
            }

            if (special.Contains(id) || !ByteAlphabet.TryAppend(text, bytes))
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private void Merge(string text, List<int> ids)
    {
        if (text.Length > 0)
        {
            // .NET normalises nothing where it runs without the system's ICU.
            ids.AddRange(
                merging.EncodeToIds(Normalizer2.NFCInstance.Normalize(text), considerPreTokenization: true, considerNormalization: false)
            );
        }
    }
}
