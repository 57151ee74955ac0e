using System.Text;
using CoIN.Benchmark;

namespace CoIN.Models.Checkpoints;

/// <summary>What lies in a file's place where a download went wrong: a Git LFS pointer, a web page, the text of an error.</summary>
internal static class Misdelivered
{
    private const int Enough = 1024;

    /// <summary>Throws if a file is not what its name says but one of these. A file that cannot be read is left to its reader.</summary>
    /// <param name="binary">Whether the file itself is no text, so that a short text in its place is wrong.</param>
    /// <exception cref="CoinException">It is; the message names it and how to get the file itself.</exception>
    public static void ThrowIfOne(string path, bool binary)
    {
        byte[] start;
        long length;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            start = new byte[Enough];
            start = start[..stream.ReadAtLeast(start, Enough, throwOnEndOfStream: false)];
            length = stream.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return;
        }

        if (Describe(start, length, binary) is { } what)
        {
            throw new CoinException($"{path} {what}");
        }
    }

    /// <summary>What a file's first bytes give away, as a clause with the file as its subject, and the remedy; null for nothing.</summary>
    internal static string? Describe(ReadOnlySpan<byte> start, long length, bool binary)
    {
        if (length == 0)
        {
            return "is empty. Download it again.";
        }

        var text = Encoding.Latin1.GetString(start.TrimStart("\uFEFF \t\r\n"u8));
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
        {
            return "is a Git LFS pointer, not the file itself. Fetch it where it was cloned (git lfs pull), or download it by itself.";
        }

        if (new[] { "<!doctype html", "<html", "<?xml", "<error" }.Any(mark => text.StartsWith(mark, StringComparison.OrdinalIgnoreCase)))
        {
            return "is a web page (an error's, or one that asks to sign in), not the file. Download it again and look at what the server says.";
        }

        if (binary && length < Enough && text.All(letter => letter is >= ' ' and <= '~' or '\n' or '\r' or '\t'))
        {
            var line = text.Split('\n')[0].Trim();
            return $"is a text of {length} bytes (\"{(line.Length > 80 ? line[..80] + "…" : line)}\"), not the file. Download it again and look at what the server says.";
        }

        return null;
    }
}
