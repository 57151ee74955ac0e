using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>A row of a run's accuracies in the shape of the paper's tables.</summary>
/// <param name="When"><c>just trained</c>, <c>final</c> or <c>zero-shot</c>.</param>
/// <param name="Stages">The stage of each cell (0 for the untrained model); −1 for a task that the run does not have.</param>
/// <param name="Values">Percent for each task of the comparison; null where it is not known.</param>
/// <param name="Maa">In percent, in the final row.</param>
/// <param name="Bwt">In points, in the final row.</param>
internal sealed record ComparedRow(string When, IReadOnlyList<int> Stages, IReadOnlyList<double?> Values, double? Maa, double? Bwt)
{
    /// <summary>Cells, then MAA and BWT.</summary>
    public IReadOnlyList<double?> All => [.. Values, Maa, Bwt];

    /// <summary>
    /// The rows of a run by one measure: just trained and final; for a run that learns all tasks at once the final one alone, and for one
    /// without stages the untrained model's.
    /// </summary>
    /// <param name="tasks">The tasks of the comparison, which may be more than the run's.</param>
    public static IReadOnlyList<ComparedRow> Of(RunResults run, Measure measure, IReadOnlyList<string> tasks)
    {
        var places = tasks.Select(task => run.Report.Tasks.ToList().IndexOf(task)).ToList();
        var trained = run.Report.Curriculum.Trained;
        if (trained.Count == 0)
        {
            return [Row(PaperTable.ZeroShot, _ => 0)];
        }

        return
        [
            .. run.HasCourse
                ? [Row(PaperTable.JustTrained, place => run.Report.Curriculum.FirstOf(place).Number)]
                : Array.Empty<ComparedRow>(),
            Row(PaperTable.Final, _ => trained[^1].Number) with
            {
                Maa = measure.Results.Values.Maa,
                Bwt = measure.Results.Values.Bwt,
            },
        ];

        ComparedRow Row(string when, Func<int, int> stage)
        {
            var stages = places.Select(place => place < 0 ? -1 : stage(place)).ToList();
            return new ComparedRow(
                when,
                stages,
                [.. places.Zip(stages, (place, at) => place < 0 ? null : measure.Cell(at, place))],
                null,
                null
            );
        }
    }
}
