using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>The runs of an experiment as a table of plain text.</summary>
internal static class ExperimentTable
{
    private const string Gap = "  ";

    /// <summary>What each run is: its variant, its method and the value of each varied key.</summary>
    /// <param name="options">Of each run, in their order.</param>
    public static IReadOnlyList<string> OfSettings(ExperimentRuns experiment, IReadOnlyList<ExperimentOptions> options)
    {
        var method = !experiment.VariedKeys.Contains("method");
        return Lines([
            ["run", .. method ? ["method"] : Array.Empty<string>(), .. experiment.VariedKeys],
            .. experiment.Runs.Select(
                (run, place) =>
                    (IReadOnlyList<string>)
                        [
                            run.Name,
                            .. method ? [options[place].Method] : Array.Empty<string>(),
                            .. experiment.VariedKeys.Select(key => run.Values[key] is { Length: > 0 } value ? value : "-"),
                        ]
            ),
        ]);
    }

    /// <summary>How each run stands: stages, MAA and BWT, and the time that it was driven, alone or beside others.</summary>
    public static IReadOnlyList<string> OfResults(IReadOnlyList<RunRow> runs) =>
        Lines([
            ["run", "status", "stages", "MAA", "BWT", "time"],
            .. runs.Select(run =>
                (IReadOnlyList<string>)
                    [
                        run.Name,
                        run.Last is { } last ? Words.Of(last.Status)
                        : run.Fault is null ? "not begun"
                        : "fault",
                        run.Last is { Stages.Count: > 0 } trained ? Words.Text($"{trained.StagesTrained}/{trained.Stages.Count}") : "-",
                        run.Last is { } known && MatrixMetrics.MeanAverageAccuracy(known) is { } maa ? Words.Text($"{maa:0.00}") : "-",
                        run.Last is { } also && MatrixMetrics.BackwardTransfer(also) is { } bwt ? Words.Text($"{bwt:0.00}") : "-",
                        run.Last is { } driven ? Words.Duration(driven.Elapsed) : "",
                    ]
            ),
        ]);

    /// <summary>
    /// Mean and deviation over the seeds of the runs that differ by nothing else, completed ones only; nothing where no runs do.
    /// </summary>
    public static IReadOnlyList<string> OfSeeds(ExperimentRuns experiment, IReadOnlyList<RunRow> runs)
    {
        var groups = experiment
            .Runs.Zip(runs, (run, row) => (First: run, Second: row))
            .Where(pair => pair.Second.Last is { Status: RunStatus.Completed } last && MatrixMetrics.MeanAverageAccuracy(last) is not null)
            .GroupBy(pair =>
                string.Join(
                    ", ",
                    new[] { pair.First.Variant }
                        .OfType<string>()
                        .Concat(experiment.VariedKeys.Where(key => key != "seed").Select(key => $"{key} {pair.First.Values[key]}"))
                )
            )
            .ToList();
        return !experiment.VariedKeys.Contains("seed") || groups.Count == 0
            ? []
            : Lines([
                ["mean ± deviation", "seeds", "MAA", "BWT"],
                .. groups.Select(group =>
                    (IReadOnlyList<string>)
                        [
                            group.Key.Length > 0 ? group.Key : "all",
                            Words.Text($"{group.Count()}"),
                            Spread(group.Select(pair => MatrixMetrics.MeanAverageAccuracy(pair.Second.Last!))),
                            Spread(group.Select(pair => MatrixMetrics.BackwardTransfer(pair.Second.Last!))),
                        ]
                ),
            ]);
    }

    private static string Spread(IEnumerable<double?> values) =>
        MeanDeviation.Of(values) is not { } known
            ? "-"
            : Words.Text($"{known.Mean:0.00}") + (known.Deviation is { } deviation ? Words.Text($" ± {deviation:0.00}") : "");

    /// <summary>Rows as lines of aligned columns; numbers are set to the right.</summary>
    public static IReadOnlyList<string> Lines(IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var columns = Enumerable
            .Range(0, rows.Max(row => row.Count))
            .Select(column => rows.Select(row => row.ElementAtOrDefault(column) ?? "").ToList())
            .ToList();
        var widths = columns.Select(column => column.Max(text => text.Length)).ToList();
        var right = columns
            .Select(column => column.Skip(1).All(text => text.Length == 0 || char.IsAsciiDigit(text[^1]) || text is "-" or "?"))
            .ToList();
        return
        [
            .. rows.Select(row =>
                string.Join(
                        Gap,
                        row.Select(
                            (text, column) => right[column] && column > 0 ? text.PadLeft(widths[column]) : text.PadRight(widths[column])
                        )
                    )
                    .TrimEnd()
            ),
        ];
    }
}
