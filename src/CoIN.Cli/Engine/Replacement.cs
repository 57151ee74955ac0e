using CoIN.Benchmark;

namespace CoIN.Cli.Engine;

/// <summary>Whether a folder may be written anew: what stands there is somebody's work.</summary>
internal static class Replacement
{
    /// <summary>
    /// Makes sure that a folder is absent or empty, or that it holds nothing but what would be written, and that it was said that this may
    /// go.
    /// </summary>
    /// <param name="what">What is written, for the message.</param>
    /// <param name="isOurs">Whether a file or folder of this name is one of those that are written.</param>
    /// <exception cref="CoinException">Something there would be lost.</exception>
    public static void Check(string folder, bool force, string what, Func<string, bool> isOurs)
    {
        if (File.Exists(folder))
        {
            throw new CoinException($"{folder} is a file. Name a folder with --out.");
        }

        var there = Directory.Exists(folder)
            ? Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal).ToList()
            : [];
        if (there.Find(name => !isOurs(name)) is { } foreign)
        {
            throw new CoinException(
                $"{folder} holds {foreign}, which would be lost: the folder is written anew as a whole. Name a new or empty folder with --out."
            );
        }

        if (there.Count > 0 && !force)
        {
            throw new CoinException(
                $"{folder} holds {what} already, and runs may have been made from it. Name another folder with --out, or replace it with --force."
            );
        }
    }
}
