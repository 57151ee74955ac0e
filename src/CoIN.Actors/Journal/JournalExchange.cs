using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Journal;

/// <summary>
/// Keeps a run's events in its database and in its folder the same. Either may be ahead: the database while the run is driven, the folder
/// where something was done to an ended run while the database was away, or where the run began without one. What both have must be the
/// same.
/// </summary>
internal static class JournalExchange
{
    private const long AwayMilliseconds = 5000;

    // The database that was last found away, and when.
    private static (string Address, long At)? away;

    /// <summary>The run's events, of whichever is ahead.</summary>
    /// <exception cref="CoinException">
    /// They differ; or the database cannot be reached and the folder's copy does not come to an end of the run, so that nobody knows what
    /// it lacks.
    /// </exception>
    /// <param name="quick">
    /// Whether a database that was away some seconds ago is not waited for again, where the run has ended by its folder.
    /// </param>
    /// <param name="lagging">
    /// Whether the folder's copy is told where the database cannot be reached, though it may lack the last events.
    /// </param>
    public static IReadOnlyList<JournalRow> Read(string runFolder, JournalPlace place, bool quick, bool lagging = false)
    {
        var copy = Copy(runFolder);
        if (
            quick
            && away is var (address, at)
            && address == place.Database
            && Environment.TickCount64 - at < AwayMilliseconds
            && (lagging || IsEnd(copy))
        )
        {
            // A list of many runs does not wait for it each time.
            return copy;
        }

        try
        {
            var journal = place.Open.Read(place.Id);
            RequireSame(runFolder, place, journal, copy);
            return journal.Count >= copy.Count ? journal : copy;
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            away = (place.Database, Environment.TickCount64);
            return IsEnd(copy) || (lagging && copy.Count > 0) ? copy : throw Away(runFolder, place, copy, e);
        }
    }

    /// <summary>Brings both to where the one that is ahead is.</summary>
    /// <exception cref="CoinException">They differ, or the database cannot be reached.</exception>
    public static void Settle(string runFolder, JournalPlace place)
    {
        var copy = Copy(runFolder);
        try
        {
            var database = place.Open;
            database.Prepare();
            var journal = database.Read(place.Id);
            RequireSame(runFolder, place, journal, copy);
            if (copy.Count > journal.Count)
            {
                database.Add(place.Id, copy.Skip(journal.Count));
            }
            else
            {
                Append(runFolder, [.. journal.Skip(copy.Count)]);
            }
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            throw Away(runFolder, place, copy, e);
        }
    }

    /// <summary>Copies what the folder lacks.</summary>
    /// <param name="after">The last event that it has.</param>
    /// <returns>The last event that it has then.</returns>
    public static long Follow(string runFolder, JournalPlace place, long after)
    {
        var news = place.Open.Read(place.Id, after);
        Append(runFolder, news);
        return news.Count > 0 ? news[^1].Number : after;
    }

    /// <summary>Number of the last event in the folder's copy; 0 for none.</summary>
    public static long LastOf(string runFolder) => Copy(runFolder) is { Count: > 0 } copy ? copy[^1].Number : 0;

    private static IReadOnlyList<JournalRow> Copy(string runFolder) =>
        Path.Combine(runFolder, RunPaths.Journal) is var path && File.Exists(path) ? JournalFile.Read(path) : [];

    /// <summary>In the folder the events bear the name that they have in a journal of their own.</summary>
    private static void Append(string runFolder, IReadOnlyCollection<JournalRow> rows)
    {
        if (rows.Count > 0)
        {
            var path = Path.Combine(runFolder, RunPaths.Journal);
            var name = Copy(runFolder) is { Count: > 0 } copy
                ? copy[0].PersistenceId
                : RunJournal.PersistenceIdOf(RunJournal.RunIdOf(rows.First()));
            JournalFile.Add(path, name, rows);
        }
    }

    private static void RequireSame(string runFolder, JournalPlace place, IReadOnlyList<JournalRow> journal, IReadOnlyList<JournalRow> copy)
    {
        var common = Math.Min(journal.Count, copy.Count);
        for (var at = 0; at < common; at++)
        {
            if (journal[at].Number != copy[at].Number || !journal[at].Message.AsSpan().SequenceEqual(copy[at].Message))
            {
                throw new CoinException(
                    $"The run in {runFolder} has two histories: from event {copy[at].Number} on, {RunPaths.Journal} in its folder says something else than {place.Open.Name}. "
                        + $"Something was done to it in two places that did not know of each other. To go on from the database, move {RunPaths.Journal} away; "
                        + $"to go on from the folder, by itself, move {RunPaths.JournalPlace} away."
                )
                {
                    IsFinal = true,
                };
            }
        }
    }

    /// <summary>Whether a run is as its folder says it is, whoever has it: it is not under way.</summary>
    private static bool IsEnd(IReadOnlyList<JournalRow> copy) =>
        copy.Count > 0
        && RunJournal.EventOf(copy[^1]) is not (null or RunTakenUp or RunStarted)
        && copy.Aggregate(RunState.Empty, (state, row) => RunJournal.EventOf(row) is { } happened ? state.Apply(happened) : state)
            is { Started: not null, IsUnderWay: false };

    private static CoinException Away(string runFolder, JournalPlace place, IReadOnlyList<JournalRow> copy, Exception e) =>
        new(
            place.Open.Fault("reached", e).Message
                + (
                    copy.Count > 0
                        ? FormattableString.Invariant(
                            $" The copy in {runFolder} ends with event {copy[^1].Number}. {JournalPlace.Remedy(runFolder)}"
                        )
                        : ""
                ),
            e
        );
}
