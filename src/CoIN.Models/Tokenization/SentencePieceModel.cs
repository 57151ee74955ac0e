using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using Google.Protobuf;

namespace CoIN.Models.Tokenization;

/// <summary>Kinds of pieces, with SentencePiece's own numbers.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>One entry of a vocabulary; its id is its place.</summary>
internal sealed record Piece(string Text, float Score, PieceKind Kind);

/// <summary>
/// A SentencePiece <c>tokenizer.model</c> file (protobuf message <c>ModelProto</c>), as far as LLaMA-like models use it: byte-pair
/// encoding, identity normalization, a dummy prefix, byte fallback.
/// </summary>
internal sealed record SentencePieceModel(IReadOnlyList<Piece> Pieces, bool AddDummyPrefix)
{
    // Field numbers of sentencepiece_model.proto.
    private const int PiecesField = 1,
        TrainerField = 2,
        NormalizerField = 3;
    private const int PieceText = 1,
        PieceScore = 2,
        PieceType = 3;
    private const int TrainerModelType = 3,
        TrainerVocabularySize = 4,
        TrainerByteFallback = 35;
    private const int NormalizerName = 1,
        NormalizerCharsMap = 2,
        NormalizerDummyPrefix = 3,
        NormalizerExtraSpaces = 4;
    private const int BpeModel = 2;

    /// <summary>Reads a file.</summary>
    /// <exception cref="CoinException">It is missing, damaged, or of a kind that is not supported.</exception>
    public static SentencePieceModel Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the tokenizer {path}: {ReadFault.Why(path, e)}. "
                    + "A LLaVA folder needs SentencePiece's tokenizer.model, or tokenizer.json.",
                e
            );
        }

        Misdelivered.ThrowIfOne(path, binary: true);
        try
        {
            return Parse(bytes, path);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new CoinException($"{path} is not a SentencePiece model, or is damaged: {e.Message} Download it again.", e);
        }
    }

    /// <summary>Writes the file's bytes.</summary>
    public byte[] ToBytes()
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true))
        {
            foreach (var piece in Pieces)
            {
                Message(output, PiecesField, inner =>
                {
                    inner.WriteTag(PieceText, WireFormat.WireType.LengthDelimited);
                    inner.WriteString(piece.Text);
                    inner.WriteTag(PieceScore, WireFormat.WireType.Fixed32);
                    inner.WriteFloat(piece.Score);
                    Number(inner, PieceType, (int)piece.Kind);
                });
            }

            Message(output, TrainerField, inner =>
            {
                Number(inner, TrainerModelType, BpeModel);
                Number(inner, TrainerVocabularySize, Pieces.Count);
                Number(inner, TrainerByteFallback, 1);
            });
            Message(output, NormalizerField, inner =>
            {
                inner.WriteTag(NormalizerName, WireFormat.WireType.LengthDelimited);
                inner.WriteString("identity");
                Number(inner, NormalizerDummyPrefix, AddDummyPrefix ? 1 : 0);
                Number(inner, NormalizerExtraSpaces, 0);
            });
        }

        return memory.ToArray();
    }

    private static SentencePieceModel Parse(byte[] bytes, string path)
    {
        var pieces = new List<Piece>();
        var dummyPrefix = true;
        var input = new CodedInputStream(bytes);
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case PiecesField:
                    pieces.Add(ParsePiece(input.ReadBytes()));
                    break;
                case TrainerField:
                    CheckTrainer(input.ReadBytes(), path);
                    break;
                case NormalizerField:
                    dummyPrefix = ParseNormalizer(input.ReadBytes(), path);
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return pieces.Count > 0
            ? new SentencePieceModel(pieces, dummyPrefix)
            : throw new CoinException($"{path} holds no vocabulary: it is not a SentencePiece model. Download it again.");
    }

    private static Piece ParsePiece(ByteString bytes)
    {
        var input = bytes.CreateCodedInput();
        var text = "";
        var score = 0f;
        var kind = PieceKind.Normal;
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case PieceText:
                    text = input.ReadString();
                    break;
                case PieceScore:
                    score = input.ReadFloat();
                    break;
                case PieceType:
                    kind = (PieceKind)input.ReadInt32();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return new Piece(text, score, kind);
    }

    private static void CheckTrainer(ByteString bytes, string path)
    {
        var input = bytes.CreateCodedInput();

        // The message's default is unigram.
        var modelType = 1;
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == TrainerModelType)
            {
                modelType = input.ReadInt32();
            }
            else
            {
                input.SkipLastField();
            }
        }

        if (modelType != BpeModel)
        {
            throw new CoinException(
                $"{path} is a SentencePiece model of type {modelType}; only byte-pair encoding (type {BpeModel}), as LLaMA has it, can be read."
            );
        }
    }

    private static bool ParseNormalizer(ByteString bytes, string path)
    {
        var input = bytes.CreateCodedInput();
        bool dummyPrefix = true,
            extraSpaces = true;
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case NormalizerCharsMap when input.ReadBytes().Length > 0:
                    throw new CoinException($"{path} normalizes its text by a table; only LLaMA's identity normalization can be read.");
                case NormalizerCharsMap:
                    break;
                case NormalizerDummyPrefix:
                    dummyPrefix = input.ReadBool();
                    break;
                case NormalizerExtraSpaces:
                    extraSpaces = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return !extraSpaces
            ? dummyPrefix
            : throw new CoinException($"{path} merges repeated spaces; only LLaMA's normalization, which keeps them, can be read.");
    }

    private static void Number(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void Message(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var inner = new CodedOutputStream(memory, leaveOpen: true))
        {
            write(inner);
        }

        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(memory.GetBuffer(), 0, (int)memory.Length));
    }
}
