using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Changes a run that nobody drives. What a change is, the benchmark decides; here it goes its way: lock, journal, events, reports.
/// </summary>
public static class RunChanges
{
    /// <summary>Scores all cells that the run has, writes what differs to the journal, and the reports anew.</summary>
    /// <exception cref="CoinException">
    /// The run has not begun, another process drives it, its predictions or test files are not those of then, or something cannot be
    /// written.
    /// </exception>
    public static async Task<Rescoring> RescoreAsync(string runFolder, IBenchmarkWork work, CancellationToken stop)
    {
        var (state, changes, reports) = await ChangeAsync(
                runFolder,
                "there is nothing to score",
                state => Rescorer.Rescore(runFolder, state, work, stop),
                work
            )
            .ConfigureAwait(false);
        return new Rescoring(state.Cells.Count, changes, reports);
    }

    /// <summary>Asks a judge no more; what it judged stays. A run that lacked nothing but its judgements is completed by it.</summary>
    /// <returns>The run's state, and its reports' paths.</returns>
    /// <exception cref="CoinException">The run has no such judge, or another process drives it.</exception>
    public static async Task<(RunState State, IReadOnlyList<string> Reports)> DismissAsync(
        string runFolder,
        string judge,
        IBenchmarkWork work
    )
    {
        var (state, _, reports) = await ChangeAsync(
                runFolder,
                "it has no judges",
                state => (JudgeAppointments.Dismiss(RunPaths.NameOf(runFolder), state, judge), judge),
                work
            )
            .ConfigureAwait(false);
        return (state, reports);
    }

    /// <summary>
    /// Reads people's scores, records them as a judge of kind people, and compares them with each other and with the other judges.
    /// </summary>
    /// <param name="judge">The name under which they are recorded; a former import of that name is replaced.</param>
    /// <exception cref="CoinException">A file is no such file or of another run's study, or another process drives the run.</exception>
    public static async Task<StudyImport> ImportStudyAsync(string runFolder, IReadOnlyList<string> files, string judge, IBenchmarkWork work)
    {
        var (_, import, reports) = await ChangeAsync(
                runFolder,
                "it has no study",
                state => StudyImporter.Import(runFolder, state, files, judge),
                work
            )
            .ConfigureAwait(false);
        return import with { Reports = reports };
    }

    /// <summary>Draws a study, and keeps its key in the run's folder. The run itself stays as it is, and may be driven meanwhile.</summary>
    /// <returns>As <see cref="StudyDraw.Draw"/>.</returns>
    /// <exception cref="CoinException">The run has not begun or has no such cells, or its files are not those of then.</exception>
    public static (Study Study, string Images, string Key) DrawStudy(
        string runFolder,
        string cells,
        int count,
        int seed,
        IBenchmarkWork work
    ) => StudyDraw.Draw(runFolder, Begun(runFolder, RunJournal.Read(runFolder), "there is nothing to score"), cells, count, seed, work);

    /// <summary>Appoints a judge; the run's lock is held by the caller.</summary>
    /// <returns>The run's state with the judge; completed where the judge has judged everything before.</returns>
    /// <exception cref="CoinException">As <see cref="JudgeAppointments.Appoint"/>, or the run has not begun.</exception>
    internal static Task<RunState> AppointAsync(string runFolder, RunState? state, JudgeOptions judge, IBenchmarkWork work)
    {
        var begun = Begun(runFolder, state, "there is nothing to judge");
        return AppendAsync(runFolder, begun, JudgeAppointments.Appoint(RunPaths.NameOf(runFolder), begun, judge, work));
    }

    /// <summary>Discards what was lost of a run; its lock is held by the caller.</summary>
    /// <param name="redo">Whether to discard whatever is damaged.</param>
    /// <param name="small">As in <see cref="RunLosses.Discards(string, RunState, bool, bool)"/>.</param>
    /// <returns>The run's state; damage that this cannot mend is still in it.</returns>
    /// <exception cref="CoinException">The journal cannot be written, or what is lost not be removed.</exception>
    internal static Task<RunState> MendAsync(string runFolder, RunState state, bool redo, bool small, ILogger log)
    {
        var discards = RunLosses.Discards(runFolder, state, redo, small);
        foreach (var discard in discards)
        {
            log.LogWarning("{Damage}", RunLosses.Describe(discard, state));
        }

        // First the files: should this end in between, they are missing, and the journal still says so.
        if (discards.Count > 0)
        {
            RunLosses.Delete(runFolder, state, state.After(discards));
        }

        return AppendAsync(runFolder, state, discards);
    }

    private static async Task<(RunState State, T Result, IReadOnlyList<string> Reports)> ChangeAsync<T>(
        string runFolder,
        string without,
        Func<RunState, (IReadOnlyList<RunEvent> Events, T Result)> decide,
        IBenchmarkWork work
    )
    {
        using var held = RunLock.TakeToChange(runFolder);
        var state = Begun(runFolder, RunJournal.Read(runFolder), without);
        var (events, result) = decide(state);
        var last = await AppendAsync(runFolder, state, events).ConfigureAwait(false);
        return (last, result, work.WriteReports(runFolder, last));
    }

    private static Task<RunState> AppendAsync(string runFolder, RunState state, IReadOnlyList<RunEvent> events) =>
        events.Count > 0 ? JournalAppender.AppendAsync(state.Started!.RunId, runFolder, events) : Task.FromResult(state);

    private static RunState Begun(string runFolder, RunState? state, string without) =>
        state ?? throw new CoinException($"The run in {runFolder} has not begun; {without}.");
}
