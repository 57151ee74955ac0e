using System.Buffers.Binary;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>A tensor that is made when its turn to be written comes.</summary>
/// <param name="Make">The tensor, of that dtype and shape, owned by whoever calls.</param>
internal sealed record PendingTensor(TensorDescription Description, Func<Tensor> Make)
{
    public long Bytes => Description.Elements * SafetensorsHeader.ElementSize(Description.Dtype);
}

/// <summary>
/// Writes safetensors files whose bytes depend on names, shapes and values alone: tensors in ordinal order of their names, header padded
/// with spaces to a multiple of eight, as the reference implementation pads it.
/// </summary>
internal static class SafetensorsWriter
{
    /// <summary>
    /// Writes the tensors and flushes the file to disk. For a file that must be whole or absent, write into a folder under a temporary
    /// name.
    /// </summary>
    /// <param name="tensors">Name and tensor; any device, any layout.</param>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        Write(file, tensors);
        file.Flush(flushToDisk: true);
    }

    /// <summary>The same of tensors that are made one after another.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, PendingTensor> tensors)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        Write(file, tensors);
        file.Flush(flushToDisk: true);
    }

    /// <inheritdoc cref="Write(string, IReadOnlyDictionary{string, Tensor})"/>
    public static void Write(Stream stream, IReadOnlyDictionary<string, Tensor> tensors) =>
        Write(
            stream,
            tensors.ToDictionary(
                pair => pair.Key,
                pair => new PendingTensor(new TensorDescription(pair.Value.dtype, pair.Value.shape), () => pair.Value.alias()),
                StringComparer.Ordinal
            )
        );

    /// <summary>Writes tensors that are made one after another, so that they never exist all at once.</summary>
    public static void Write(Stream stream, IReadOnlyDictionary<string, PendingTensor> tensors)
    {
        // Readers of the Hugging Face libraries refuse a file that does not say that it came from PyTorch-like tensors.
        var header = new JObject { ["__metadata__"] = new JObject { ["format"] = "pt" } };
        var names = tensors.Keys.Order(StringComparer.Ordinal).ToList();
        long end = 0;
        foreach (var name in names)
        {
            var tensor = tensors[name];
            var begin = end;
            end += tensor.Bytes;
            header[name] = new JObject
            {
                ["dtype"] = SafetensorsHeader.NameOf(tensor.Description.Dtype),
                ["shape"] = new JArray(tensor.Description.Shape),
                ["data_offsets"] = new JArray(begin, end),
            };
        }

        var json = Encoding.UTF8.GetBytes(header.ToString(Formatting.None));
        var padded = (json.Length + 7) / 8 * 8;
        var prefix = new byte[8 + padded];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, padded);
        json.CopyTo(prefix, 8);
        prefix.AsSpan(8 + json.Length).Fill((byte)' ');
        stream.Write(prefix);
        foreach (var name in names)
        {
            using var scope = NewDisposeScope();
            using var made = tensors[name].Make();
            TensorBytes.ForEachChunk(made.detach().cpu().contiguous(), (chunk, _) => stream.Write(chunk));
        }
    }
}
