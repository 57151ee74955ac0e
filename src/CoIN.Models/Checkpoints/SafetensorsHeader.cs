using System.Buffers.Binary;
using System.Text;
using CoIN.Benchmark;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>Where one tensor stands in a safetensors file.</summary>
/// <param name="Begin">First byte, from the start of the file.</param>
/// <param name="Length">Bytes.</param>
internal sealed record TensorEntry(ScalarType Dtype, IReadOnlyList<long> Shape, long Begin, long Length);

/// <summary>
/// The header of a safetensors file: eight bytes of length, then JSON that names dtype, shape and byte range of every tensor.
/// Everything is checked against the file's real size before any tensor is touched.
/// </summary>
internal static class SafetensorsHeader
{
    // What the reference implementation accepts; a longer header is an attack or a broken file.
    private const long LongestHeader = 100_000_000;

    private static readonly Dictionary<string, (ScalarType Type, int Bytes)> Dtypes = new()
    {
        ["F64"] = (ScalarType.Float64, 8),
        ["F32"] = (ScalarType.Float32, 4),
        ["F16"] = (ScalarType.Float16, 2),
        ["BF16"] = (ScalarType.BFloat16, 2),
        ["I64"] = (ScalarType.Int64, 8),
        ["I32"] = (ScalarType.Int32, 4),
        ["I16"] = (ScalarType.Int16, 2),
        ["I8"] = (ScalarType.Int8, 1),
        ["U8"] = (ScalarType.Byte, 1),
        ["BOOL"] = (ScalarType.Bool, 1),
    };

    /// <summary>The format's name of a dtype.</summary>
    public static string NameOf(ScalarType dtype) => Dtypes.First(pair => pair.Value.Type == dtype).Key;

    /// <summary>Bytes of one element.</summary>
    public static int ElementSize(ScalarType dtype) => Dtypes.First(pair => pair.Value.Type == dtype).Value.Bytes;

    /// <summary>Reads and checks the header of an open file.</summary>
    /// <exception cref="CoinException">The file is truncated or its header is not valid; the message names file and tensor.</exception>
    public static IReadOnlyDictionary<string, TensorEntry> Read(string path, Stream file)
    {
        var prefix = new byte[8];
        if (file.Length < 8 || file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8)
        {
            throw Broken(path, $"it has {file.Length} bytes, fewer than the shortest header");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length is < 2 or > LongestHeader || length > file.Length - 8)
        {
            throw Broken(path, $"its header claims {(ulong)length} bytes but the file has {file.Length}");
        }

        var json = new byte[length];
        file.ReadExactly(json);
        JObject header;
        try
        {
            using var reader = new JsonTextReader(new StringReader(new UTF8Encoding(false, true).GetString(json)))
            {
                DateParseHandling = DateParseHandling.None,
                MaxDepth = 16,
            };
            header = JObject.Load(reader, new JsonLoadSettings { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Error });
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Broken(path, $"its header is not valid JSON: {e.Message}", e);
        }

        var data = 8 + length;
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        foreach (var property in header.Properties().Where(property => property.Name != "__metadata__"))
        {
            entries.Add(property.Name, Entry(path, property, data, file.Length));
        }

        CheckRanges(path, entries, data, file.Length);
        return entries;
    }

    private static TensorEntry Entry(string path, JProperty property, long data, long fileLength)
    {
        try
        {
            var value = (JObject)property.Value;
            var name = (string)value["dtype"]!;
            if (!Dtypes.TryGetValue(name, out var dtype))
            {
                if (name is ['F', >= '4' and <= '8', ..] and not "F64")
                {
                    throw new CoinException(Quantization.OfDtype(path, property.Name, name));
                }

                throw Broken(path, $"tensor '{property.Name}' has dtype {name}; readable are {string.Join(", ", Dtypes.Keys)}");
            }

            var shape = value["shape"]!.Select(size => (long)size).ToArray();
            var offsets = value["data_offsets"]!.Select(offset => (long)offset).ToArray();
            if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
            {
                throw Broken(path, $"tensor '{property.Name}' has byte range [{string.Join(", ", offsets)}]");
            }

            if (offsets[1] > fileLength - data)
            {
                throw Broken(
                    path,
                    $"tensor '{property.Name}' ends {offsets[1] - (fileLength - data)} bytes behind the end of the file: it is truncated"
                );
            }

            if (shape.Any(size => size < 0))
            {
                throw Broken(path, $"tensor '{property.Name}' has shape [{string.Join(", ", shape)}]");
            }

            var bytes = shape.Aggregate((long)dtype.Bytes, (product, size) => checked(product * size));
            if (bytes != offsets[1] - offsets[0])
            {
                throw Broken(
                    path,
                    $"tensor '{property.Name}' of shape [{string.Join(", ", shape)}] and dtype {name} needs {bytes} bytes but has {offsets[1] - offsets[0]}"
                );
            }

            return new TensorEntry(dtype.Type, shape, data + offsets[0], bytes);
        }
        catch (Exception e)
            when (e is InvalidCastException or ArgumentException or NullReferenceException or OverflowException or FormatException)
        {
            throw Broken(path, $"the header's entry '{property.Name}' is malformed", e);
        }
    }

    /// <summary>The format demands that the tensors cover the data without gaps and without sharing a byte.</summary>
    private static void CheckRanges(string path, IReadOnlyDictionary<string, TensorEntry> entries, long data, long fileLength)
    {
        var end = data;
        foreach (var (name, entry) in entries.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Value.Length))
        {
            if (entry.Begin != end)
            {
                throw Broken(
                    path,
                    entry.Begin < end
                        ? $"tensor '{name}' overlaps the one before it"
                        : $"{entry.Begin - end} bytes before tensor '{name}' belong to no tensor"
                );
            }

            end = entry.Begin + entry.Length;
        }

        if (end != fileLength)
        {
            throw Broken(path, $"{fileLength - end} bytes at its end belong to no tensor");
        }
    }

    private static CoinException Broken(string path, string what, Exception? inner = null) =>
        new($"{path} is not a valid safetensors file: {what}. Download or copy it again and compare its SHA-256 with the source's.", inner);
}
