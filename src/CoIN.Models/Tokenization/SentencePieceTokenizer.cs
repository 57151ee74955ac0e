using System.Text;
using CoIN.Benchmark;

namespace CoIN.Models.Tokenization;

/// <summary>
/// LLaMA's tokenizer as transformers' slow <c>LlamaTokenizer</c> with <c>legacy=True</c> has it: <c>&lt;s&gt;</c>, <c>&lt;/s&gt;</c> and
/// <c>&lt;unk&gt;</c> in the text are cut out first, and each piece of text between them gets SentencePiece's dummy prefix.
/// </summary>
internal sealed class SentencePieceTokenizer : ITextTokenizer
{
    private const char Space = WordCache.Space;

    private readonly SentencePieceModel model;
    private readonly Dictionary<string, int> pieces = new(StringComparer.Ordinal);
    private readonly int[] byteIds = new int[256];
    private readonly List<(string Text, int Id)> specials = [];
    private readonly WordCache words;
    private readonly bool wordsStandAlone;

    public SentencePieceTokenizer(SentencePieceModel model, string path = "tokenizer.model")
    {
        this.model = model;
        Array.Fill(byteIds, -1);
        Unknown = BeginOfSequence = EndOfSequence = -1;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            Register(model.Pieces[id], id, path);
        }

        // Where no piece has a space behind another character, nothing is ever merged across the beginning of a word.
        wordsStandAlone = pieces.Keys.All(WordCache.StandsAlone);
        words = new WordCache(Merged);
        if (Unknown < 0 || BeginOfSequence < 0 || EndOfSequence < 0)
        {
            throw new CoinException($"{path} lacks <unk>, <s> or </s>: it is not a LLaMA tokenizer.");
        }
    }

    /// <inheritdoc/>
    public int Unknown { get; private set; }

    /// <inheritdoc/>
    public int BeginOfSequence { get; private set; }

    /// <inheritdoc/>
    public int EndOfSequence { get; private set; }

    /// <inheritdoc/>
    public int PieceCount => model.Pieces.Count;

    /// <summary>Reads a <c>tokenizer.model</c>.</summary>
    /// <exception cref="CoinException">It is missing, damaged or not LLaMA's kind.</exception>
    public static SentencePieceTokenizer Load(string path) => new(SentencePieceModel.Read(path), path);

    /// <inheritdoc/>
    /// <remarks>The file knows pieces only; what a model adds to them stands in files beside it.</remarks>
    public int? AddedId(string content) =>
        pieces.TryGetValue(content, out var id) && model.Pieces[id].Kind == PieceKind.UserDefined ? id : null;

    /// <inheritdoc/>
    public string PieceText(int id) => model.Pieces[id].Text;

    /// <inheritdoc/>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        var start = 0;
        while (start < text.Length)
        {
            var (at, special) = NextSpecial(text, start);
            if (at > start)
            {
                EncodePlain(text[start..at], ids);
            }

            if (special is null)
            {
                break;
            }

            ids.Add(special.Value.Id);
            start = at + special.Value.Text.Length;
        }

        return ids;
    }

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids)
    {
        var bytes = new List<byte>();
        foreach (var id in ids)
        {
            // A model's vocabulary may be padded beyond the tokenizer's.
            if (id < 0 || id >= model.Pieces.Count)
            {
                continue;
            }

            var piece = model.Pieces[id];
            switch (piece.Kind)
            {
                case PieceKind.Byte:
                    bytes.Add((byte)Array.IndexOf(byteIds, id));
                    break;
                case PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused:
                    bytes.AddRange(Encoding.UTF8.GetBytes(piece.Text.Replace(Space, ' ')));
                    break;
            }
        }

        var text = Utf8ByBytes(bytes);
        return model.AddDummyPrefix && text.StartsWith(' ') ? text[1..] : text;
    }

    private void Register(Piece piece, int id, string path)
    {
        switch (piece.Kind)
        {
            case PieceKind.Normal or PieceKind.UserDefined or PieceKind.Unused:
                pieces.TryAdd(piece.Text, id);
                break;
            case PieceKind.Byte:
                if (
                    piece.Text.Length != 6
                    || !byte.TryParse(piece.Text.AsSpan(3, 2), System.Globalization.NumberStyles.HexNumber, null, out var value)
                )
                {
                    throw new CoinException(
                        $"{path}: byte piece {id} is '{piece.Text}', not of the form <0x0A>. The file is damaged; download it again."
                    );
                }

                byteIds[value] = id;
                break;
            case PieceKind.Unknown:
                Unknown = id;
                specials.Add((piece.Text, id));
                break;
            case PieceKind.Control when piece.Text == "<s>":
                BeginOfSequence = id;
                specials.Add((piece.Text, id));
                break;
            case PieceKind.Control when piece.Text == "</s>":
                EndOfSequence = id;
                specials.Add((piece.Text, id));
                break;
        }
    }

    private (int At, (string Text, int Id)? Special) NextSpecial(string text, int start)
    {
        var best = (At: text.Length, Special: ((string, int)?)null);
        foreach (var special in specials)
        {
            var at = text.IndexOf(special.Text, start, StringComparison.Ordinal);
            if (at >= 0 && at < best.At)
            {
                best = (at, special);
            }
        }

        return best;
    }

    private void EncodePlain(string text, List<int> ids)
    {
        var normalized = (model.AddDummyPrefix ? " " + text : text).Replace(' ', Space);
        if (!wordsStandAlone)
        {
            EncodeMerged(normalized, ids);
            return;
        }

        words.Encode(normalized, ids);
    }

    private int[] Merged(string word)
    {
        var ids = new List<int>();
        EncodeMerged(word, ids);
        return [.. ids];
    }

    private void EncodeMerged(string text, List<int> ids)
    {
        foreach (var symbol in BytePairMerges.Apply(text, Score))
        {
            if (pieces.TryGetValue(symbol, out var id))
            {
                ids.Add(id);
                continue;
            }

            foreach (var value in Encoding.UTF8.GetBytes(symbol))
            {
                ids.Add(byteIds[value] >= 0 ? byteIds[value] : Unknown);
            }
        }
    }

    private float? Score(string symbol) => pieces.TryGetValue(symbol, out var id) ? model.Pieces[id].Score : null;

    /// <summary>Every byte that is not part of a valid sequence becomes one U+FFFD, as SentencePiece has it.</summary>
    private static string Utf8ByBytes(List<byte> bytes)
    {
        var span = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        var text = new StringBuilder(bytes.Count);
        while (!span.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(span, out var rune, out var used);
            if (status == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
                span = span[used..];
            }
            else
            {
                text.Append('\uFFFD');
                span = span[1..];
            }
        }

        return text.ToString();
    }
}
