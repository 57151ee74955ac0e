using System.Globalization;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;

namespace CoIN.Benchmark.Runs;

/// <summary>Chooses what people are asked about a run.</summary>
public static class StudyDraw
{
    /// <summary>Draws a study, and keeps its key in the run's folder, apart from what people get.</summary>
    /// <param name="cells">
    /// <c>all</c>, <c>final</c>, <c>just-trained</c>, or a list <c>stage:task</c> such as <c>1:GQA,3:GQA</c> (stage 0: the base model).
    /// </param>
    /// <returns>The study, the folder to which its image paths are relative, and the key's path.</returns>
    /// <exception cref="CoinException">The run has no such cells, or its files are not those of then.</exception>
    public static (Study Study, string Images, string Key) Draw(
        string runFolder,
        RunState state,
        string cells,
        int count,
        int seed,
        IBenchmarkWork work
    )
    {
        var rules = state.Options.Tasks.ToDictionary(task => task.Name, task => JudgePrompt.RuleFor(task.Scorer), StringComparer.Ordinal);
        var study = Study.Draw(
            state.Started!.RunId,
            [.. Select(state, cells).Select(cell => Cell(runFolder, state, cell, work))],
            rules,
            count,
            seed
        );
        var key = Path.Combine(runFolder, RunPaths.StudyKey(study.Id));
        study.Key.Write(key);
        return (study, work.Paths.Here(state.Options.Data.Images), key);
    }

    private static IEnumerable<CellScored> Select(RunState state, string cells)
    {
        var known = state.Cells.Values.OrderBy(cell => cell.Stage).ThenBy(cell => cell.Task).ToList();
        switch (cells)
        {
            case "all":
                return known;
            case "final":
                var last = known.Count > 0 ? known.Max(cell => cell.Stage) : 0;
                return known.Where(cell => cell.Stage == last);
            case "just-trained":
                return known.Where(cell => cell.Stage == state.Curriculum.FirstOf(cell.Task).Number || cell.Stage == 0);
            default:
                return
                [
                    .. cells
                        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                        .Select(text => One(state, text)),
                ];
        }
    }

    private static CellScored One(RunState state, string text)
    {
        var at = text.IndexOf(':', StringComparison.Ordinal);
        var task = at < 0 ? -1 : state.TaskNames.ToList().IndexOf(text[(at + 1)..]);
        return
            at > 0
            && int.TryParse(text[..at], NumberStyles.None, CultureInfo.InvariantCulture, out var stage)
            && state.Cells.TryGetValue((stage, task), out var cell)
            ? cell
            : throw new CoinException(
                $"--cells {text}: the run has no such cell. Write all, final, just-trained, or stage:task for cells that are tested, such as 1:{state.TaskNames[0]}."
            );
    }

    private static StudyCell Cell(string runFolder, RunState state, CellScored cell, IBenchmarkWork work)
    {
        RunFiles.RequirePredictions(runFolder, state, cell);
        return new StudyCell(
            cell.Stage,
            state.TaskNames[cell.Task],
            RunFiles.TestSet(state, cell.Task, work),
            work.ReadPredictions(Path.Combine(runFolder, cell.File))
        );
    }
}
