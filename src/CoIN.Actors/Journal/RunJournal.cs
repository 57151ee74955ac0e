using System.Runtime.Serialization;
using CoIN.Actors.Wire;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>Reads a run's journal without an actor system, also while another process writes it.</summary>
public static class RunJournal
{
    /// <summary>A run's state by its journal.</summary>
    /// <returns>Null where nothing has been written yet.</returns>
    /// <exception cref="CoinException">The journal cannot be read, is damaged, or was written by a newer program.</exception>
    public static RunState? Read(string runFolder)
    {
        var path = Path.Combine(runFolder, RunPaths.Journal);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var state = Events(path).Aggregate(RunState.Empty, (state, happened) => state.Apply(happened));
            return state.Started is null ? null : state;
        }
        catch (Exception e) when (e is SqliteException or SerializationException)
        {
            throw new CoinException($"Cannot read the journal {path}: {e.Message} Restore it from a copy, or start the run anew.", e);
        }
    }

    private static List<IRunEvent> Events(string path)
    {
        // Read-only access to a file in write-ahead mode needs its companions, which are gone after a clean end; so it is opened for writing and not written.
        using var connection = new SqliteConnection(JournalConfig.ConnectionString(path, SqliteOpenMode.ReadWrite));
        connection.Open();
        using var table = connection.CreateCommand();
        table.CommandText = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        var events = new List<IRunEvent>();
        if ((long)table.ExecuteScalar()! == 0)
        {
            return events;
        }

        using var command = connection.CreateCommand();
        command.CommandText = "SELECT message, manifest, identifier FROM journal WHERE deleted = 0 ORDER BY sequence_number";
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            if (rows.GetInt32(2) != WireSerializer.Id)
            {
                throw new CoinException($"{path} holds entries of another program (serializer {rows.GetInt32(2)}). It is no journal of a run.");
            }

            events.Add((IRunEvent)WireFormat.Read(rows.GetFieldValue<byte[]>(0), rows.GetString(1)));
        }

        return events;
    }
}
