using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Building;

/// <summary>A file that a data set was built from.</summary>
/// <param name="File">Its path relative to the raw folder, with forward slashes.</param>
/// <param name="Bytes">Its size; of a listing, that of the listing.</param>
/// <param name="Sha256">Its SHA-256; of a listing, that of the listing.</param>
/// <param name="Listing">Whether it is a folder of images, of which only the names were used.</param>
public sealed record RawSource(string File, long Bytes, string Sha256, bool Listing);

/// <summary>
/// A raw data set as it was unpacked. Files are found by name, in the folder or at most three folders below it, since archives unpack in
/// different ways; the shallowest counts. What was found is remembered as a source.
/// </summary>
internal sealed class RawFolder
{
    private const int Deepest = 3;

    private readonly string root;
    private readonly string start;
    private readonly SortedDictionary<string, Func<RawSource>> sources = new(StringComparer.Ordinal);
    private readonly Action<string> tell;

    /// <summary>Opens the raw folder of a task: the folder of its name below the given one if there is one, else the given one.</summary>
    /// <param name="root">The folder that the user named.</param>
    /// <param name="names">Names of the task's own folder.</param>
    /// <param name="others">
    /// Names of other tasks' folders: among those the task's files are not looked for without a folder of its own.
    /// </param>
    /// <param name="tell">Is told what is being read.</param>
    /// <exception cref="CoinException">There is no such folder.</exception>
    public RawFolder(string root, IReadOnlyList<string> names, IEnumerable<string> others, Action<string> tell)
    {
        this.root = Path.GetFullPath(root);
        this.tell = tell;
        if (!Directory.Exists(this.root))
        {
            throw new CoinException(
                $"The folder of raw data {this.root} does not exist. Name the folder into which the data set was unpacked."
            );
        }

        var own = names.Select(name => Path.Combine(this.root, name)).FirstOrDefault(Directory.Exists);
        if (own is null && others.FirstOrDefault(name => Directory.Exists(Path.Combine(this.root, name))) is { } other)
        {
            // Names such as train.json are too common to look for them in other data sets' folders.
            throw new CoinException(
                $"{this.root} has the folder {other}, but no folder {names[0]}. Unpack {names[0]}'s raw data into a folder of this name there, "
                    + "or name its own folder with --raw."
            );
        }

        start = own ?? this.root;
    }

    private RawFolder(RawFolder parent, string start)
    {
        root = parent.root;
        sources = parent.sources;
        tell = parent.tell;
        this.start = start;
    }

    /// <summary>What was used so far, ordered by name.</summary>
    public IReadOnlyList<RawSource> Sources() => [.. sources.Values.Select(source => source())];

    /// <summary>A file by its name.</summary>
    /// <exception cref="CoinException">It is missing, or is there twice.</exception>
    public string File(string name) =>
        OptionalFile(name)
        ?? throw new CoinException(
            $"There is no file {name} in {start} or in folders below it. It is part of the raw data set: put it there, or name another folder with --raw."
        );

    /// <summary>A file by its name, or null.</summary>
    public string? OptionalFile(string name)
    {
        if (Find(name, System.IO.File.Exists) is not { } path)
        {
            return null;
        }

        var relative = Relative(path);
        if (sources.TryAdd(relative, () => new RawSource(relative, new FileInfo(path).Length, Durable.Sha256(path), Listing: false)))
        {
            tell($"Reading {relative}");
        }

        return path;
    }

    /// <summary>The first of some files that is there.</summary>
    /// <exception cref="CoinException">None is.</exception>
    public string AnyFile(params string[] names) =>
        names.Select(OptionalFile).FirstOrDefault(path => path is not null)
        ?? throw new CoinException(
            $"There is none of the files {string.Join(", ", names)} in {start} or in folders below it. One of them is needed: put it there, or name another folder with --raw."
        );

    /// <summary>A folder by its name, as a raw folder of its own.</summary>
    /// <exception cref="CoinException">It is missing.</exception>
    public RawFolder Folder(string name) =>
        new(
            this,
            Find(name, Directory.Exists)
                ?? throw new CoinException(
                    $"There is no folder {name} in {start} or in folders below it. It is part of the raw data set: unpack it there, or name another folder with --raw."
                )
        );

    /// <summary>The folders right below this one, ordered by name.</summary>
    public IReadOnlyList<string> Folders() =>
        [.. Directory.EnumerateDirectories(start).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    /// <summary>The images in a folder right below this one (or in this one, for an empty name), ordered by name.</summary>
    public IReadOnlyList<string> Images(string folder) =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(start, folder))
                .Select(file => Path.GetFileName(file)!)
                .Where(IsImage)
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Remembers that images' names were used.</summary>
    public void AddListing(IEnumerable<string> names)
    {
        var relative = Relative(start);
        var bytes = System.Text.Encoding.UTF8.GetBytes(string.Concat(names.Select(name => name + "\n")));
        var source = new RawSource(
            relative,
            bytes.Length,
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)),
            Listing: true
        );
        sources[relative] = () => source;
    }

    private static bool IsImage(string name) =>
        Path.GetExtension(name).ToLowerInvariant() is ".jpeg" or ".jpg" or ".png" or ".webp" or ".bmp" or ".gif";

    private string Relative(string path) => Path.GetRelativePath(root, path).Replace('\\', '/');

    private string? Find(string name, Func<string, bool> exists)
    {
        IReadOnlyList<string> level = [start];
        for (var depth = 0; depth <= Deepest && level.Count > 0; depth++)
        {
            var found = level.Select(folder => Path.Combine(folder, name)).Where(exists).Order(StringComparer.Ordinal).ToList();
            if (found.Count > 1)
            {
                throw new CoinException(
                    $"{name} is there twice: {found[0]} and {found[1]}. Name the folder of the one that is meant with --raw."
                );
            }

            if (found.Count == 1)
            {
                return found[0];
            }

            level = depth < Deepest ? [.. level.SelectMany(Directory.EnumerateDirectories)] : [];
        }

        return null;
    }
}
