using CoIN.Benchmark;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tokenization;

/// <summary>Finds the tokenizer of a folder.</summary>
internal static class LlamaTokenizers
{
    /// <summary>SentencePiece's file.</summary>
    public const string SentencePiece = "tokenizer.model";

    /// <summary>
    /// Reads <c>tokenizer.model</c>, which CoIN's own code reads too; where there is none, <c>tokenizer.json</c>, which is all that
    /// transformers 5 writes.
    /// </summary>
    /// <exception cref="CoinException">Neither is there, it is damaged or not of the LLaMA kind, or the two differ.</exception>
    public static ITextTokenizer Load(string folder)
    {
        if (FileOf(folder) is { } file && Path.GetFileName(file) == TokenizerFile.Name)
        {
            return FileTokenizer.Load(folder);
        }

        var path = Path.Combine(folder, SentencePiece);
        var tokenizer = SentencePieceTokenizer.Load(path);
        CheckSame(tokenizer, path, Path.Combine(folder, TokenizerFile.Name));
        return tokenizer;
    }

    /// <summary>The file that is read; null where there is none.</summary>
    public static string? FileOf(string folder) =>
        new[] { SentencePiece, TokenizerFile.Name }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Files with other words for the same ids cannot both belong to the weights. A second file that is none is passed over.
    /// </summary>
    private static void CheckSame(SentencePieceTokenizer tokenizer, string path, string other)
    {
        if (
            !File.Exists(other)
            || new Problems().Try(() => SettingsFile.Json(other)) is not { } json
            || json["model"] is not JObject model
            || model["vocab"] is not JObject vocabulary
        )
        {
            return;
        }

        foreach (var (piece, id) in vocabulary)
        {
            if (
                id is { Type: JTokenType.Integer }
                && (long)id is var number
                && number >= 0
                && number < tokenizer.PieceCount
                && tokenizer.PieceText((int)number) is var own
                && own != piece
            )
            {
                throw new CoinException(
                    $"{path} and {other} are two tokenizers: {number} is '{own}' in the one and '{piece}' in the other. "
                        + "Remove the one that does not belong to the weights."
                );
            }
        }
    }
}
