namespace CoIN.Models.Tokenization;

/// <summary>A tokenizer of the LLaMA kind: text to ids and back.</summary>
internal interface ITextTokenizer
{
    /// <summary>Id of <c>&lt;unk&gt;</c>.</summary>
    int Unknown { get; }

    /// <summary>Id of <c>&lt;s&gt;</c>.</summary>
    int BeginOfSequence { get; }

    /// <summary>Id of <c>&lt;/s&gt;</c>.</summary>
    int EndOfSequence { get; }

    /// <summary>Size of the vocabulary: one more than the highest id.</summary>
    int PieceCount { get; }

    /// <summary>The id of a token that is no word, such as a model's placeholder for pictures; null where there is no such token.</summary>
    int? AddedId(string content);

    /// <summary>A piece's text, by id.</summary>
    string PieceText(int id);

    /// <summary>Ids of a text, without <c>&lt;s&gt;</c> in front.</summary>
    List<int> Encode(string text);

    /// <summary>The text of ids; control ids are left out, and bytes that are not UTF-8 become U+FFFD.</summary>
    string Decode(IEnumerable<int> ids);
}
