using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>Folds an adapter into a Qwen-VL and writes the result as a folder of the same layout.</summary>
internal static class QwenVlMerge
{
    /// <summary>Writes the merged folder, whole or not at all.</summary>
    /// <inheritdoc cref="IModelFamily.Merge"/>
    /// <param name="path">The base model.</param>
    public static void Write(string adapter, string path, string output, string? dtype, Action<string> tell)
    {
        using var checkpoint = QwenVlCheckpoint.Open(path);
        using var shapes = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META));
        var merge = new FolderMerge(
            path,
            checkpoint.Folder,
            shapes.Language,
            $"{QwenVlCheckpoint.Language}{QwenVlConfig.Names.Layers}.",
            checkpoint.FinishUsed
        )
        {
            // Qwen's code looks for the type of the weights in switches of its own too.
            SayType = (json, type) =>
            {
                foreach (
                    var (key, of) in new[] { ("bf16", ScalarType.BFloat16), ("fp16", ScalarType.Float16), ("fp32", ScalarType.Float32) }
                )
                {
                    json[key] = type == of;
                }
            },
        };
        merge.Write(adapter, output, dtype, tell);
    }
}
