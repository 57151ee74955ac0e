using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace CoIN.Benchmark.Files;

/// <summary>
/// Files that are either whole or absent: written under a temporary name beside their place, flushed to disk, then renamed.
/// </summary>
public static partial class Durable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The mark of names that are not finished; whatever bears it may be deleted when nobody writes.</summary>
    public const string TemporaryMark = ".partial-";

    /// <summary>Writes a text file (UTF-8, no byte-order mark) whole, replacing one that is there.</summary>
    /// <exception cref="CoinException">The disk is full or read-only, or the folder may not be written.</exception>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Utf8.GetBytes(text)));

    /// <summary>Writes a file whole, replacing one that is there.</summary>
    /// <exception cref="CoinException">The disk is full or read-only, or the folder may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = path + TemporaryMark + Guid.NewGuid().ToString("N")[..8];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw CannotWrite(path, e);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Fills a new folder under a temporary name, then renames it; a folder of that name that is there is replaced.</summary>
    /// <param name="folder">The final place.</param>
    /// <param name="fill">Writes the files; each must be flushed to disk by its writer.</param>
    /// <exception cref="CoinException">The disk is full or read-only, or the folder may not be written.</exception>
    public static void WriteFolder(string folder, Action<string> fill)
    {
        var final = Path.GetFullPath(folder);
        var temporary = final + TemporaryMark + Guid.NewGuid().ToString("N")[..8];
        try
        {
            Directory.CreateDirectory(temporary);
            fill(temporary);
            FlushFolder(temporary);
            Replace(temporary, final);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw CannotWrite(folder, e);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Gives a whole folder another name; a folder of that name that is there is replaced.</summary>
    /// <exception cref="CoinException">As in <see cref="WriteFolder"/>.</exception>
    public static void MoveFolder(string from, string to)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(to))!);
            Replace(Path.GetFullPath(from), Path.GetFullPath(to));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(to, e);
        }
    }

    /// <summary>Gives a whole file another name; a file of that name that is there is replaced.</summary>
    /// <exception cref="CoinException">As in <see cref="Write"/>.</exception>
    public static void MoveFile(string from, string to)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(to))!);
            File.Move(from, to, overwrite: true);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(to))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(to, e);
        }
    }

    private static void Replace(string temporary, string final)
    {
        if (Directory.Exists(final))
        {
            var old = final + TemporaryMark + "old-" + Guid.NewGuid().ToString("N")[..8];
            Directory.Move(final, old);
            Directory.Move(temporary, final);
            TryDelete(old);
        }
        else
        {
            Directory.Move(temporary, final);
        }

        FlushFolder(Path.GetDirectoryName(final)!);
    }

    /// <summary>Removes what unfinished writes left below a folder. Only its owner may call this.</summary>
    /// <returns>Paths that were removed.</returns>
    public static IReadOnlyList<string> RemoveUnfinished(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var found = Directory.EnumerateFileSystemEntries(folder, "*" + TemporaryMark + "*", SearchOption.AllDirectories).ToList();
        found.ForEach(TryDelete);
        return [.. found.Where(path => !Path.Exists(path))];
    }

    /// <summary>SHA-256 of a file, hexadecimal in lower case.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public static string Sha256(string path, CancellationToken stop = default)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        return Convert.ToHexStringLower(SHA256.HashDataAsync(stream, stop).AsTask().GetAwaiter().GetResult());
    }

    /// <summary>SHA-256 over a folder's files: names (ordinal order) and contents, hexadecimal in lower case.</summary>
    public static string Sha256OfFolder(string folder) => Sha256Of(Sha256OfFiles(folder));

    /// <summary>SHA-256 of each of a folder's files, by their names below it.</summary>
    public static IReadOnlyDictionary<string, string> Sha256OfFiles(string folder) =>
        Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(folder, file).Replace('\\', '/'), file => Sha256(file), StringComparer.Ordinal);

    /// <summary>The SHA-256 of a folder from those of its files: see <see cref="Sha256OfFolder"/>.</summary>
    public static string Sha256Of(IReadOnlyDictionary<string, string> files) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Utf8.GetBytes(
                    string.Concat(files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Value}  {file.Key}\n"))
                )
            )
        );

    private static CoinException CannotWrite(string path, Exception e) =>
        new($"Cannot write {path}: {e.Message.TrimEnd('.')}. Free space on the disk or make the folder writable, then try again.", e);

    private static void TryDelete(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The name says that it is unfinished; the next owner removes it.
            System.Diagnostics.Debug.WriteLine($"{path}: {e.Message}");
        }
    }

    /// <summary>Makes a rename durable: on Linux the folder's own entry has to reach the disk too.</summary>
    private static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var descriptor = OpenDescriptor(folder, flags: 0);
        if (descriptor >= 0)
        {
            _ = FlushDescriptor(descriptor);
            _ = CloseDescriptor(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int FlushDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}
