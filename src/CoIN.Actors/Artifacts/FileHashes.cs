using System.Collections.Concurrent;
using CoIN.Benchmark.Files;

namespace CoIN.Actors.Artifacts;

/// <summary>Hashes of files, each read once as long as it stays as it is (its length and the time of its last change).</summary>
internal sealed class FileHashes
{
    private readonly ConcurrentDictionary<string, (string Stamp, string Sha256)> known = new(StringComparer.Ordinal);

    /// <summary>SHA-256 of a file; null where there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public string? Of(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return null;
        }

        var stamp = FormattableString.Invariant($"{file.Length} {file.LastWriteTimeUtc.Ticks}");
        if (known.TryGetValue(path, out var last) && last.Stamp == stamp)
        {
            return last.Sha256;
        }

        var sha256 = Durable.Sha256(path);
        known[path] = (stamp, sha256);
        return sha256;
    }

    /// <summary>SHA-256 of each of a folder's files, by their names below it; null where there is no such folder.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public IReadOnlyDictionary<string, string>? OfFiles(string folder) =>
        !Directory.Exists(folder)
            ? null
            : Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Select(file => (Name: Path.GetRelativePath(folder, file).Replace('\\', '/'), Sha256: Of(file)))
                .Where(file => file.Sha256 is not null)
                .ToDictionary(file => file.Name, file => file.Sha256!, StringComparer.Ordinal);

    /// <summary>SHA-256 over a folder's files, as <see cref="Durable.Sha256OfFolder"/>; null where there is no such folder.</summary>
    /// <exception cref="IOException">One cannot be read.</exception>
    public string? OfFolder(string folder) => OfFiles(folder) is { } files ? Durable.Sha256Of(files) : null;

    /// <summary>Whether an artifact lies in a run's folder as the journal names it.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public bool Has(string path, Artifact artifact) => (artifact.IsFolder ? OfFolder(path) : Of(path)) == artifact.Sha256;
}
