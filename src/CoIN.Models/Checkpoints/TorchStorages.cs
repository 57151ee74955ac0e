using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Pickle;

namespace CoIN.Models.Checkpoints;

/// <summary>Where an archive's storages stand.</summary>
internal interface ITorchStorages : IDisposable
{
    /// <summary>The tensors by name.</summary>
    IReadOnlyDictionary<string, TorchView> Tensors { get; }

    /// <summary>Fills memory with a storage's bytes from some byte on.</summary>
    void Read(TorchStorage storage, long begin, Action<Stream> read);
}

/// <summary>
/// Archives of PyTorch 1.6 and later: a zip file, its members stored as they are, with <c>data.pkl</c> and a member for each storage.
/// </summary>
internal sealed class ZippedStorages : ITorchStorages
{
    // A member for each tensor and a few more.
    private const int MostMembers = 1_000_000;

    private readonly string path;
    private readonly long length;
    private readonly ZipArchive zip;
    private readonly Dictionary<string, ZipArchiveEntry> members = new(StringComparer.Ordinal);
    private readonly string root;

    public ZippedStorages(string path, Stream stream)
    {
        this.path = path;
        length = stream.Length;
        zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: false);
        if (zip.Entries.Count > MostMembers)
        {
            throw TorchPickle.Broken(path, $"it has {zip.Entries.Count} members");
        }

        foreach (var entry in zip.Entries)
        {
            if (!members.TryAdd(entry.FullName, entry))
            {
                throw TorchPickle.Broken(path, $"it has two members {entry.FullName}");
            }
        }

        var pickles = members
            .Keys.Where(name => name.EndsWith("/data.pkl", StringComparison.Ordinal) && name.Count(letter => letter == '/') == 1)
            .ToList();
        root = pickles is [var only] ? only[..^"data.pkl".Length] : throw TorchPickle.Broken(path, "it has no data.pkl, or several");
        CheckByteOrder();
        using (var pickle = new MemoryStream(Whole(root + "data.pkl", 64 << 20)))
        {
            var (tensors, storages) = TorchPickle.Read(path, pickle);
            Tensors = tensors;
            foreach (var storage in storages.Values)
            {
                var bytes = Stored($"{root}data/{storage.Key}").Length;
                if (bytes != storage.Bytes)
                {
                    throw TorchPickle.Broken(
                        path,
                        $"storage {storage.Key} of {storage.Count} {storage.Dtype} needs {storage.Bytes} bytes but has {bytes}"
                    );
                }
            }
        }
    }

    public IReadOnlyDictionary<string, TorchView> Tensors { get; }

    public void Read(TorchStorage storage, long begin, Action<Stream> read)
    {
        using var stream = Stored($"{root}data/{storage.Key}").Open();
        if (stream.CanSeek)
        {
            stream.Position = begin;
        }
        else
        {
            Skip(stream, begin);
        }

        read(stream);
    }

    public void Dispose() => zip.Dispose();

    private static void Skip(Stream stream, long bytes)
    {
        var buffer = new byte[1 << 16];
        while (bytes > 0)
        {
            var part = (int)Math.Min(bytes, buffer.Length);
            stream.ReadExactly(buffer, 0, part);
            bytes -= part;
        }
    }

    private void CheckByteOrder()
    {
        if (
            members.ContainsKey(root + "byteorder") && Encoding.ASCII.GetString(Whole(root + "byteorder", 16)) is var order and not "little"
        )
        {
            throw TorchPickle.Broken(path, $"its byte order is {order}; readable is little");
        }
    }

    /// <summary>A member; a compressed one could grow without bound, and PyTorch writes none.</summary>
    private ZipArchiveEntry Stored(string name)
    {
        var entry = members.GetValueOrDefault(name) ?? throw TorchPickle.Broken(path, $"it has no member {name}");
        if (entry.CompressedLength != entry.Length)
        {
            throw TorchPickle.Broken(path, $"its member {name} is compressed, which torch.save does not do");
        }

        return entry.Length <= length
            ? entry
            : throw TorchPickle.Broken(path, $"its member {name} claims {entry.Length} bytes where the file has {length}");
    }

    private byte[] Whole(string name, long largest)
    {
        var entry = Stored(name);
        if (entry.Length > largest)
        {
            throw TorchPickle.Broken(path, $"its member {name} has {entry.Length} bytes");
        }

        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }
}

/// <summary>
/// Archives of PyTorch before 1.6: pickles (magic number, version, host, the dict, the storages' keys), then every storage's count and
/// bytes.
/// </summary>
internal sealed class SequentialStorages : ITorchStorages
{
    /// <summary>How such a file begins: a pickle of protocol 2 with the number 0x1950a86a20f9469cfc6c.</summary>
    public static readonly byte[] Magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private const long Version = 1001;

    private readonly Stream stream;
    private readonly Dictionary<string, long> begins = new(StringComparer.Ordinal);

    public SequentialStorages(string path, Stream stream)
    {
        this.stream = stream;
        var small = new UnpicklerOptions { LargestPickle = 64 << 20, LargestMemory = 1L << 30 };
        Unpickler.Load(stream, path, small);
        if (Unpickler.Load(stream, path, small) is not Version)
        {
            throw TorchPickle.Broken(path, $"its version is not {Version}");
        }

        if (
            Unpickler.Load(stream, path, small) is not PickleDictionary host
            || !host.TryGetValue("little_endian", out var little)
            || little is not true
        )
        {
            throw TorchPickle.Broken(path, "it was not written on a little-endian host");
        }

        var (tensors, storages) = TorchPickle.Read(path, stream);
        Tensors = tensors;
        var keys = Unpickler.Load(stream, path, small) as PickleList ?? throw TorchPickle.Broken(path, "it has no list of storages");
        foreach (var key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out var storage))
            {
                throw TorchPickle.Broken(path, "it lists a storage that no tensor uses");
            }

            var count = new byte[8];
            stream.ReadExactly(count);
            if (BinaryPrimitives.ReadInt64LittleEndian(count) != storage.Count || storage.Bytes > stream.Length - stream.Position)
            {
                throw TorchPickle.Broken(path, $"storage {name} of {storage.Count} {storage.Dtype} is not whole: it is truncated");
            }

            if (!begins.TryAdd(name, stream.Position))
            {
                throw TorchPickle.Broken(path, $"it has storage {name} twice");
            }

            stream.Position += storage.Bytes;
        }

        if (storages.Keys.FirstOrDefault(name => !begins.ContainsKey(name)) is { } missing)
        {
            throw TorchPickle.Broken(path, $"it lacks storage {missing}");
        }
    }

    public IReadOnlyDictionary<string, TorchView> Tensors { get; }

    public void Read(TorchStorage storage, long begin, Action<Stream> read)
    {
        stream.Position = begins[storage.Key] + begin;
        read(stream);
    }

    public void Dispose() => stream.Dispose();
}
