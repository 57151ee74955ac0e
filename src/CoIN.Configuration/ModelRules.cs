using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration;

/// <summary>Which keys name a base model: its folder, or its three parts.</summary>
internal static class ModelRules
{
    /// <summary>bitsandbytes' block sizes.</summary>
    private static readonly int[] BlockSizes = [64, 128, 256, 512, 1024, 2048, 4096];

    /// <summary>What is wrong with how weights are held.</summary>
    public static void CheckQuantization(Section section, ModelOptions model) =>
        section.Require(
            BlockSizes.Contains(model.QuantizationBlockSize),
            "quantization-block-size",
            model.QuantizationBlockSize,
            string.Join(", ", BlockSizes),
            "QLoRA has 64."
        );

    public static void Check(Section section, ModelOptions model)
    {
        if (model.Path.Length > 0)
        {
            foreach (
                var key in new[] { ("language", model.Language), ("projector", model.Projector) }
                    .Where(key => key.Item2 is not null)
                    .Select(key => key.Item1)
            )
            {
                section.Problem(
                    key,
                    $"{section.Key(key)} is set{section.From(key)} beside {section.Key("path")}. Name either the whole model's folder (path) or its parts (language, vision-tower, projector)."
                );
            }

            return;
        }

        var parts = new[] { ("language", model.Language), ("vision-tower", model.VisionTower), ("projector", model.Projector) };
        if (parts.All(part => part.Item2 is null))
        {
            // Notes that it is not set, with an example.
            _ = section.Text("path", "/models/llava-1.5-7b");
            return;
        }

        foreach (var (key, _) in parts.Where(part => part.Item2 is null))
        {
            section.Problem(
                key,
                $"{section.Key(key)} is not set. A model of parts needs language (a LLaMA folder), vision-tower (a CLIP folder) and projector (a file), all three."
            );
        }
    }
}
