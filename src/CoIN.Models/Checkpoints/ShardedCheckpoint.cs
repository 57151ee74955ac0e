using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// Writes weights as Hugging Face does: one file, or numbered shards with an index when they are larger than a shard may be.
/// </summary>
internal static class ShardedCheckpoint
{
    /// <summary>Writes the weights into a folder.</summary>
    /// <param name="largestShard">Bytes of tensors in a file; a single larger tensor gets a file of its own.</param>
    public static void Write(string folder, IReadOnlyDictionary<string, Tensor> tensors, long largestShard) =>
        Write(
            folder,
            tensors.ToDictionary(
                pair => pair.Key,
                pair => new PendingTensor(new TensorDescription(pair.Value.dtype, pair.Value.shape), () => pair.Value.alias()),
                StringComparer.Ordinal
            ),
            largestShard
        );

    /// <summary>Writes weights that are made one after another, so that they never exist all at once.</summary>
    /// <param name="largestShard">As in the other method.</param>
    public static void Write(string folder, IReadOnlyDictionary<string, PendingTensor> tensors, long largestShard)
    {
        var shards = Divide(tensors, largestShard);
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            var file = shards.Count == 1 ? "model.safetensors" : $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            using (var stream = new FileStream(Path.Combine(folder, file), FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            {
                SafetensorsWriter.Write(stream, shards[i]);
                stream.Flush(flushToDisk: true);
            }

            foreach (var name in shards[i].Keys)
            {
                map[name] = file;
            }
        }

        if (shards.Count == 1)
        {
            return;
        }

        var index = new JObject
        {
            ["metadata"] = new JObject { ["total_size"] = tensors.Values.Sum(tensor => tensor.Bytes) },
            ["weight_map"] = JObject.FromObject(map),
        };
        Durable.WriteText(Path.Combine(folder, "model.safetensors.index.json"), index.ToString(Formatting.Indented) + "\n");
    }

    private static List<Dictionary<string, PendingTensor>> Divide(IReadOnlyDictionary<string, PendingTensor> tensors, long largestShard)
    {
        var shards = new List<Dictionary<string, PendingTensor>> { new(StringComparer.Ordinal) };
        long size = 0;
        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (size > 0 && size + tensor.Bytes > largestShard)
            {
                shards.Add(new(StringComparer.Ordinal));
                size = 0;
            }

            shards[^1].Add(name, tensor);
            size += tensor.Bytes;
        }

        return shards;
    }
}
