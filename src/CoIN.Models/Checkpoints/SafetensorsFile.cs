using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// A safetensors file. Tensors are copies and outlive it. They are read rather than mapped: a mapped file counts as the process's own
/// memory, and one that is cut off while it is mapped ends the process.
/// </summary>
internal sealed unsafe class SafetensorsFile : ITensorFile
{
    /// <summary>Bytes that a thread reads at a time.</summary>
    private const long Piece = 16 << 20;

    /// <summary>Threads that read: one alone is slower than a good disk, and than memory that has the file already.</summary>
    private static readonly ParallelOptions Readers = new() { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) };

    private readonly FileStream stream;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CoinException">The file is missing, truncated or not valid.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            try
            {
                Misdelivered.ThrowIfOne(path, binary: true);
                Entries = SafetensorsHeader.Read(path, stream);
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotRead(e);
        }
    }

    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    public IEnumerable<string> Names => Entries.Keys;

    public TensorDescription Describe(string name) => new(Entries[name].Dtype, Entries[name].Shape);

    public Tensor Read(string name)
    {
        var entry = Find(name);
        var tensor = empty([.. entry.Shape], entry.Dtype).DetachFromDisposeScope();
        try
        {
            Fill(tensor, entry);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    public void ReadInto(string name, Tensor target)
    {
        var entry = Find(name);
        if (target.dtype == entry.Dtype && target.device_type == DeviceType.CPU && target.is_contiguous())
        {
            Fill(target, entry);
            return;
        }

        using var read = Read(name);
        target.copy_(read);
    }

    public void Dispose() => stream.Dispose();

    private TensorEntry Find(string name) =>
        Entries.TryGetValue(name, out var entry)
            ? entry
            : throw new CoinException(
                $"{Path} has no tensor '{name}'. It has {Entries.Count}: {string.Join(", ", Entries.Keys.Order().Take(8))}…"
            );

    private void Fill(Tensor tensor, TensorEntry entry) => TensorBytes.ForEachChunk(tensor, (chunk, offset) =>
        {
            var length = chunk.Length;
            fixed (byte* first = chunk)
            {
                var (to, from) = ((nint)first, entry.Begin + offset);
                if (length <= Piece)
                {
                    Fill((byte*)to, length, from);
                    return;
                }

                try
                {
                    Parallel.For(0, (length + Piece - 1) / Piece, Readers, i =>
                        Fill((byte*)to + (i * Piece), (int)Math.Min(Piece, length - (i * Piece)), from + (i * Piece))
                    );
                }
                catch (AggregateException e) when (e.InnerException is CoinException fault)
                {
                    throw fault;
                }
            }
        });

    private void Fill(byte* to, int length, long from)
    {
        try
        {
            for (var done = 0; done < length; )
            {
                var read = RandomAccess.Read(stream.SafeFileHandle, new Span<byte>(to + done, length - done), from + done);
                done += read > 0 ? read : throw new EndOfStreamException("It has become shorter since it was opened.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotRead(e);
        }
    }

    private CoinException CannotRead(Exception e) =>
        new($"Cannot read {Path}: {ReadFault.Why(Path, e)}. Check the path and its permissions.", e);
}
