namespace CoIN.Benchmark.Data;

/// <summary>One turn of a training conversation.</summary>
/// <param name="From"><c>human</c> or <c>gpt</c> (read from <c>user</c>/<c>assistant</c> too).</param>
/// <param name="Value">The text, with its <c>&lt;image&gt;</c> tag where it has one.</param>
public sealed record Turn(string From, string Value);

/// <summary>A training sample of CoIN's <c>train.json</c>.</summary>
/// <param name="Id">The sample's id as text.</param>
/// <param name="Image">Path relative to the image root, or null for a sample of text alone; the first one's of several.</param>
/// <param name="Conversations">Turns, human first.</param>
public sealed record TrainingSample(string Id, string? Image, IReadOnlyList<Turn> Conversations)
{
    /// <summary>
    /// Grounding's box in parts of the image as it is, before padding to a square (<c>origin_answer_bbox</c>): the answer that models
    /// learn which see pictures unpadded (MiniGPT-v2); else null.
    /// </summary>
    public string? UnpaddedBox { get; init; }

    /// <summary>Paths of the images behind the first.</summary>
    public IReadOnlyList<string> FurtherImages { get; init; } = [];

    /// <summary>Paths of all images, in the order in which they are shown.</summary>
    public IReadOnlyList<string> Images => Image is null ? [] : [Image, .. FurtherImages];
}

/// <summary>A test sample of CoIN's <c>test.json</c>.</summary>
/// <param name="QuestionId">The question's id as text.</param>
/// <param name="Image">Path relative to the image root, or null; the first one's of several.</param>
/// <param name="Text">The question with its instruction, without the image tag; with the tags where there are several images.</param>
/// <param name="Answer">The reference answer in the form that the task's scorer compares with.</param>
public sealed record TestSample(string QuestionId, string? Image, string Text, string Answer)
{
    /// <summary>Paths of the images behind the first.</summary>
    public IReadOnlyList<string> FurtherImages { get; init; } = [];

    /// <summary>Paths of all images, in the order in which they are shown.</summary>
    public IReadOnlyList<string> Images => Image is null ? [] : [Image, .. FurtherImages];

    /// <summary>All reference answers, where a data set has several (TextVQA: ten); else the one.</summary>
    public IReadOnlyList<string> Answers { get; init; } = [Answer];

    /// <summary>Number of choices of a multiple-choice question, or null where it is not known.</summary>
    public int? Choices { get; init; }

    /// <summary>What kind of question it is, where the file says so (OCRBench's <c>answer_type</c>); else null.</summary>
    public string? Kind { get; init; }

    /// <summary>Width and height in pixels, where the file says so (Grounding).</summary>
    public (double Width, double Height)? Size { get; init; }

    /// <summary>
    /// Grounding's box in parts of the image as it is, before padding to a square (<c>origin_answer_bbox</c>), which MiniGPT-v2 is scored
    /// with; else null.
    /// </summary>
    public string? UnpaddedBox { get; init; }
}

/// <summary>A model's answer to one test sample: one line of a predictions file.</summary>
/// <param name="QuestionId">The test sample's id.</param>
/// <param name="Text">The generated text, trimmed.</param>
public sealed record Prediction(string QuestionId, string Text);
