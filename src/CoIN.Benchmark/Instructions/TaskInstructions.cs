using System.Text;

namespace CoIN.Benchmark.Instructions;

/// <summary>
/// The instructions of the eight tasks. Original: the paper's wording (Table 1). Diverse, and ten-type but for two of ImageNet's ten: the
/// paper shows its wording only as a picture (Table 15), so these are this project's own, written to ask for the same form of answer.
/// </summary>
public static class TaskInstructions
{
    /// <summary>Where Grounding's description goes.</summary>
    public const string Description = "<description>";

    /// <summary>The wordings of a task: one, or ten for <see cref="InstructionType.TenType"/>.</summary>
    /// <param name="type">The way of wording.</param>
    /// <param name="task">The paper's name of one of its eight tasks.</param>
    /// <exception cref="ArgumentException">There is no such task.</exception>
    public static IReadOnlyList<string> Of(InstructionType type, string task) =>
        type switch
        {
            InstructionType.Original => [Original(task)],
            InstructionType.Diverse => [DiverseWordings.Of(task)],
            _ => TenWordings.Of(task),
        };

    /// <summary>
    /// The wording of one sample. It depends on seed and id alone, so that it stays the same in every part of the data set.
    /// </summary>
    public static string Draw(InstructionType type, string task, string sampleId, long seed)
    {
        var wordings = Of(type, task);
        return wordings.Count == 1
            ? wordings[0]
            : wordings[new SeededRandom(SeededRandom.Combine(seed, StableHash(sampleId))).Next(wordings.Count)];
    }

    /// <summary>FNV-1a over the UTF-8 bytes: the same on every machine, which a string's own hash code is not.</summary>
    internal static long StableHash(string text)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            hash = unchecked((hash ^ value) * 0x100000001B3);
        }

        return unchecked((long)hash);
    }

    internal static ArgumentException Unknown(string task) => new($"There are no instructions for the task {task}.", nameof(task));

    private static string Original(string task) =>
        task switch
        {
            "Grounding" => $"Please provide the bounding box coordinate of the region this sentence describes: {Description}",
            "ScienceQA" => "Answer with the option's letter from the given choices directly",
            "TextVQA" or "ImageNet" or "GQA" or "VizWiz" or "VQAv2" or "OCR-VQA" => "Answer the question using a single word or phrase",
            _ => throw Unknown(task),
        };
}
