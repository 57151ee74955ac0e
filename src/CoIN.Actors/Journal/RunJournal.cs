using System.Runtime.Serialization;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>
/// Reads a run's journal without an actor system, also while another process writes it, and where nothing may be written.
/// </summary>
public static class RunJournal
{
    /// <summary>The name of a run's events in its journal.</summary>
    internal static string PersistenceIdOf(string runId) => $"run-{runId}";

    /// <summary>A run's state by its journal.</summary>
    /// <returns>Null where nothing has been written yet.</returns>
    /// <exception cref="CoinException">
    /// The journal cannot be read, is damaged, was written by a newer program, or is not the one that belongs to what lies in the folder.
    /// </exception>
    public static RunState? Read(string runFolder) => Read(runFolder, quick: false, lagging: false);

    private static RunState? Read(string runFolder, bool quick, bool lagging)
    {
        // What a process writes comes after its first event: whoever finds something without it looks again.
        if ((Fold(runFolder, quick, lagging) ?? (RunTraces.In(runFolder).Count > 0 ? Fold(runFolder, quick, lagging) : null)) is { } state)
        {
            RunTraces.RequireSameRun(runFolder, state);
            return state;
        }

        RunTraces.RequireNone(runFolder);
        return null;
    }

    /// <summary>
    /// As <see cref="Read"/>, for people who look on: a run that its process left without a word is interrupted, not running.
    /// </summary>
    /// <param name="lagging">
    /// Whether a copy of the journal in the folder, which is some seconds old, is enough where the run's database cannot be reached: for
    /// who looks on, and never for who decides something.
    /// </param>
    /// <exception cref="CoinException">As in <see cref="Read"/>.</exception>
    public static RunState? Look(string runFolder, bool lagging = false)
    {
        var state = Read(runFolder, quick: true, lagging);
        if (state is null || !state.IsUnderWay || RunLock.IsHeld(runFolder))
        {
            return state;
        }

        // It may have come to its end between the two looks; now nobody writes.
        return Read(runFolder, quick: false, lagging)?.Abandoned();
    }

    /// <summary>How a run stands, with what goes on where a process drives it.</summary>
    /// <exception cref="CoinException">As in <see cref="Read"/>.</exception>
    public static RunSnapshot? Watch(string runFolder)
    {
        var known = Look(runFolder)?.ToSnapshot();
        return known is not null && RunLock.IsHeld(runFolder) && LiveProgress.Read(runFolder) is { } live
            ? live.On(known, DateTimeOffset.UtcNow)
            : known;
    }

    /// <summary>Whether a process, of whatever user, drives the run now.</summary>
    public static bool IsDriven(string runFolder) => RunLock.IsHeld(runFolder);

    /// <returns>Null where there are no events.</returns>
    private static RunState? Fold(string runFolder, bool quick, bool lagging)
    {
        var place = JournalPlace.Of(runFolder);
        var path = Path.Combine(runFolder, place is null ? RunPaths.Journal : RunPaths.JournalPlace);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var state = RunState.Empty;
            foreach (
                var happened in Events(
                    path,
                    place is null ? JournalFile.Read(path) : JournalExchange.Read(runFolder, place, quick, lagging)
                )
            )
            {
                JournalRules.Check(path, state, happened);
                state = state.Apply(happened);
            }

            return state.Started is null ? null : state;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the journal {path}: {e.Message.TrimEnd('.')}. Ask the owner of the run for the right to read its folder.",
                e
            )
            {
                IsFinal = true,
            };
        }
        catch (Exception e)
            when (e
                    is SqliteException
                        or SerializationException
                        or ArgumentException
                        or InvalidOperationException
                        or InvalidCastException
                        or FormatException
                        or OverflowException
            )
        {
            throw new CoinException($"Cannot read the journal {path}: {e.Message.TrimEnd('.')}. {JournalRules.Remedy(path)}", e)
            {
                IsFinal = true,
            };
        }
    }

    private static IEnumerable<IRunEvent> Events(string path, IReadOnlyList<JournalRow> rows)
    {
        if (rows.FirstOrDefault(row => row.Serializer != WireSerializer.Id) is { } stranger)
        {
            throw new CoinException(
                $"{path} holds entries of another program (serializer {stranger.Serializer}). It is no journal of a run."
            )
            {
                IsFinal = true,
            };
        }

        if (rows.Select(row => row.PersistenceId).Distinct(StringComparer.Ordinal).ToList() is { Count: > 1 } names)
        {
            throw new CoinException(
                $"The journal {path} is damaged: it holds the events of several runs ({string.Join(", ", names)}). {JournalRules.Remedy(path)}"
            )
            {
                IsFinal = true,
            };
        }

        return rows.Select(row =>
            WireFormat.Read(row.Message, row.Manifest) as IRunEvent
            ?? throw new SerializationException($"'{row.Manifest}' is no event of a run")
        );
    }

    /// <summary>An event as it lies in a journal; null for something else.</summary>
    internal static IRunEvent? EventOf(JournalRow row) =>
        row.Serializer == WireSerializer.Id ? WireFormat.Read(row.Message, row.Manifest) as IRunEvent : null;

    /// <summary>The name of a run by its first event.</summary>
    /// <exception cref="CoinException">It is another event.</exception>
    internal static string RunIdOf(JournalRow first) =>
        EventOf(first) is RunStarted started
            ? started.RunId
            : throw new CoinException($"A journal begins with '{first.Manifest}', and not with the start of a run.") { IsFinal = true };
}
