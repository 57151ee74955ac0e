using System.Globalization;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Published;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Reports.Tables;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Paper;

/// <summary>A cell of a run beside the published one.</summary>
/// <param name="Published">Percent; null where it is not published.</param>
/// <param name="Run">Percent; null where the run has not measured it.</param>
internal sealed record BesideCell(double? Published, double? Run)
{
    public int? PublishedSamples { get; init; }

    public int? RunSamples { get; init; }

    /// <summary>Just after the task's own stage.</summary>
    public bool Own { get; init; }

    /// <summary>Places of the reasons to read the published number with care, without those of the whole column.</summary>
    public IReadOnlyList<int> Caveats { get; init; } = [];

    /// <summary>The published cell measures something else.</summary>
    public bool Unlike { get; init; }

    /// <summary>The run's number less the published one, in points; null where one is unknown, or they do not measure the same.</summary>
    public double? Difference => Unlike ? null : Run - Published;
}

/// <summary>A row of cells, one for each of the published tasks; null where there is no cell.</summary>
internal sealed record BesideRow(string Label, IReadOnlyList<BesideCell?> Cells);

/// <summary>A measure of a run beside the published one.</summary>
/// <param name="HasCourse">Whether the run learned one task after another, so that its MAA and BWT mean what the published ones do.</param>
internal sealed record BesideMeasure(string Title, PublishedMeasure Published, Measure Run, IReadOnlyList<BesideRow> Rows, bool HasCourse)
{
    /// <summary>The published MAA, from the cells or else as printed; null beside a run of one row.</summary>
    public double? PublishedMaa => HasCourse ? Published.Maa ?? Published.Printed.FirstOrDefault()?.Maa : null;

    /// <summary>The published BWT, from the cells or else as printed; null beside a run of one row.</summary>
    public double? PublishedBwt => HasCourse ? Published.Bwt ?? Published.Printed.FirstOrDefault()?.Bwt : null;

    /// <summary>What keeps the numbers of this measure from being the same thing.</summary>
    public IReadOnlyList<string> Remarks =>
        Run.Judge is { } judge && !string.Equals(judge, Published.Judge, StringComparison.OrdinalIgnoreCase)
            ? [$"Marks by {judge} here, by {Published.Judge} there: those of different judges do not mean the same."]
            : [];

    /// <summary>
    /// Mean over the tasks of a run's only row beside the published one; null for a run of several rows, and where a cell is missing.
    /// </summary>
    public BesideCell? Means =>
        HasCourse || Rows is not [{ } row]
            ? null
            : new BesideCell(Mean(row, cell => cell?.Published), Mean(row, cell => cell?.Run))
            {
                Unlike = row.Cells.Any(cell => cell?.Unlike == true),
            };

    private static double? Mean(BesideRow row, Func<BesideCell?, double?> of) =>
        row.Cells.Any(cell => of(cell) is null) ? null : row.Cells.Average(of);
}

