using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Tables;

/// <summary>Instruction Following as a table: the gap per task by every judge and rule, its means, and its part in forgetting.</summary>
internal static class FollowingTable
{
    public static IReadOnlyList<string> Header(RunResults results) =>
        ["judge, rules", "row", .. results.Report.Tasks, "mean", "part of forgetting"];

    public static IReadOnlyList<IReadOnlyList<string>> Rows(RunResults results) =>
        [
            .. results.Judges.SelectMany(judge =>
                judge.Following.SelectMany(gap =>
                {
                    var title = $"{judge.Judge}, {ReportNames.Of(gap.Scoring)}";
                    IReadOnlyList<string> final =
                    [
                        title,
                        results.LastRow,
                        .. gap.Final.Select(MatrixText.Percent),
                        MatrixText.Percent(gap.FinalMean),
                        MatrixText.Percent(gap.Forgetting),
                    ];
                    return results.HasCourse
                        ?
                        [
                            [
                                title,
                                PaperTable.JustTrained,
                                .. gap.JustTrained.Select(MatrixText.Percent),
                                MatrixText.Percent(gap.JustTrainedMean),
                                "",
                            ],
                            final,
                        ]
                        : new[] { final };
                })
            ),
        ];
}
