namespace CoIN.Benchmark.Files;

/// <summary>
/// Reads text files that must be UTF-8, with or without byte-order mark. Bytes that are not are an error that names file, line and byte: a
/// decoder's replacement characters would be learned, compared and reported as if they had been written.
/// </summary>
public static class Utf8Text
{
    /// <summary>Opens a file for reading; what is not UTF-8 is met when it is reached.</summary>
    /// <exception cref="CoinException">While reading: the next bytes are not UTF-8.</exception>
    public static StreamReader Open(string path) => new(OpenBytes(path));

    /// <summary>A file's bytes, of which no read gives any that are not UTF-8. Its position tells how much of the file was read.</summary>
    /// <exception cref="CoinException">While reading: the next bytes are not UTF-8.</exception>
    public static Stream OpenBytes(string path) =>
        new Utf8Stream(
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16, FileOptions.SequentialScan),
            path
        );

    /// <summary>A file's whole text.</summary>
    /// <exception cref="CoinException">It is not UTF-8.</exception>
    public static string Read(string path)
    {
        using var reader = Open(path);
        return reader.ReadToEnd();
    }

    /// <summary>A file's lines, one after the other.</summary>
    /// <exception cref="CoinException">It is not UTF-8.</exception>
    public static IEnumerable<string> Lines(string path)
    {
        using var reader = Open(path);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