/// <summary>A run cell by cell beside a published result.</summary>
/// <param name="Measures">Truth Alignment by the published rules, then every judge of the run by the published parser.</param>
/// <param name="Remarks">What keeps the two from being the same experiment.</param>
/// <param name="Settings">The published setting beside the run's.</param>
internal sealed record PaperBeside(
    PublishedResult Published,
    RunResults Run,
    IReadOnlyList<BesideMeasure> Measures,
    IReadOnlyList<string> Remarks,
    TextTable Settings
)
{
    /// <summary>Puts a run beside a published result, its own setting's or another.</summary>
    public static PaperBeside Of(PublishedResult published, RunResults run, IReadOnlyList<string>? remarks = null) =>
        new(
            published,
            run,
            [.. Pairs(published, run).Select(pair => Beside(published, pair.Published, run, pair.Run))],
            [.. remarks ?? [], .. Unlike(published, run.Report)],
            SettingsOf(published, run.Report)
        );

    /// <summary>The settings, by the names of the table's rows, in which a result and a run must agree to be the same experiment.</summary>
    private static readonly string[] Decisive = ["model", "method", "LoRA rank", "order", "instructions", "training samples"];

    private static IEnumerable<(PublishedMeasure Published, Measure Run)> Pairs(PublishedResult published, RunResults run)
    {
        yield return (published.Truth, run.Published);
        foreach (var judge in run.Measures.Where(measure => measure is { Judge: not null, Scoring: ScoringKind.Published }))
        {
            if (
                (
                    published.Reasoning.FirstOrDefault(one => string.Equals(one.Judge, judge.Judge, StringComparison.OrdinalIgnoreCase))
                    ?? published.Reasoning.FirstOrDefault()
                ) is
                { } same
            )
            {
                yield return (same, judge);
            }
        }
    }

    private static BesideMeasure Beside(PublishedResult result, PublishedMeasure published, RunResults run, Measure measure)
    {
        var places = result.Tasks.Select(task => run.Report.Tasks.ToList().IndexOf(task)).ToList();
        var rows = new List<BesideRow>();
        foreach (var stage in run.Report.Curriculum.Stages.Where(stage => !stage.Trains || stage.Learns.Count > 1))
        {
            var row = stage.Trains ? PublishedMeasure.MultiTaskRow : PublishedMeasure.ZeroShotRow;
            rows.Add(
                new BesideRow(
                    stage.Trains ? "multi-task" : "zero-shot",
                    [.. places.Select((place, task) => Cell(row, task, stage.Number, place))]
                )
            );
        }

        if (run.HasCourse)
        {
            var last = result.Tasks.Count;
            rows.AddRange(
                result.Tasks.SequenceEqual(run.Report.Tasks)
                    ? result.Tasks.Select(
                        (name, stage) =>
                            new BesideRow(
                                FormattableString.Invariant($"{stage + 1} {name}"),
                                [
                                    .. places.Select(
                                        (place, task) =>
                                            task <= stage ? Cell(stage + 1, task, stage + 1, place) with { Own = task == stage } : null
                                    ),
                                ]
                            )
                    )
                    :
                    [
                        new(PaperTable.JustTrained, [.. places.Select((place, task) => Cell(task + 1, task, place + 1, place))]),
                        new(PaperTable.Final, [.. places.Select((place, task) => Cell(last, task, run.Report.Tasks.Count, place))]),
                    ]
            );
        }

        return new BesideMeasure($"{measure.Title}, beside {result.Name}: {published.Title}", published, measure, rows, run.HasCourse);

        BesideCell Cell(int publishedStage, int publishedTask, int stage, int task) =>
            new(published.Cell(publishedStage, publishedTask), task < 0 ? null : measure.Cell(stage, task))
            {
                PublishedSamples = published.SamplesOf(publishedStage, publishedTask),
                RunSamples = task < 0 ? null : measure.SamplesOf(stage, task),
                Caveats = PublishedNotes.OfCell(published, publishedStage, publishedTask),
                Unlike = published.IsUnlike(publishedStage, publishedTask),
            };
    }

    private static IEnumerable<string> Unlike(PublishedResult published, RunReport run)
    {
        if (!published.Tasks.Order(StringComparer.Ordinal).SequenceEqual(run.Tasks.Order(StringComparer.Ordinal)))
        {
            yield return $"{run.RunId} and {published.Name} have different tasks: their MAA and BWT are means over different things.";
        }
        else if (!published.Tasks.SequenceEqual(run.Tasks) && run.Curriculum.Trained.Count > 0 && !run.Curriculum.IsJoint)
        {
            yield return $"{run.RunId} and {published.Name} learned the tasks in different orders: only the rows just trained and final are set beside each other.";
        }

        var differing = SettingsOf(published, run)
            .Rows.Where(row => Decisive.Contains(row[0]) && row[1] != row[2])
            .Select(row => row[0] == "order" ? "order" : $"{row[0]} ({row[1]}, the run {row[2]})")
            .ToList();
        if (differing.Count > 0)
        {
            yield return $"The settings differ in {string.Join(", ", differing)}.";
        }

        if (run.Status != "completed")
        {
            yield return $"{run.RunId} is {run.Status}: cells are missing, and what sums them up.";
        }
    }

    private static TextTable SettingsOf(PublishedResult published, RunReport run)
    {
        var (setting, options) = (published.Setting, run.Options);
        return new TextTable(
            ["setting", published.Name, run.RunId],
            [
                ["model", setting.Model, run.Model?.Name ?? "not known"],
                ["method", setting.Method, run.Method],
                ["LoRA rank", Text(setting.Rank), options is null ? "-" : Text(options.Lora.Rank)],
                ["order", string.Join(", ", published.Tasks), string.Join(", ", run.Tasks)],
                [
                    "instructions",
                    InstructionTypes.NameOf(setting.Instructions),
                    PaperMatch.TypeOf(run) is { } type ? InstructionTypes.NameOf(type) : "not known",
                ],
                [
                    "training samples",
                    setting.Volume < 1 ? $"{Text(100 * setting.Volume)} % of each task's" : "all",
                    options is null ? "-" : DataParts.Training(options.Data),
                ],
                [
                    "learning rate",
                    setting.Model.StartsWith("LLaVA", StringComparison.Ordinal) ? "0.0002" : "0.00001",
                    options is null ? "-" : Text(options.Training.LearningRate),
                ],
                [
                    "schedule",
                    "cosine as the paper says; warmup, then constant, by the code's configuration",
                    options is null ? "-" : ReportNames.Of(options.Training.Schedule),
                ],
                [
                    "epochs",
                    "1",
                    options is null ? "-"
                    : options.Training.MaxSteps > 0 ? $"at most {Text(options.Training.MaxSteps)} steps"
                    : Text(options.Training.Epochs),
                ],
                [
                    "test samples",
                    string.Join(
                        ", ",
                        published
                            .Tasks.Select((name, task) => (name, Samples: published.Truth.SamplesOf(published.Tasks.Count, task)))
                            .Where(one => one.Samples is not null)
                            .Select(one => $"{one.name} {Text(one.Samples!.Value)}")
                    ),
                    string.Join(
                        ", ",
                        run.DataFiles.Where(file => file.Use == "test").Select(file => $"{file.Task} {Text(file.SamplesUsed)}")
                    ),
                ],
            ]
        );
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
