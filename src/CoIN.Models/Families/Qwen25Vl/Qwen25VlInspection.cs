using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>Describes a model's files; only configuration and headers are read.</summary>
internal static class Qwen25VlInspection
{
    /// <summary>Lines for people.</summary>
    public static IReadOnlyList<string> Describe(string path)
    {
        using var checkpoint = Qwen25VlCheckpoint.Open(path);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), checkpoint.Folder.PackedAs());
        var (vision, text) = (checkpoint.Config.Vision, checkpoint.Config.Text);
        string[] parts = ["vision tower", "language model"];
        var folder = checkpoint.Folder;
        var stored = folder
            .Names.Select(name =>
                (Part: name.StartsWith(checkpoint.Visual, StringComparison.Ordinal) ? parts[0] : parts[1], Tensor: folder.Describe(name))
            )
            .ToLookup(pair => pair.Part, pair => pair.Tensor);
        long[] loaded = [Count(model.Vision.Parameters()), Count(model.Language.Parameters())];
        return
        [
            $"{path}: Qwen2.5-VL",
            TensorTable.Say(
                $"  vision tower    ViT, {vision.Layers} layers of {vision.HiddenSize}, {vision.Heads} heads, patches of {vision.PatchSize} pixels, {vision.MergedSize} × {vision.MergedSize} pixels to an image token, windows of {vision.Window}"
            ),
            TensorTable.Say(
                $"  language model  Qwen2.5, {text.Layers} layers of {text.HiddenSize}, {text.Heads} heads ({text.KeyValueHeads} of keys and values), vocabulary {text.VocabularySize}, {text.TrainedPositions} positions"
            ),
            "",
            TensorTable.Heading,
            .. parts.Select((part, i) => TensorTable.Row(part, loaded[i], [.. stored[part]])),
            TensorTable.Row("together", loaded.Sum(), [.. stored.SelectMany(group => group)]),
            "  memory of the weights: " + TensorTable.Memory(loaded.Sum(), model.Language.MapNumbers),
            .. TensorTable.Account([folder]),
        ];
    }

    private static long Count(IEnumerable<Tensor> tensors) => tensors.Sum(tensor => tensor.numel());
}
