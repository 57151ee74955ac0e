using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;

namespace CoIN.Models.Tokenization;

/// <summary>
/// A vocabulary as OpenAI's tiktoken writes it: a line for each token, its bytes in Base64 and its rank, which is its id and the order in
/// which pairs of tokens are merged.
/// </summary>
internal static class TiktokenFile
{
    /// <summary>Reads the bytes of all tokens, by rank.</summary>
    /// <exception cref="CoinException">The file is missing or damaged; the message names the line.</exception>
    public static IReadOnlyList<byte[]> Read(string path)
    {
        Misdelivered.ThrowIfOne(path, binary: false);
        try
        {
            var tokens = new List<byte[]>();
            foreach (var line in Utf8Text.Lines(path).Where(line => line.Length > 0))
            {
                tokens.Add(Token(path, line, tokens.Count));
            }

            return Checked(path, tokens);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Check its permissions.", e);
        }
    }

    /// <summary>What a file of some tokens holds.</summary>
    public static byte[] ToBytes(IReadOnlyList<byte[]> tokens) =>
        System.Text.Encoding.UTF8.GetBytes(
            string.Concat(tokens.Select((token, rank) => FormattableString.Invariant($"{Convert.ToBase64String(token)} {rank}\n")))
        );

    private static byte[] Token(string path, string line, int rank)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var bytes = new byte[line.Length];
        return
            space > 0
            && line[(space + 1)..] == FormattableString.Invariant($"{rank}")
            && Convert.TryFromBase64String(line[..space], bytes, out var length)
            && length > 0
            ? bytes[..length]
            : throw new CoinException(
                $"{path}, line {rank + 1}: '{(line.Length > 60 ? line[..60] + "…" : line)}' is not a token in Base64 and the rank {rank}. Restore the file from the model's source."
            );
    }

    private static List<byte[]> Checked(string path, List<byte[]> tokens)
    {
        var single = tokens.Where(token => token.Length == 1).Select(token => token[0]).ToHashSet();
        if (single.Count <= byte.MaxValue)
        {
            throw new CoinException(
                $"{path} has {single.Count} of the 256 single bytes as tokens: it is cut or no whole vocabulary. Restore the file from the model's source."
            );
        }

        var twice = tokens.GroupBy(Convert.ToBase64String, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        return twice is null
            ? tokens
            : throw new CoinException($"{path} has the token {twice.Key} twice. Restore the file from the model's source.");
    }
}
