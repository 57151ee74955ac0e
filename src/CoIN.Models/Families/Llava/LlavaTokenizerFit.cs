using CoIN.Benchmark;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Llava;

/// <summary>
/// Whether a tokenizer is the one that a model's embeddings were made for, as far as lengths and the picture's placeholder tell.
/// </summary>
internal static class LlavaTokenizerFit
{
    /// <summary>Notes what does not fit.</summary>
    /// <param name="file">The tokenizer's, for messages.</param>
    public static void Check(LlavaConfig config, ITextTokenizer tokenizer, string file, Problems problems)
    {
        var (pieces, rows) = (tokenizer.PieceCount, config.Text.VocabularySize);
        if (!TokenizerFit.CheckLength(rows, tokenizer, file, problems))
        {
            return;
        }

        if (config.ImageTokenId is { } id && (id < 0 || id >= rows))
        {
            problems.Add(
                $"config.json: the token that stands for pictures (image_token_index) is {id}, but the vocabulary has {rows}. "
                    + "Restore the file from the checkpoint's source."
            );
        }
        else if (
            config.ImageTokenId is { } expected
            && (tokenizer.AddedId(PromptBuilder.ImageTag) ?? (expected < pieces ? -1 : expected)) is var known
            && known != expected
        )
        {
            problems.Add(
                $"{file} has {(known < 0 ? $"the word '{tokenizer.PieceText(expected)}'" : $"{PromptBuilder.ImageTag} as {known}")}, "
                    + $"but the model stands for pictures by {expected} (image_token_index in config.json). {TokenizerFit.Remedy}"
            );
        }
    }
}
