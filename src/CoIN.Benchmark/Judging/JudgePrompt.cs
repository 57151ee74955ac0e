using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// What a judge is asked, to the letter as the reference does it (<c>create_prompt.py</c> with <c>rule.json</c>, sent by
/// <c>eval_GenealKnowledge.py</c>).
/// </summary>
public static class JudgePrompt
{
    /// <summary>The system message that the reference really sends; that of its prompt files is not used.</summary>
    public const string System = "You are a helpful assistant.";

    private const string ImageTag = "<image>";

    private const string Opening =
        "We would like to request your feedback on the performance of an AI assistants in response to the user question displayed above.";

    private const string AboutBoxes =
        " The user asks the question on observing an image. For your reference, the visual content in the image is represented with one descriptive sentence "
        + "describing the same image and the bounding box coordinates of each object in the scene. These coordinates are in the form of bounding boxes, "
        + "represented as (x1, y1, x2, y2) with floating numbers ranging from 0 to 1. These values correspond to the top left x, top left y, bottom right x, "
        + "and bottom right y. ";

    private const string Wanted =
        "\nPlease rate the accuracy of its responses according to the ground truth answer displayed above. "
        + "The assistant receives an overall score on a scale of 0 to 10, where a higher score indicates better overall performance."
        + "\nPlease output a single line containing only a values indicating the scores for the Assistant.\n\n";

    /// <summary>The rule for a task by its Truth Alignment scorer: boxes have their own.</summary>
    public static JudgeRule RuleFor(string scorerKey) =>
        scorerKey == "box" || scorerKey.StartsWith("grounding", StringComparison.Ordinal) ? JudgeRule.Grounding : JudgeRule.CoIN;

    /// <summary>The request about an answer.</summary>
    public static JudgeRequest Of(JudgedCase judged) => new(System, Sent(Written(judged)), judged);

    /// <summary>The user message as it stands in the reference's prompt file.</summary>
    internal static string Written(JudgedCase judged) =>
        $"[Context]\n[Question]\n{Question(judged)}\n\n[Ground truth answer]\n{judged.Truth}\n\n[End of ground truth answer]\n\n"
        + $"[Assistant]\n{judged.Answer}\n\n[End of Assistant]\n\n[System]\n{Opening}{(judged.Rule == JudgeRule.Grounding ? AboutBoxes : "")}{Wanted}";

    /// <summary>The last line of a question is its instruction, which is not judged; a box's question has none.</summary>
    private static string Question(JudgedCase judged)
    {
        if (judged.Rule == JudgeRule.Grounding)
        {
            return judged.Question;
        }

        var end = judged.Question.LastIndexOf('\n');
        return end < 0 ? "" : judged.Question[..end];
    }

    private static string Sent(string written) => PythonText.Strip(written.Replace(ImageTag, "", StringComparison.Ordinal));
}
