using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Steps;

/// <summary>
/// The steps of a stage's training, a line each, only ever appended to. Whoever takes the stage up again at a checkpoint cuts off what
/// comes after it: it is done anew, and every step stands there once. What was written before a process was killed is there;
/// <see cref="Flush"/> before a checkpoint's event makes it outlast a power cut too, so that no step before a checkpoint is missing.
/// </summary>
public sealed class StepsFile : IDisposable
{
    private readonly string path;
    private readonly FileStream stream;

    private StepsFile(string path, FileStream stream) => (this.path, this.stream) = (path, stream);

    /// <summary>Opens the file to append to it, and cuts off what comes after a step.</summary>
    /// <param name="step">Steps that are done; 0 begins anew.</param>
    /// <param name="replace">
    /// Whether the file is replaced by one of the same lines: a process that still has the former open, since it does not know that its
    /// work was given to another, is then in nobody's way.
    /// </param>
    /// <exception cref="CoinException">It cannot be written.</exception>
    public static StepsFile Open(string path, int step, bool replace = false)
    {
        FileStream? stream = null;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            if (replace && File.Exists(path))
            {
                var known = Bytes(path);
                Durable.Write(path, copy => copy.Write(known));
            }

            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            stream.SetLength(EndOf(bytes, step));
            stream.Seek(0, SeekOrigin.End);
            return new StepsFile(path, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            stream?.Dispose();
            throw CannotWrite(path, e);
        }
    }

    /// <summary>Appends a step; other processes see it at once.</summary>
    /// <exception cref="CoinException">It cannot be written.</exception>
    public void Append(StepRecord step) =>
        Guarded(() =>
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(StepLine.Write(step) + "\n"));
            stream.Flush();
        });

    /// <summary>Brings everything to the disk.</summary>
    /// <exception cref="CoinException">It cannot be written.</exception>
    public void Flush() => Guarded(() => stream.Flush(flushToDisk: true));

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    /// <summary>
    /// All steps of a file, also while another process appends to it; none where there is no file. Lines that are none are passed over.
    /// </summary>
    /// <exception cref="CoinException">The file cannot be read.</exception>
    public static IReadOnlyList<StepRecord> Read(string path)
    {
        var steps = new List<StepRecord>();
        foreach (var (_, step) in Lines(Bytes(path)))
        {
            steps.Add(step);
        }

        return steps;
    }

    /// <summary>Offset behind the last line that holds a step not after the given one.</summary>
    private static long EndOf(byte[] bytes, int step)
    {
        var end = 0L;
        foreach (var (after, known) in Lines(bytes))
        {
            end = known.Step <= step ? after : end;
        }

        return end;
    }

    /// <summary>The whole lines that hold steps, with the offset behind each.</summary>
    private static IEnumerable<(int After, StepRecord Step)> Lines(byte[] bytes)
    {
        var begin = 0;
        for (
            var end = Array.IndexOf(bytes, (byte)'\n');
            end >= 0;
            end = begin < bytes.Length ? Array.IndexOf(bytes, (byte)'\n', begin) : -1
        )
        {
            var step = StepLine.Read(bytes.AsSpan(begin, end - begin));
            begin = end + 1;
            if (step is not null)
            {
                yield return (begin, step);
            }
        }
    }

    private static byte[] Bytes(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var read = new MemoryStream();
            file.CopyTo(read);
            return read.ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the steps in {path}: {e.Message.TrimEnd('.')}. Ask the owner of the run for the right to read its folder.",
                e
            );
        }
    }

    private void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e)
        {
            throw CannotWrite(path, e);
        }
    }

    private static CoinException CannotWrite(string path, Exception e) =>
        new($"Cannot write {path}: {e.Message.TrimEnd('.')}. Free space on the disk or make the folder writable, then resume the run.", e);
}
