using CoIN.Benchmark;

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
    /// <exception cref="CoinException">Neither is there, or it is damaged or not of the LLaMA kind.</exception>
    public static ITextTokenizer Load(string folder) => FileOf(folder) is { } file && Path.GetFileName(file) == TokenizerFile.Name
        ? FileTokenizer.Load(folder)
        : SentencePieceTokenizer.Load(Path.Combine(folder, SentencePiece));

    /// <summary>The file that is read; null where there is none.</summary>
    public static string? FileOf(string folder) =>
        new[] { SentencePiece, TokenizerFile.Name }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
