using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>Writes weights as Hugging Face does: one file, or numbered shards with an index when they are larger than a shard may be.</summary>
internal static class ShardedCheckpoint
{
    /// <summary>Writes the weights into a folder.</summary>
    /// <param name="largestShard">Bytes of tensors in a file; a single larger tensor gets a file of its own.</param>
    public static void Write(string folder, IReadOnlyDictionary<string, Tensor> tensors, long largestShard)
    {
        var shards = Divide(tensors, largestShard);
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
            return;
        }

        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            var file = $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            SafetensorsWriter.Write(Path.Combine(folder, file), shards[i]);
            foreach (var name in shards[i].Keys)
            {
                map[name] = file;
            }
        }

        var index = new JObject
        {
            ["metadata"] = new JObject { ["total_size"] = tensors.Values.Sum(Bytes) },
            ["weight_map"] = JObject.FromObject(map),
        };
        Durable.WriteText(Path.Combine(folder, "model.safetensors.index.json"), index.ToString(Formatting.Indented) + "\n");
    }

    private static List<Dictionary<string, Tensor>> Divide(IReadOnlyDictionary<string, Tensor> tensors, long largestShard)
    {
        var shards = new List<Dictionary<string, Tensor>> { new(StringComparer.Ordinal) };
        long size = 0;
        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (size > 0 && size + Bytes(tensor) > largestShard)
            {
                shards.Add(new(StringComparer.Ordinal));
                size = 0;
            }

            shards[^1].Add(name, tensor);
            size += Bytes(tensor);
        }

        return shards;
    }

    private static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();
}
