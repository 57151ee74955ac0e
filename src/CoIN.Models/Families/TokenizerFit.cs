using CoIN.Benchmark;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families;

/// <summary>Whether a tokenizer is the one that a model's embeddings were made for, as far as lengths tell.</summary>
internal static class TokenizerFit
{
    /// <summary>What to do about one that is not.</summary>
    public const string Remedy = "Use the tokenizer that belongs to these weights.";

    /// <summary>
    /// Most rows of embeddings that a vocabulary has beyond its tokenizer: placeholders, and rounding up to a multiple of 64 or 128.
    /// </summary>
    private const int MostUnused = 256;

    /// <summary>Notes a tokenizer of another length.</summary>
    /// <param name="rows">Of the embeddings.</param>
    /// <param name="file">The tokenizer's, for messages.</param>
    /// <returns>Whether it fits.</returns>
    public static bool CheckLength(int rows, ITextTokenizer tokenizer, string file, Problems problems) =>
        CheckLength(rows, tokenizer.PieceCount, file, problems);

    /// <inheritdoc cref="CheckLength(int, ITextTokenizer, string, Problems)"/>
    /// <param name="pieces">Of the tokenizer.</param>
    public static bool CheckLength(int rows, int pieces, string file, Problems problems)
    {
        if (pieces <= rows && rows - pieces <= MostUnused)
        {
            return true;
        }

        problems.Add($"{file} has {pieces} pieces but the model's vocabulary has {rows} (config.json). {Remedy}");
        return false;
    }
}
