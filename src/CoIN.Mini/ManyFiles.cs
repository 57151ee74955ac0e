using System.Runtime.InteropServices;

namespace CoIN.Mini;

/// <summary>
/// Thousands of small files reach the disk together: to flush them one after another takes longer than to draw and write them.
/// </summary>
internal static partial class ManyFiles
{
    /// <summary>Returns when all files below a folder are on the disk.</summary>
    /// <exception cref="IOException">A file cannot be flushed.</exception>
    public static void Flush(string folder)
    {
        if (!OperatingSystem.IsLinux() || !FlushFileSystem(folder))
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.Read);
                file.Flush(flushToDisk: true);
            }
        }
    }

    /// <summary>Linux can flush the whole file system that a folder is on.</summary>
    private static bool FlushFileSystem(string folder)
    {
        var descriptor = Open(folder, flags: 0);
        if (descriptor < 0)
        {
            return false;
        }

        var flushed = SyncFileSystem(descriptor) == 0;
        _ = Close(descriptor);
        return flushed;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "syncfs")]
    private static partial int SyncFileSystem(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
