using System.Text;

namespace CoIN.Cli.Logging;

/// <summary>Reads log files from where it stopped before, whole lines only, beside the processes that write them.</summary>
/// <param name="folder">A run's or an experiment's: each of its files <c>log*.clef</c> is read.</param>
internal sealed class LogReader(string folder)
{
    private readonly Dictionary<string, long> read = new(StringComparer.Ordinal);

    /// <summary>What has been written since, in the order of time; at first everything.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public IReadOnlyList<LogLine> Next() => !Directory.Exists(folder) ? [] :
    [
        // Several nodes write a file each; lines of one file stay in their order.
        .. Directory.EnumerateFiles(folder, "log*.clef").Order(StringComparer.Ordinal).SelectMany(Lines).OrderBy(line => line.At),
    ];

    private List<LogLine> Lines(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var from = read.GetValueOrDefault(path);
        file.Seek(from <= file.Length ? from : 0, SeekOrigin.Begin);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        var bytes = memory.GetBuffer().AsSpan(0, (int)memory.Length);
        var whole = bytes.LastIndexOf((byte)'\n') + 1;
        read[path] = (from <= file.Length ? from : 0) + whole;
        return [.. Encoding.UTF8.GetString(bytes[..whole]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(LogLine.Read).OfType<LogLine>()];
    }
}
