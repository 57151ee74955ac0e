using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>
/// Everything that a run says in numbers: what all forms of its report render. A function of the report and of the files that it names.
/// </summary>
/// <param name="Report">The run.</param>
/// <param name="Measures">Truth Alignment by the published rules first, then by the corrected ones, then the judges.</param>
/// <param name="Judges">Reasoning Capability, in the order of the judges' names.</param>
internal sealed record RunResults(RunReport Report, IReadOnlyList<Measure> Measures, IReadOnlyList<JudgeResults> Judges)
{
    /// <summary>Truth Alignment by the published rules.</summary>
    public Measure Published => Measures[0];

    /// <summary>Truth Alignment by the corrected rules; null for a run older than these.</summary>
    public Measure? Corrected => Measures.FirstOrDefault(measure => measure is { Judge: null, Scoring: ScoringKind.Corrected });

    /// <summary>Whom experts served, by stage and then in the order of the tasks; nothing for adapters without experts.</summary>
    public IReadOnlyList<RoutedCell> Routing { get; init; } = [];

    /// <summary>How training went, of the stages of which it was written down.</summary>
    public IReadOnlyList<TrainedStage> Training { get; init; } = [];

    /// <summary>Whether the run has cells of stages, or will have.</summary>
    public bool HasStages => Report.Curriculum.Trained.Count > 0;

    /// <summary>Whether tasks are learned one after another, so that there is a just-trained and a final accuracy of each.</summary>
    public bool HasCourse => HasStages && !Report.Curriculum.IsJoint;

    /// <summary>What the last row of a run is called: the tests at its end, or of the base model where nothing is trained.</summary>
    public string LastRow =>
        HasStages ? Tables.PaperTable.Final
        : Report.TestsGivenAdapter ? Tables.PaperTable.GivenAdapter
        : Tables.PaperTable.ZeroShot;

    /// <summary>Computes all numbers of a run, complete or not.</summary>
    /// <param name="report">The run.</param>
    /// <param name="folder">
    /// Its folder, for the scores of the single samples; null where it is not at hand, then there are no intervals.
    /// </param>
    /// <exception cref="CoinException">A file of scores or judgements that is there cannot be read.</exception>
    /// <exception cref="ArgumentException">A cell names a task that the run does not have.</exception>
    public static RunResults Of(RunReport report, string? folder)
    {
        foreach (var cell in report.Cells)
        {
            _ = report.PlaceOf(cell.Task);
        }

        var metrics = RunMetrics.Of(new ReportedRun(report, folder));
        var measures = new List<Measure>
        {
            new(
                "published",
                "Truth Alignment, published rules",
                ScoringKind.Published,
                null,
                metrics.Published,
                Samples(report, cell => cell.Scored.Samples)
            ),
        };
        if (metrics.Corrected is { } corrected)
        {
            measures.Add(
                new Measure(
                    "corrected",
                    "Truth Alignment, corrected rules",
                    ScoringKind.Corrected,
                    null,
                    corrected,
                    Samples(report, cell => cell.Scored.CorrectedSamples)
                )
            );
        }

        var judges = JudgeResults.Of(report, folder, measures);
        measures.AddRange(judges.SelectMany(judge => new[] { judge.Published, judge.Corrected }).OfType<Measure>());
        return new RunResults(report, measures, judges)
        {
            Routing = folder is null ? [] : RoutedCell.Of(report, folder),
            Training = folder is null ? [] : TrainedStage.Of(report, folder),
        };
    }

    internal static Dictionary<(int Stage, int Task), int> Samples(RunReport report, Func<CellReport, int?> count)
    {
        var samples = new Dictionary<(int Stage, int Task), int>();
        foreach (var cell in report.Cells)
        {
            if (count(cell) is { } known)
            {
                samples[(cell.Stage, report.PlaceOf(cell.Task))] = known;
            }
        }

        return samples;
    }
}
