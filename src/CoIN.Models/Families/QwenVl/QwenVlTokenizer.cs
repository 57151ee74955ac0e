using System.Text;
using CoIN.Benchmark;
using CoIN.Models.Tokenization;
using ICU4N.Text;
using Microsoft.ML.Tokenizers;

namespace CoIN.Models.Families.QwenVl;

/// <summary>
/// Qwen-VL's tokenizer: the text is normalised (NFC), special tokens are found, what stands between them is cut into words and merged byte
/// by byte. Between <c>&lt;img&gt;</c> and <c>&lt;/img&gt;</c> stand the bytes of a path as ids of their own, filled up to
/// <see cref="ImageSpan"/>: the places of a picture.
/// </summary>
internal sealed class QwenVlTokenizer
{
    public const string FileName = "qwen.tiktoken";

    /// <summary>Ids between the two that mark a picture.</summary>
    public const int ImageSpan = 256;

    public const string Begin = "<|im_start|>";
    public const string End = "<|im_end|>";
    public const string ImageStart = "<img>";
    public const string ImageEnd = "</img>";
    private const string EndOfText = "<|endoftext|>";
    private const string ImagePad = "<imgpad>";

    /// <summary>In the order of their ids, which follow those of the file.</summary>
    private static readonly string[] Specials =
    [
        EndOfText,
        Begin,
        End,
        .. Enumerable.Range(0, 205).Select(i => $"<|extra_{i}|>"),
        "<ref>",
        "</ref>",
        "<box>",
        "</box>",
        "<quad>",
        "</quad>",
        ImageStart,
        ImageEnd,
        ImagePad,
    ];

    private readonly IReadOnlyList<byte[]> tokens;
    private readonly TiktokenTokenizer merging;
    private readonly AddedTokens added;
    private readonly int imageStart;
    private readonly int imageEnd;
    private readonly int imagePad;

    private QwenVlTokenizer(IReadOnlyList<byte[]> tokens, TiktokenTokenizer merging)
    {
        this.tokens = tokens;
        this.merging = merging;
        added = new AddedTokens(
            Specials.Select(
                (text, i) =>
                    (
                        text,
                        new AddedToken(
                            tokens.Count + i,
                            text,
                            SingleWord: false,
                            LeftStrip: false,
                            RightStrip: false,
                            Normalized: false,
                            Special: true
                        )
                    )
            )
        );
        (imageStart, imageEnd, imagePad) = (Id(ImageStart), Id(ImageEnd), Id(ImagePad));
        (EndOfSequence, BeginId, EndId) = (Id(EndOfText), Id(Begin), Id(End));
    }

    /// <summary>Of the file and of what follows it.</summary>
    public int Size => tokens.Count + Specials.Length;

    public int EndOfSequence { get; }

    public int BeginId { get; }

    public int EndId { get; }

    public int ImageStartId => imageStart;

    /// <summary>The size of a tokenizer, by the tokens of its file.</summary>
    public static int SizeOf(int tokens) => tokens + Specials.Length;

    /// <summary>The id in front of a picture, by the tokens of the file.</summary>
    public static int ImageStartOf(int tokens) => tokens + Array.IndexOf(Specials, ImageStart);

    /// <summary>Reads a model folder's <see cref="FileName"/>.</summary>
    /// <exception cref="CoinException">The file is missing or damaged.</exception>
    public static QwenVlTokenizer Load(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            throw new CoinException($"{folder} has no {FileName}, Qwen-VL's vocabulary. Download the tokenizer's files of the model too.");
        }

        var tokens = TiktokenFile.Read(path);
        using var file = File.OpenRead(path);
        return new QwenVlTokenizer(
            tokens,
            TiktokenTokenizer.Create(file, new RegexPreTokenizer(WordPattern.Words, null), normalizer: null)
        );
    }

    /// <summary>The ids of a text; special tokens in it become these tokens.</summary>
    /// <exception cref="CoinException">A picture's mark is not closed, or its path is too long.</exception>
    public List<int> Encode(string text) => WithPaths(EncodeParts(text));

    /// <summary>As <see cref="Encode"/>, with what stands between a picture's marks as any other text.</summary>
    public List<int> EncodeParts(string text)
    {
        // Halves of characters cannot be said in UTF-8; they become U+FFFD. .NET normalises nothing where it runs without the system's ICU.
        var whole = Normalizer2.NFCInstance.Normalize(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));
        var ids = new List<int>();
        foreach (var (from, to, id) in added.Split(whole))
        {
            if (id is { } special)
            {
                ids.Add(special);
            }
            else
            {
                ids.AddRange(merging.EncodeToIds(whole[from..to], considerPreTokenization: true, considerNormalization: false));
            }
        }

        return ids;
    }

    /// <summary>
    /// The text of ids. Bytes that are no UTF-8 give one U+FFFD for each maximal invalid sequence; ids beyond the vocabulary give nothing.
    /// </summary>
    /// <param name="skipSpecial">Leaves special tokens out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecial = true)
    {
        var all = ids.ToList();
        var bytes = new List<byte>();
        for (var i = 0; i < all.Count; i++)
        {
            var id = all[i];
            if (id == imageStart && all.IndexOf(imageEnd, i) is var end and > 0)
            {
                Add(id);
                bytes.AddRange(all[(i + 1)..end].Where(one => one <= byte.MaxValue).Select(one => (byte)one));
                Add(imageEnd);
                i = end;
            }
            else
            {
                Add(id);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);

        void Add(int id)
        {
            if (id >= 0 && id < tokens.Count)
            {
                bytes.AddRange(tokens[id]);
            }
            else if (!skipSpecial && id >= tokens.Count && id < Size)
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(Specials[id - tokens.Count]));
            }
        }
    }

    /// <summary>The bytes of a token of the file; none for another id.</summary>
    public byte[] BytesOf(int id) => id >= 0 && id < tokens.Count ? tokens[id] : [];

    private int Id(string special) => tokens.Count + Array.IndexOf(Specials, special);

    /// <summary>Puts the bytes of paths in the place of their ids.</summary>
    private List<int> WithPaths(List<int> ids)
    {
        var result = new List<int>();
        var at = 0;
        for (int start; (start = ids.IndexOf(imageStart, at)) >= 0; )
        {
            var end = ids.IndexOf(imageEnd, start);
            if (end < 0)
            {
                throw new CoinException($"a text has {ImageStart} without {ImageEnd} behind it. Close it, or take it out");
            }

            var path = ids[(start + 1)..end]
                .SelectMany(id => id < tokens.Count ? tokens[id] : Encoding.UTF8.GetBytes(Specials[id - tokens.Count]))
                .ToList();
            if (path.Count > ImageSpan)
            {
                throw new CoinException(
                    $"a path between {ImageStart} and {ImageEnd} has {path.Count} bytes; there is room for {ImageSpan}. Shorten it"
                );
            }

            result.AddRange(ids[at..(start + 1)]);
            result.AddRange(path.Select(value => (int)value));
            result.AddRange(Enumerable.Repeat(imagePad, ImageSpan - path.Count));
            result.Add(imageEnd);
            at = end + 1;
        }

        result.AddRange(ids[at..]);
        return result;
    }
}
