using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;

namespace CoIN.Benchmark.Reports;

/// <summary>One scored cell: what the journal says of it, and what else the run knows.</summary>
/// <param name="Task">Task name.</param>
/// <param name="Scored">The journal's event.</param>
public sealed record CellReport(string Task, CellScored Scored)
{
    /// <summary>1-based stage of the adapter; 0 for the base model.</summary>
    public int Stage => Scored.Stage;

    /// <summary>
    /// Where it is written whom experts served, relative to the run folder; only adapters with experts have such a file.
    /// </summary>
    public string? RoutingFile { get; init; }

    /// <summary>Test samples of the task that were left out since their image cannot be used; they are in no count.</summary>
    public int Skipped { get; init; }

    /// <summary>Seconds that evaluators took to answer it, summed where several worked side by side; null where another run did.</summary>
    public double? AnswerSeconds { get; init; }

    /// <summary>What judges said of the same predictions: the journal's events.</summary>
    public IReadOnlyList<CellJudged> Judgements { get; init; } = [];

    /// <summary>The cell that a state has.</summary>
    public static CellReport Of(RunState state, CellScored scored)
    {
        var task = state.TaskNames[scored.Task];
        return new CellReport(task, scored)
        {
            RoutingFile = RunPaths.Routing(scored.Stage, task),
            Skipped = state.Started!.Skipped?.Count(sample => sample.Use == "test" && sample.Task == task) ?? 0,
            AnswerSeconds = state.Efforts.GetValueOrDefault((scored.Stage, scored.Task))?.Seconds,
            Judgements =
            [
                .. state
                    .Judgements.Values.Where(judged => judged.Stage == scored.Stage && judged.Task == scored.Task)
                    .OrderBy(judged => judged.Judge, StringComparer.Ordinal),
            ],
        };
    }
}
