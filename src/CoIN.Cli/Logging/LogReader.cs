using System.Text;

namespace CoIN.Cli.Logging;

/// <summary>
/// Reads log files from where it stopped before, whole lines only, beside the processes that write them: each <c>log*.clef</c> of a run's
/// folder, and what nodes of a cluster logged of it beside that folder. Of an experiment, its own and those of its runs, which may have
/// been resumed one by one; a line that stands in two files is told once.
/// </summary>
/// <param name="folder">A run's or an experiment's.</param>
/// <param name="runs">Ids of an experiment's runs, whose folders stand beside it; empty for a run.</param>
internal sealed class LogReader(string folder, IReadOnlyList<string> runs)
{
    /// <summary>Folder among the runs to which the nodes of a cluster log, a file each; no run's id begins so.</summary>
    public const string NodeLogs = ".nodes";

    private const string Pattern = "log*.clef";

    private readonly string above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(folder))!;
    private readonly Dictionary<string, long> read = new(StringComparer.Ordinal);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    // As they stand in a line, so that the many lines of other runs need not be parsed.
    private readonly IReadOnlyList<string> marks =
    [
        .. (runs.Count > 0 ? runs : [Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))]).Select(id => $"\"RunId\":\"{id}\""),
    ];

    /// <summary>Of a run.</summary>
    public LogReader(string folder)
        : this(folder, []) { }

    /// <summary>What has been written since, in the order of time; at first everything.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public IReadOnlyList<LogLine> Next() =>
        [
            // Lines of one file stay in their order.
            .. Own()
                .SelectMany(file => Lines(file, []))
                .Concat(Nodes().SelectMany(file => Lines(file, marks)))
                .Where(line => runs.Count == 0 || told.Add(line.Json))
                .OrderBy(line => line.At),
        ];

    private IEnumerable<string> Own() =>
        new[] { folder }.Concat(runs.Select(id => Path.Combine(above, id))).SelectMany(one => Files(one, Pattern));

    private IEnumerable<string> Nodes() => Files(Path.Combine(above, NodeLogs), "*.clef");

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal) : [];

    /// <param name="wanted">Texts of which one stands in each line that is wanted; empty for all lines.</param>
    private List<LogLine> Lines(string path, IReadOnlyList<string> wanted)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var from = read.GetValueOrDefault(path);
        from = from <= file.Length ? from : 0;
        file.Seek(from, SeekOrigin.Begin);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        var bytes = memory.GetBuffer().AsSpan(0, (int)memory.Length);
        var whole = bytes.LastIndexOf((byte)'\n') + 1;
        read[path] = from + whole;
        return
        [
            .. Encoding
                .UTF8.GetString(bytes[..whole])
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => wanted.Count == 0 || wanted.Any(text => line.Contains(text, StringComparison.Ordinal)))
                .Select(LogLine.Read)
                .OfType<LogLine>(),
        ];
    }
}
