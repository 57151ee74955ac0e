using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>Describes a model's files; only configurations and headers are read.</summary>
internal static class MiniGptInspection
{
    /// <summary>Lines for people.</summary>
    public static IReadOnlyList<string> Describe(MiniGptSource source)
    {
        using var checkpoint = MiniGptCheckpoint.Open(source);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(DeviceType.META), checkpoint.LanguageFiles.PackedAs());
        var (config, vision, text) = (checkpoint.Config, checkpoint.Config.Vision, checkpoint.Config.Text);
        long[] loaded =
        [
            Count([.. model.Vision.Parameters(), model.Norm.Weight, model.Norm.Bias]),
            Count(model.Projector.Parameters),
            Count(model.Language.Parameters()),
        ];
        var stored = checkpoint
            .Parts.SelectMany(part => part.Names.Select(name => (Part: PartOf(checkpoint, part, name), Tensor: part.Describe(name))))
            .ToLookup(pair => pair.Part, pair => pair.Tensor);
        string[] parts = ["vision tower", "projector", "language model"];
        return
        [
            $"{source.Name}: MiniGPT-v2, {(source.Whole ? "one folder" : "MiniGPT-4's parts")}",
            TensorTable.Say(
                $"  vision tower    EVA-CLIP-g, {config.VisionLayers} layers of {vision.HiddenSize}, {vision.Heads} heads, {vision.ImageSize} pixels in patches of {vision.PatchSize}: {config.ImageTokens} image tokens, each of {config.Joined} neighbours"
            ),
            TensorTable.Say($"  projector       {string.Join(" to ", config.ProjectorSizes)}"),
            TensorTable.Say(
                $"  language model  LLaMA, {text.Layers} layers of {text.HiddenSize}, {text.Heads} heads ({text.KeyValueHeads} of keys), vocabulary {text.VocabularySize}, {text.MaxPositions} positions{RopeSettings.Say(text)}"
            ),
            .. LowRank(checkpoint),
            "",
            TensorTable.Heading,
            .. parts.Select((part, i) => TensorTable.Row(part, loaded[i], [.. stored[part]])),
            TensorTable.Row("together", loaded.Sum(), [.. stored.SelectMany(group => group)]),
            "  memory of the weights: " + TensorTable.Memory(loaded.Sum(), model.Language.MapNumbers),
            .. TensorTable.Account(checkpoint.Parts),
        ];
    }

    /// <summary>The LoRA in a stage's file.</summary>
    private static IEnumerable<string> LowRank(MiniGptCheckpoint checkpoint)
    {
        var names = checkpoint.Source.Whole
            ? []
            : checkpoint.StageFiles.Names.Where(name => name.Contains(".lora_A.", StringComparison.Ordinal)).ToList();
        if (names.Count > 0)
        {
            yield return TensorTable.Say(
                $"  LoRA            {checkpoint.StageFiles.Path} holds one of rank {checkpoint.StageFiles.Describe(names[0]).Shape[0]} for {names.Count} linear maps: runs begin with it unless lora.from names another"
            );
        }
    }

    private static string PartOf(MiniGptCheckpoint checkpoint, CheckpointFolder part, string name)
    {
        if (part == checkpoint.StageFiles && name.StartsWith($"{MiniGptCheckpoint.Form.Written[0]}.", StringComparison.Ordinal))
        {
            return "projector";
        }

        if (part == checkpoint.StageFiles && !checkpoint.Source.Whole && MiniGptCheckpoint.IsLowRank(name))
        {
            return "LoRA";
        }

        return
            (part == checkpoint.NormFiles && name.StartsWith($"{MiniGptCheckpoint.NormName}.", StringComparison.Ordinal))
            || (
                part == checkpoint.VisionFiles
                && (part != checkpoint.LanguageFiles || name.StartsWith(checkpoint.VisionPrefix, StringComparison.Ordinal))
            )
            ? "vision tower"
            : "language model";
    }

    private static long Count(IEnumerable<Tensor> tensors) => tensors.Sum(tensor => tensor.numel());
}
