using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>
/// What a run loses by the form of its answers alone: Reasoning Capability less Truth Alignment, cell by cell. A gap means that the
/// knowledge is there and the instruction was not followed; the change of the gap over a run is the part of forgetting that is not
/// forgetting of knowledge.
/// </summary>
/// <param name="Scoring">By which rules both were scored.</param>
/// <param name="Cells">
/// <c>Cells[j][i]</c> after stage j on task i, both from 0, up to the last task tested after the stage, in points; null where one of the
/// two is not known.
/// </param>
/// <param name="JustTrained">Every task just after the stage that learned it.</param>
/// <param name="Final">The last row, or the base model's gap for a zero-shot run.</param>
/// <param name="Forgetting">
/// Backward transfer of Truth Alignment less that of Reasoning Capability, in points; null while cells are missing.
/// </param>
internal sealed record InstructionFollowing(
    ScoringKind Scoring,
    IReadOnlyList<IReadOnlyList<double?>> Cells,
    IReadOnlyList<double?> JustTrained,
    IReadOnlyList<double?> Final,
    double? Forgetting
)
{
    /// <summary>The definition, for everybody who reads the number.</summary>
    public const string Definition =
        "Instruction Following gap: Reasoning Capability minus Truth Alignment, in points, of the same answers. "
        + "A large gap means that the knowledge is there but the answer has not the form that the instruction asks for. "
        + "The part of forgetting that is due to it is BWT of Truth Alignment minus BWT of Reasoning Capability.";

    /// <summary>Mean of <see cref="JustTrained"/>; null while one is missing.</summary>
    public double? JustTrainedMean => Mean(JustTrained);

    /// <summary>Mean of <see cref="Final"/>; null while one is missing.</summary>
    public double? FinalMean => Mean(Final);

    /// <summary>The gap between two measures of the same run, by the same kind of rules.</summary>
    public static InstructionFollowing Of(Measure alignment, Measure reasoning)
    {
        var tasks = alignment.Matrix.Tasks;
        var matrix = alignment.Matrix;
        var rows = matrix
            .Rows.Select(
                (row, stage) =>
                    (IReadOnlyList<double?>)[.. row.Select((_, task) => reasoning.Cell(stage + 1, task) - alignment.Cell(stage + 1, task))]
            )
            .ToList();
        var zeroShot = Enumerable.Range(0, tasks).Select(task => reasoning.Cell(0, task) - alignment.Cell(0, task)).ToList();
        return new InstructionFollowing(
            alignment.Scoring,
            rows,
            [.. Enumerable.Range(0, tasks).Select(task => rows[matrix.OwnStage(task)].ElementAtOrDefault(task))],
            rows[^1].Any(cell => cell is not null) ? rows[^1] : zeroShot,
            alignment.Results.Values.Bwt - reasoning.Results.Values.Bwt
        );
    }

    private static double? Mean(IReadOnlyList<double?> values) => values.Any(value => value is null) ? null : values.Average();
}
