using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Reports.Examples;

/// <summary>Why an example is shown.</summary>
internal enum ExampleKind
{
    /// <summary>Right just after its own stage, wrong at the end.</summary>
    Forgotten,

    /// <summary>Wrong by the published rule, though the corrected rule or a judge finds the answer in it.</summary>
    WrongForm,

    /// <summary>Right from its own stage to the end; for a base model: right.</summary>
    Kept,

    /// <summary>Wrong from its own stage to the end; for a base model: wrong.</summary>
    NotLearned,
}

/// <summary>An answer with its scores.</summary>
/// <param name="Stage">From 1; 0 for the base model.</param>
/// <param name="Text">As the model gave it.</param>
/// <param name="Published">0 to 1, or null where it was not scored.</param>
/// <param name="Corrected">0 to 1, or null where it was not scored.</param>
/// <param name="Judged">Judges' names with their scores of 0 to 10 (corrected parser; null where the reply held none).</param>
internal sealed record ExampleAnswer(
    int Stage,
    string Text,
    double? Published,
    double? Corrected,
    IReadOnlyList<(string Judge, double? Score)> Judged
)
{
    /// <summary>A judge gives so many points out of ten, or more, to an answer whose knowledge is right.</summary>
    private const double KnowledgeIsThere = 7;

    public bool IsRight => Published >= 0.5;

    public bool IsWrong => Published < 0.5;

    /// <summary>Right for somebody who looks at more than the form.</summary>
    public bool HoldsTheAnswer => Corrected >= 0.5 || Judged.Any(one => one.Score >= KnowledgeIsThere);
}

/// <summary>A sample with its answers, after the manner of the paper's figure 3.</summary>
/// <param name="Answers">After the task's own stage and at the stage that is shown, mostly the last; one where both are the same.</param>
/// <param name="Picture">Null where the sample has none or it is gone.</param>
internal sealed record Example(ExampleKind Kind, string Task, TestSample Sample, IReadOnlyList<ExampleAnswer> Answers, Thumbnail? Picture);
