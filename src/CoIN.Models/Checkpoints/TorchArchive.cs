using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// A file of <c>torch.save</c> with a dict of tensors (<c>pytorch_model.bin</c>, <c>mm_projector.bin</c>, …), of either of PyTorch's two
/// formats. Its pickle is read by an unpickler that makes tensors and plain containers only: no code can run.
/// </summary>
internal sealed class TorchArchive : ITensorFile
{
    private readonly ITorchStorages storages;

    /// <summary>Opens an archive and checks everything but the tensors' bytes.</summary>
    /// <exception cref="CoinException">It is missing, truncated or damaged, or holds Python objects that are no tensors.</exception>
    public TorchArchive(string path)
    {
        Path = path;
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            Misdelivered.ThrowIfOne(path, binary: true);
            storages = Start(stream) switch
            {
                Kind.Zip => new ZippedStorages(path, stream),
                Kind.Sequential => new SequentialStorages(path, stream),
                _ => throw TorchPickle.Broken(path, "it begins neither as a zip file nor as PyTorch's older format"),
            };
        }
        catch (Exception e) when (Describe(e) is { } fault)
        {
            stream?.Dispose();
            throw fault;
        }
        catch
        {
            stream?.Dispose();
            throw;
        }
    }

    private enum Kind
    {
        None,
        Zip,
        Sequential,
    }

    public string Path { get; }

    public IEnumerable<string> Names => storages.Tensors.Keys;

    /// <summary>Whether a file begins as PyTorch's archives do; false for one that cannot be read.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 64);
            return Start(stream) != Kind.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public TensorDescription Describe(string name) => new(Find(name).Storage.Dtype, Find(name).Shape);

    public Tensor Read(string name)
    {
        var view = Find(name);
        try
        {
            using var scope = NewDisposeScope();
            var flat = empty([view.Extent], view.Storage.Dtype);
            storages.Read(view.Storage, view.Offset * view.Storage.ElementSize, stream =>
                TensorBytes.ForEachChunk(flat, (chunk, _) => stream.ReadExactly(chunk))
            );
            return (
                view.Extent == 0 ? flat.reshape([.. view.Shape]) : flat.as_strided([.. view.Shape], [.. view.Strides]).contiguous()
            ).DetachFromDisposeScope();
        }
        catch (Exception e) when (Describe(e) is { } fault)
        {
            throw fault;
        }
    }

    public void Dispose() => storages.Dispose();

    private static Kind Start(FileStream stream)
    {
        var start = new byte[SequentialStorages.Magic.Length];
        var read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        return start.AsSpan(0, read) switch
        {
            [(byte)'P', (byte)'K', 3, 4, ..] => Kind.Zip,
            var bytes when bytes.SequenceEqual(SequentialStorages.Magic) => Kind.Sequential,
            _ => Kind.None,
        };
    }

    private TorchView Find(string name) =>
        storages.Tensors.TryGetValue(name, out var view)
            ? view
            : throw new CoinException(
                $"{Path} has no tensor '{name}'. It has {storages.Tensors.Count}: {string.Join(", ", storages.Tensors.Keys.Order(StringComparer.Ordinal).Take(8))}…"
            );

    /// <summary>What reading a damaged or unreadable file throws, in words.</summary>
    private CoinException? Describe(Exception e) =>
        e switch
        {
            CoinException => null,
            FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => new CoinException(
                $"Cannot read {Path}: {ReadFault.Why(Path, e)}. Check the path and its permissions.",
                e
            ),
            EndOfStreamException or InvalidDataException => TorchPickle.Broken(
                Path,
                $"it is truncated or damaged ({e.Message.TrimEnd('.')})",
                e
            ),
            IOException => new CoinException($"Cannot read {Path}: {ReadFault.Why(Path, e)}. Check the path and its permissions.", e),
            OverflowException or ArgumentException or InvalidCastException or NotSupportedException => TorchPickle.Broken(
                Path,
                e.Message.TrimEnd('.'),
                e
            ),
            _ => null,
        };
}
