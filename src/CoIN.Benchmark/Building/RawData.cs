using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>A question without instruction, and its answer.</summary>
internal sealed record RawTurn(string Question, string Answer);

/// <summary>A training sample before its instruction is worded.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Image">Path relative to the image root, or null.</param>
/// <param name="Turns">One turn or more.</param>
internal sealed record RawTraining(string Id, string? Image, IReadOnlyList<RawTurn> Turns)
{
    /// <summary>Grounding's box in parts of the image as it is, before padding to a square; else null.</summary>
    public string? UnpaddedBox { get; init; }
}

/// <summary>A test sample before its instruction is worded.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Image">Path relative to the image root, or null.</param>
/// <param name="Question">The question without instruction.</param>
/// <param name="Answer">The answer with which CoIN compares.</param>
internal sealed record RawTest(string Id, string? Image, string Question, string Answer)
{
    /// <summary>What all annotators said; null where a data set has one answer.</summary>
    public IReadOnlyList<string>? Answers { get; init; }

    /// <summary>Whether CoIN's file has the annotators' answers as its <c>answer</c> (TextVQA).</summary>
    public bool AnswersOnly { get; init; }

    /// <summary>Grounding's box; then <see cref="Answer"/> is the box in the padded square.</summary>
    public GroundingBox? Box { get; init; }
}

/// <summary>Grounding's extra fields of a test sample.</summary>
/// <param name="Unpadded">The box in parts of the image as it is.</param>
/// <param name="Width">The image's width in pixels.</param>
/// <param name="Height">The image's height in pixels.</param>
internal sealed record GroundingBox(string Unpadded, int Width, int Height);

/// <summary>What a builder made of a raw data set.</summary>
internal sealed record RawData(IReadOnlyList<RawTraining> Training, IReadOnlyList<RawTest> Test)
{
    /// <summary>Further files of the task's folder: names and texts.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    /// <summary>What people should know of how the data were made, as sentences.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Entries of a split that were left out.</summary>
/// <param name="Reason">Why, as a clause about one entry: "its image is missing".</param>
/// <param name="Count">How many.</param>
/// <param name="First">The first one's id.</param>
public sealed record Dropped(string Reason, int Count, string First);

/// <summary>Counts what is left out, so that nothing goes silently.</summary>
internal sealed class Drops
{
    private readonly Dictionary<string, Dropped> reasons = new(StringComparer.Ordinal);

    /// <summary>By reason, in ordinal order.</summary>
    public IReadOnlyList<Dropped> All => [.. reasons.Values.OrderBy(dropped => dropped.Reason, StringComparer.Ordinal)];

    /// <summary>How many entries were left out.</summary>
    public int Count => reasons.Values.Sum(dropped => dropped.Count);

    /// <summary>Counts one entry.</summary>
    public void Add(string reason, string id) =>
        reasons[reason] = reasons.TryGetValue(reason, out var known) ? known with { Count = known.Count + 1 } : new Dropped(reason, 1, id);
}
