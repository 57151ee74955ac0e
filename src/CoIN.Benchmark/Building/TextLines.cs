using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Building;

/// <summary>Text files of lines.</summary>
internal static class TextLines
{
    /// <summary>The lines that say something, without blanks at their ends, with their 1-based numbers.</summary>
    /// <exception cref="CoinException">The file cannot be read.</exception>
    public static IEnumerable<(int Number, string Text)> Read(string path)
    {
        string[] lines;
        try
        {
            lines = [.. Utf8Text.Lines(path)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
        }

        return lines.Select((line, index) => (index + 1, line.Trim())).Where(line => line.Item2.Length > 0);
    }
}
