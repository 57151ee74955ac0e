using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>Describes a model's files; only configuration and headers are read.</summary>
internal static class QwenVlInspection
{
    /// <summary>Lines for people.</summary>
    public static IReadOnlyList<string> Describe(string path)
    {
        using var checkpoint = QwenVlCheckpoint.Open(path);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), checkpoint.Folder.PackedAs());
        var (vision, text) = (checkpoint.Config.Vision, checkpoint.Config.Text);
        string[] parts = ["vision tower", "resampler", "language model"];
        var folder = checkpoint.Folder;
        var stored = folder
            .Names.Select(name => (Part: PartOf(name), Tensor: folder.Describe(name)))
            .ToLookup(pair => pair.Part, pair => pair.Tensor);
        long[] loaded =
        [
            .. parts.Select(part => stored[part].Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size))),
        ];
        return
        [
            $"{path}: Qwen-VL",
            TensorTable.Say(
                $"  vision tower    ViT, {vision.Layers} layers of {vision.HiddenSize}, {vision.Heads} heads, {vision.ImageSize} pixels in patches of {vision.PatchSize}"
            ),
            TensorTable.Say(
                $"  resampler       {vision.Patches} patches to {QwenVlConfig.Queries} image tokens of {checkpoint.Config.Features}"
            ),
            TensorTable.Say(
                $"  language model  Qwen, {text.Layers} layers of {text.HiddenSize}, {text.Heads} heads, vocabulary {text.VocabularySize}, trained for {text.LongContext!.Trained} of {text.MaxPositions} positions{Beyond(text.LongContext)}"
            ),
            "",
            TensorTable.Heading,
            .. parts.Select((part, i) => TensorTable.Row(part, loaded[i], [.. stored[part]])),
            TensorTable.Row("together", loaded.Sum(), [.. stored.SelectMany(group => group)]),
            "  memory of the weights: " + TensorTable.Memory(loaded.Sum(), model.Language.MapNumbers),
            .. TensorTable.Account([folder]),
        ];
    }

    private static string Beyond(Modules.LongContext longer) =>
        (longer.DynamicNtk, longer.LogN) switch
        {
            (true, true) => ", beyond by dynamic NTK and log-n",
            (true, false) => ", beyond by dynamic NTK",
            (false, true) => ", beyond by log-n",
            _ => "",
        };

    private static string PartOf(string name) =>
        !name.StartsWith(QwenVlCheckpoint.Visual, StringComparison.Ordinal) ? "language model"
        : new[] { "attn_pool.", "ln_post.", "proj" }.Any(start =>
            name[QwenVlCheckpoint.Visual.Length..].StartsWith(start, StringComparison.Ordinal)
        )
            ? "resampler"
        : "vision tower";
}
