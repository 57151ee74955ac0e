using System.IO.MemoryMappedFiles;
using CoIN.Benchmark;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>A safetensors file, memory-mapped for reading. Tensors are copies and outlive the file.</summary>
internal sealed unsafe class SafetensorsFile : ITensorFile
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="CoinException">The file is missing, truncated or not valid.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            Entries = SafetensorsHeader.Read(path, stream);
            map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {e.Message} Check the path and its permissions.", e);
        }
    }

    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    public IEnumerable<string> Names => Entries.Keys;

    public TensorDescription Describe(string name) => new(Entries[name].Dtype, Entries[name].Shape);

    public Tensor Read(string name)
    {
        if (!Entries.TryGetValue(name, out var entry))
        {
            throw new CoinException($"{Path} has no tensor '{name}'. It has {Entries.Count}: {string.Join(", ", Entries.Keys.Order().Take(8))}…");
        }

        var tensor = empty([.. entry.Shape], entry.Dtype).DetachFromDisposeScope();
        TensorBytes.ForEachChunk(tensor, (chunk, offset) => new ReadOnlySpan<byte>(start + entry.Begin + offset, chunk.Length).CopyTo(chunk));
        return tensor;
    }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}
