using CoIN.Benchmark;

namespace CoIN.Actors.Protocol;

/// <summary>Paths below a run's folder, as they stand in messages and events.</summary>
internal static class InnerPath
{
    /// <summary>The absolute path of something in a run's folder.</summary>
    /// <exception cref="CoinException">It leads out of the folder, by itself or by a link.</exception>
    public static string Of(string runFolder, string relative)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(runFolder));
        return IsInside(root, relative)
            ? Path.GetFullPath(relative, root)
            : throw new CoinException(
                $"The path '{relative}' leads out of the run's folder {root}. A run keeps everything in its folder: link the whole folder, not parts of it."
            );
    }

    /// <summary>Whether an id can be a run's, and so a folder's name.</summary>
    public static bool IsRunId(string id) =>
        id.Length is > 0 and <= 200 && !id.StartsWith('.') && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>Whether all paths stay in a run's folder.</summary>
    public static bool AllInside(string runFolder, IEnumerable<string> relatives)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(runFolder));
        return relatives.All(relative => IsInside(root, relative));
    }

    private static bool IsInside(string root, string relative)
    {
        if (relative.Length == 0 || Path.IsPathRooted(relative) || relative.Contains('\0') || relative.Split('/', '\\').Contains(".."))
        {
            return false;
        }

        for (
            var at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(relative, root));
            at.Length > root.Length;
            at = Path.GetDirectoryName(at)!
        )
        {
            if (new FileInfo(at).LinkTarget is not null && !LeadsInto(root, at))
            {
                return false;
            }
        }

        return true;
    }

    private static bool LeadsInto(string root, string link)
    {
        try
        {
            return new FileInfo(link)
                .ResolveLinkTarget(returnFinalTarget: true)!
                .FullName.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // Links in a circle.
            return false;
        }
    }
}
