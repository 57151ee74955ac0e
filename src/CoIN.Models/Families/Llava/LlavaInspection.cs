using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Llava;

/// <summary>Describes a model's files; only configurations and headers are read.</summary>
internal static class LlavaInspection
{
    /// <summary>Lines for people.</summary>
    public static IReadOnlyList<string> Describe(LlavaSource source)
    {
        using var checkpoint = LlavaCheckpoint.Open(source);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), checkpoint.Language.PackedAs());
        var (vision, text) = (checkpoint.Config.Vision, checkpoint.Config.Text);
        var layout = source.Layout switch
        {
            LlavaLayout.Hub => "Hugging Face's layout",
            LlavaLayout.Parts => "CoIN's parts",
            _ => "LLaVA's own layout",
        };
        long[] loaded = [Count(model.Vision.Parameters()), Count(model.Projector.Parameters), Count(model.Language.Parameters())];
        var stored = checkpoint
            .Parts.SelectMany(part => part.Names.Select(name => (Part: PartOf(checkpoint, part, name), Tensor: part.Describe(name))))
            .ToLookup(pair => pair.Part, pair => pair.Tensor);
        string[] parts = ["vision tower", "projector", "language model"];
        return
        [
            $"{source.Name}: LLaVA, {layout}",
            TensorTable.Say(
                $"  vision tower    CLIP, {vision.Layers} layers of {vision.HiddenSize}, {vision.Heads} heads, {vision.ImageSize} pixels in patches of {vision.PatchSize}: {checkpoint.Config.ImageTokens} image tokens from layer {checkpoint.Config.FeatureLayer}"
            ),
            TensorTable.Say($"  projector       {vision.HiddenSize} to {text.HiddenSize} to {text.HiddenSize}"),
            TensorTable.Say(
                $"  language model  LLaMA, {text.Layers} layers of {text.HiddenSize}, {text.Heads} heads ({text.KeyValueHeads} of keys), vocabulary {text.VocabularySize}, {text.MaxPositions} positions{RopeSettings.Say(text)}"
            ),
            "",
            TensorTable.Heading,
            .. parts.Select((part, i) => TensorTable.Row(part, loaded[i], [.. stored[part]])),
            TensorTable.Row("together", loaded.Sum(), [.. stored.SelectMany(group => group)]),
            "  memory of the weights: " + TensorTable.Memory(loaded.Sum(), model.Language.MapNumbers),
            .. TensorTable.Account(checkpoint.Parts),
        ];
    }

    private static string PartOf(LlavaCheckpoint checkpoint, CheckpointFolder part, string name)
    {
        var projector = checkpoint.ProjectorNames;
        if (
            part == checkpoint.Projector
            && (
                name.StartsWith($"{projector[0]}.", StringComparison.Ordinal)
                || name.StartsWith($"{projector[1]}.", StringComparison.Ordinal)
            )
        )
        {
            return "projector";
        }

        return
            part == checkpoint.Vision && (part != checkpoint.Language || name.StartsWith(checkpoint.VisionPrefix, StringComparison.Ordinal))
            ? "vision tower"
            : "language model";
    }

    private static long Count(IEnumerable<Tensor> tensors) => tensors.Sum(tensor => tensor.numel());
}
