using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>A report and the folder to which the paths in it are relative.</summary>
/// <param name="Report">What the run found.</param>
/// <param name="Folder">The run's folder; null where it is not at hand, then there are no intervals.</param>
public sealed record ReportedRun(RunReport Report, string? Folder)
{
    /// <summary>What the run is called on the command line: its folder's name, which may be that of a copy.</summary>
    internal string Name => Folder is null ? Report.RunId : Path.GetFileName(Path.TrimEndingDirectorySeparator(Folder));
}

/// <summary>
/// A run's Truth Alignment in numbers, by both scorings. A function of the report and of the files of scores that it names.
/// </summary>
/// <param name="Published">By the published rules.</param>
/// <param name="Corrected">By the corrected rules; null for a run older than these.</param>
public sealed record RunMetrics(MatrixResults Published, MatrixResults? Corrected)
{
    /// <summary>Computes all numbers of a run, complete or not.</summary>
    /// <param name="run">The run; a zero-shot run has zero-shot accuracies and no matrix.</param>
    /// <param name="zeroShot">A zero-shot run of the same base model, for what is measured against it; tasks are matched by name.</param>
    /// <exception cref="CoinException">A scores file that is there cannot be read.</exception>
    public static RunMetrics Of(ReportedRun run, ReportedRun? zeroShot = null, BootstrapOptions? options = null) =>
        new(
            Results(run, zeroShot, ScoringKind.Published, options),
            run.Report.Cells.Any(cell => cell.Scored.Corrected is not null) ? Results(run, zeroShot, ScoringKind.Corrected, options) : null
        );

    /// <summary>A run's cells by one scoring, without intervals.</summary>
    public static MeasuredMatrix Measured(RunReport run, ScoringKind scoring, RunReport? zeroShot = null)
    {
        var matrix = run.EmptyMatrix();
        for (var task = 0; task < run.Tasks.Count; task++)
        {
            for (var stage = 1; stage <= matrix.Stages; stage++)
            {
                if (matrix.Has(stage - 1, task))
                {
                    matrix[stage - 1, task] = Percent(run.Cell(stage, run.Tasks[task]), scoring);
                }
            }
        }

        return new MeasuredMatrix(run.Tasks, matrix)
        {
            ZeroShot = [.. run.Tasks.Select(task => Percent(run.Cell(0, task) ?? zeroShot?.Cell(0, task), scoring))],
        };
    }

    private static MatrixResults Results(ReportedRun run, ReportedRun? zeroShot, ScoringKind scoring, BootstrapOptions? options)
    {
        var measured = Measured(run.Report, scoring, zeroShot?.Report);
        IReadOnlyList<TaskScores?> columns = [.. run.Report.Tasks.Select(task => Column(run, zeroShot, task, scoring))];
        var (cells, metrics) = Bootstrap.Matrix(run.Report.Tasks, columns, options, measured.Matrix);
        return new MatrixResults(measured, measured.Metrics(), metrics, cells) { Columns = columns };
    }

    private static TaskScores? Column(ReportedRun run, ReportedRun? zeroShot, string task, ScoringKind scoring)
    {
        var files = Files(run, task, scoring, _ => true).ToList();
        if (zeroShot is not null && files.TrueForAll(file => file.Stage > 0))
        {
            files.AddRange(Files(zeroShot, task, scoring, cell => cell.Stage == 0));
        }

        return files.Count > 0 ? TaskScores.Read(files, scoring) : null;
    }

    private static IEnumerable<(int Stage, string Path)> Files(
        ReportedRun run,
        string task,
        ScoringKind scoring,
        Func<CellReport, bool> which
    )
    {
        foreach (
            var cell in run
                .Report.Cells.Where(cell => cell.Task == task && which(cell))
                .GroupBy(cell => cell.Stage)
                .Select(same => same.Last())
        )
        {
            if (
                run.Folder is { } folder
                && cell.Scored.ScoresFile is { } file
                && Percent(cell, scoring) is not null
                && Path.Combine(folder, file) is var path
                && File.Exists(path)
            )
            {
                yield return (cell.Stage, path);
            }
        }
    }

    private static double? Percent(CellReport? cell, ScoringKind scoring) =>
        scoring == ScoringKind.Published ? cell?.Scored.Accuracy : cell?.Scored.Corrected;
}

/// <summary>A matrix, the numbers that sum it up, and how certain both are.</summary>
/// <param name="Measured">The cells.</param>
/// <param name="Values">The numbers; null where they are not known or not defined.</param>
/// <param name="Intervals">95 % intervals of these (or as the options say); null where not all samples' scores are at hand.</param>
/// <param name="CellIntervals">
/// Intervals of cells, by stage (0 for the untrained model) and 0-based task; absent where the samples' scores are not at hand.
/// </param>
public sealed record MatrixResults(
    MeasuredMatrix Measured,
    MetricSet<double?> Values,
    MetricSet<Interval?> Intervals,
    IReadOnlyDictionary<(int Stage, int Task), Interval> CellIntervals
)
{
    /// <summary>The samples' scores by task; null, or absent altogether, where they are not at hand.</summary>
    public IReadOnlyList<TaskScores?> Columns { get; init; } = [];

    /// <summary>The interval of a cell, or null.</summary>
    /// <param name="stage">From 1; 0 for the untrained model.</param>
    /// <param name="task">From 0.</param>
    public Interval? CellInterval(int stage, int task) => CellIntervals.TryGetValue((stage, task), out var interval) ? interval : null;
}
