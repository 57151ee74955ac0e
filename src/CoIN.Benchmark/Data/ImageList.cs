using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Data;

/// <summary>
/// What the images of a run are, so that another picture under the same name is noticed before it is learned from or asked about: size and
/// time of each file, or its SHA-256. As text, a line is size, time and hash, separated by tabs, and the path below the image root; what is
/// not known is "-".
/// </summary>
/// <param name="root">The image root.</param>
/// <param name="identity">What tells one image from another.</param>
public sealed class ImageList(string root, ImageIdentity identity)
{
    private const int Named = 3;

    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private readonly List<(string Path, string Line, bool Exists)> entries = [];
    private readonly HashSet<string> missing = new(StringComparer.Ordinal);

    /// <summary>Adds those images that are not there yet; they are looked at on all cores.</summary>
    public void Add(IEnumerable<string?> images)
    {
        var added = images.OfType<string>().Where(known.Add).ToArray();
        var lines = new (string Path, string Line, bool Exists)[added.Length];
        Parallel.For(0, added.Length, i => lines[i] = Look(added[i]));
        entries.AddRange(lines);
        missing.UnionWith(lines.Where(line => !line.Exists).Select(line => line.Path));
    }

    /// <summary>Whether an image that was added has a file.</summary>
    public bool Exists(string image) => !missing.Contains(image);

    /// <summary>SHA-256 of the list as text.</summary>
    public string Sha256() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text())));

    /// <summary>Writes the list.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public void Write(string path) => Durable.WriteText(path, Text());

    /// <summary>What differs from a list that was written.</summary>
    /// <param name="path">That list.</param>
    /// <param name="sha256">What its SHA-256 was.</param>
    /// <param name="mended">
    /// Whether an image, by its whole path, may have changed, as nothing could be made of the former one; null where none may.
    /// </param>
    /// <returns>The images that differ, as a sentence; null if there is no difference.</returns>
    public string? Changes(string path, string sha256, Func<string, bool>? mended = null)
    {
        if (Sha256() == sha256)
        {
            return null;
        }

        if (!File.Exists(path) || Durable.Sha256(path) != sha256)
        {
            return $"Images below {root} have changed since the run began; which ones cannot be told, as {path} is gone or was changed too.";
        }

        var then = Utf8Text
            .Lines(path)
            .Select(line => line.Split('\t', 4))
            .ToDictionary(parts => parts[3], parts => string.Join('\t', parts[..3]), StringComparer.Ordinal);
        var different = entries.Where(entry => then.GetValueOrDefault(entry.Path) != entry.Line).ToList();
        var changed = different.Where(entry => mended?.Invoke(Path.Combine(root, entry.Path)) != true).ToList();
        return changed.Count == 0 && different.Count > 0 ? null
            : changed.Count == 0 ? $"The images that the samples name below {root} are not those with which the run began."
            : $"{(changed.Count == 1 ? "An image has" : string.Create(CultureInfo.InvariantCulture, $"{changed.Count:#,0} images have"))} changed since the run began: "
                + string.Join(
                    "; ",
                    changed
                        .Take(Named)
                        .Select(entry =>
                            $"{Path.Combine(root, entry.Path)} ({Words(then.GetValueOrDefault(entry.Path))} then, {Words(entry.Line)} now)"
                        )
                )
                + (changed.Count > Named ? "; …" : ".");
    }

    private static string Words(string? line) =>
        line?.Split('\t') switch
        {
            null => "not used",
            ["-", ..] => "missing",
            [var size, "-", var hash] => $"{size} bytes, SHA-256 {hash[..Math.Min(12, hash.Length)]}…",
            [var size, var time, ..] => $"{size} bytes of {time}",
            _ => line,
        };

    private string Text() => string.Concat(entries.Select(entry => $"{entry.Line}\t{entry.Path}\n"));

    private (string Path, string Line, bool Exists) Look(string image)
    {
        var path = Path.Combine(root, image);
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return (image, "-\t-\t-", false);
        }

        // Whole seconds: archives and some file systems keep no finer times.
        var size = file.Length.ToString(CultureInfo.InvariantCulture);
        return identity == ImageIdentity.Sha256
            ? (image, $"{size}\t-\t{Hash(path)}", true)
            : (image, $"{size}\t{file.LastWriteTimeUtc.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)}\t-", true);
    }

    private static string Hash(string path)
    {
        try
        {
            return Durable.Sha256(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the image {path}: {e.Message.TrimEnd('.')}. Make it readable.", e);
        }
    }
}
