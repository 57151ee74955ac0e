using System.Collections.Concurrent;
using CoIN.Benchmark.Texts;

namespace CoIN.Benchmark.Data;

/// <summary>
/// Finds the file that was probably meant where a path leads to none: the same name in other Unicode forms (a Mac writes é as two code
/// points), in other capitals, or with another picture format's extension. Every folder is listed once. May be used from several threads.
/// </summary>
/// <param name="root">The folder to which paths are relative.</param>
internal sealed class LookAlikes(string root)
{
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".gif", ".webp"];

    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, string>> listings = new(StringComparer.Ordinal);

    /// <summary>The path of such a file relative to the root, with forward slashes; null if there is none.</summary>
    public string? Find(string path)
    {
        var (found, parts) = ("", path.Split('/', StringSplitOptions.RemoveEmptyEntries));
        for (var at = 0; at < parts.Length; at++)
        {
            var last = at == parts.Length - 1;
            if (parts[at] is "." or "..")
            {
                return null;
            }

            var name = Within(found, parts[at])
                ?? (
                    last
                        ? Extensions
                            .Select(extension => Within(found, Path.ChangeExtension(parts[at], extension)))
                            .FirstOrDefault(one => one is not null)
                        : null
                );
            if (name is null)
            {
                return null;
            }

            found = found.Length == 0 ? name : $"{found}/{name}";
        }

        return found.Length > 0 && File.Exists(Path.Combine(root, found)) ? found : null;
    }

    /// <summary>A clause that names the file, with a comma and a space in front; empty if there is none.</summary>
    public string Clause(string path) =>
        Find(path) is not { } found ? ""
        : Path.GetFileName(found) is var name
        && name != Path.GetFileName(path)
        && CharacterForms.Fold(name) == CharacterForms.Fold(Path.GetFileName(path))
            ? $", but {found} does, whose name looks the same and is written with other code points (Unicode forms NFC and NFD)"
        : $", but {(Path.GetDirectoryName(found)?.Replace('\\', '/') == Path.GetDirectoryName(path)?.Replace('\\', '/') ? name : found)} does";

    private string? Within(string folder, string name)
    {
        var names = listings.GetOrAdd(folder, List);
        return names.GetValueOrDefault(name) ?? names.GetValueOrDefault(Key(name));
    }

    private Dictionary<string, string> List(string folder)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var path = Path.Combine(root, folder);
        try
        {
            string[] entries = Directory.Exists(path) ? Directory.GetFileSystemEntries(path) : [];
            foreach (var name in entries.Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal))
            {
                names[name] = name;
                names.TryAdd(Key(name), name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be listed has nothing to offer; that the file is missing is said all the same.
            return names;
        }

        return names;
    }

    private static string Key(string name) => "\0" + CharacterForms.Fold(name).ToUpperInvariant();
}
