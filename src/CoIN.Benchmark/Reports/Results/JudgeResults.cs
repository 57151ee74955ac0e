using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>What one judge said of a run.</summary>
/// <param name="Judge">The judge's name in the configuration.</param>
/// <param name="Kind"><c>openai</c>, <c>local</c>, <c>people</c> or <c>lexical</c>.</param>
/// <param name="Published">Replies parsed by the reference's rule.</param>
/// <param name="Corrected">Replies parsed by the corrected rule; null where none could be.</param>
/// <param name="Unparsable">Replies in which the corrected rule found no score, over all cells.</param>
/// <param name="Following">Instruction Following, by both rules where both are there.</param>
internal sealed record JudgeResults(
    string Judge,
    string Kind,
    Measure Published,
    Measure? Corrected,
    int Unparsable,
    IReadOnlyList<InstructionFollowing> Following
)
{
    /// <summary>A sentence on what kind of judge it is, since their numbers do not mean the same.</summary>
    public string Description =>
        Kind switch
        {
            "lexical" => "a rule that compares words, no language model",
            "people" => "people who scored blinded samples",
            "local" => "a local language model",
            "openai" => "a language model behind an OpenAI-compatible endpoint",
            _ => Kind,
        };

    /// <summary>How many replies have no score, why and what to do, over all cells; null where all have one.</summary>
    public string? Warning { get; init; }

    /// <summary>All judges of a run.</summary>
    /// <param name="truth">The run's Truth Alignment, published first.</param>
    /// <exception cref="CoinException">A file of judgements that is there cannot be read.</exception>
    public static IReadOnlyList<JudgeResults> Of(RunReport report, string? folder, IReadOnlyList<Measure> truth) =>
        [
            .. report
                .Cells.SelectMany(cell => cell.Judgements)
                .Select(one => one.Judge)
                .Distinct()
                .Order(StringComparer.Ordinal)
                .Select(
                    (judge, place) =>
                    {
                        var cells = Judged(report, judge);
                        var published = ReadMeasure(report, folder, $"judge-{place + 1}", judge, cells, ScoringKind.Published);
                        var corrected = cells.Values.Any(cell => cell.Corrected is not null)
                            ? ReadMeasure(report, folder, $"judge-{place + 1}", judge, cells, ScoringKind.Corrected)
                            : null;
                        return new JudgeResults(
                            judge,
                            cells.Values.First().Kind.ToString().ToLowerInvariant(),
                            published,
                            corrected,
                            cells.Values.Sum(cell => cell.Unparsable),
                            [
                                .. truth
                                    .Zip([published, corrected], (alignment, reasoning) =>
                                        reasoning is null ? null : InstructionFollowing.Of(alignment, reasoning)
                                    )
                                    .OfType<InstructionFollowing>(),
                            ]
                        )
                        {
                            Warning = UnscoredReplies.Told(
                                judge,
                                cells.Values.Sum(cell => cell.Samples),
                                cells.Values.Sum(cell => cell.Unparsable),
                                UnscoredReplies.Ordered(cells.Values.SelectMany(cell => cell.Unscored ?? []))
                            ),
                        };
                    }
                ),
        ];

    private static Dictionary<(int Stage, int Task), CellJudged> Judged(RunReport report, string judge)
    {
        var cells = new Dictionary<(int Stage, int Task), CellJudged>();
        foreach (var cell in report.Cells)
        {
            if (cell.Judgements.LastOrDefault(one => one.Judge == judge) is { } judged)
            {
                cells[(cell.Stage, report.PlaceOf(cell.Task))] = judged;
            }
        }

        return cells;
    }

    private static Measure ReadMeasure(
        RunReport report,
        string? folder,
        string key,
        string judge,
        Dictionary<(int Stage, int Task), CellJudged> cells,
        ScoringKind scoring
    )
    {
        var matrix = report.EmptyMatrix();
        foreach (var ((stage, task), cell) in cells.Where(cell => cell.Key.Stage > 0))
        {
            matrix[stage - 1, task] = Percent(cell, scoring);
        }

        var measured = new MeasuredMatrix(report.Tasks, matrix)
        {
            ZeroShot = [.. report.Tasks.Select((_, task) => cells.TryGetValue((0, task), out var cell) ? Percent(cell, scoring) : null)],
        };
        var columns = report.Tasks.Select((_, task) => Column(folder, cells, task, scoring)).ToList();
        var (cellIntervals, intervals) = Bootstrap.Matrix(report.Tasks, columns, like: matrix);
        var rules = ReportNames.Of(scoring);
        return new Measure(
            $"{key}-{rules}",
            $"Reasoning Capability by {judge}, {rules} parser",
            scoring,
            judge,
            new MatrixResults(measured, measured.Metrics(), intervals, cellIntervals) { Columns = columns },
            cells.ToDictionary(
                cell => cell.Key,
                cell => scoring == ScoringKind.Published ? cell.Value.Samples : cell.Value.Samples - cell.Value.Unparsable
            )
        );
    }

    private static TaskScores? Column(string? folder, Dictionary<(int Stage, int Task), CellJudged> cells, int task, ScoringKind scoring)
    {
        var stages = new Dictionary<int, IReadOnlyList<(string, double?)>>();
        foreach (var ((stage, _), cell) in cells.Where(cell => cell.Key.Task == task))
        {
            if (
                folder is not null
                && Percent(cell, scoring) is not null
                && Path.Combine(folder, cell.File) is var path
                && File.Exists(path)
            )
            {
                stages[stage] = [.. JudgementsFile.Read(path).Select(one => (one.QuestionId, Part(one, scoring)))];
            }
        }

        return stages.Count > 0 ? new TaskScores(stages) : null;
    }

    /// <summary>The reference's rule lets a minus sign through; a scale from 0 to 10 has none.</summary>
    private static double? Percent(CellJudged cell, ScoringKind scoring) =>
        (scoring == ScoringKind.Published ? cell.Measured() : cell.Corrected) is { } percent ? Math.Clamp(percent, 0, 100) : null;

    /// <summary>A score of 0 to 10 as a part of 1.</summary>
    private static double? Part(Judgement judgement, ScoringKind scoring) =>
        (scoring == ScoringKind.Published ? judgement.Published : judgement.Corrected) is { } score ? Math.Clamp(score / 10, 0, 1) : null;
}
