using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;

namespace CoIN.Benchmark.Runs;

/// <summary>How a judge's scores agree with those of people.</summary>
/// <param name="Judge">The judge's name.</param>
public sealed record JudgeAgreement(string Judge, JudgeKind Kind, Agreement Agreement);

/// <summary>How two people agree.</summary>
public sealed record RaterAgreement(string One, string Other, Agreement Agreement);

/// <summary>What an import of people's scores came to.</summary>
/// <param name="Answers">Different answers that have a score.</param>
/// <param name="Cells">Cells that got judgements.</param>
public sealed record StudyImport(
    IReadOnlyList<string> Raters,
    int Answers,
    int Cells,
    IReadOnlyList<JudgeAgreement> Judges,
    IReadOnlyList<RaterAgreement> Between
)
{
    /// <summary>Paths of the reports, written anew; none before the import is in the journal.</summary>
    public IReadOnlyList<string> Reports { get; init; } = [];
}
