using System.Diagnostics;
using CoIN.Benchmark;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>
/// Tries whether a folder can hold journals: SQLite's write-ahead log needs locks and shared memory, which some network file systems lack.
/// </summary>
public static class JournalProbe
{
    private const int Writes = 100;

    /// <summary>Makes a journal in a new folder below, writes to it one transaction at a time, and removes both.</summary>
    /// <param name="folder">Where runs would be made; made itself if it is missing.</param>
    /// <returns>Transactions a second.</returns>
    /// <exception cref="CoinException">The folder cannot hold journals; the message says why and what to do.</exception>
    public static double Measure(string folder)
    {
        var made = !Directory.Exists(folder);
        var trial = Path.Combine(folder, $".probe-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(trial);
            return Write(Path.Combine(trial, "journal.db"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new CoinException(
                $"Runs cannot be kept in {folder}: {e.Message.TrimEnd('.')}. Choose a folder on a local disk with free space with --runs, coin.node.runs or COIN_RUNS.",
                e
            );
        }
        finally
        {
            Remove(trial, recursive: true);
            if (made && Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Remove(folder, recursive: false);
            }
        }
    }

    private static void Remove(string folder, bool recursive)
    {
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The probe has its answer; what it was about is not whether folders can be removed.
            Debug.WriteLine($"{folder}: {e.Message}");
        }
    }

    private static double Write(string path)
    {
        JournalConfig.Prepare(path);
        using var connection = new SqliteConnection(JournalConfig.ConnectionString(path, SqliteOpenMode.ReadWrite));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE event (number INTEGER PRIMARY KEY, text TEXT)";
        command.ExecuteNonQuery();
        command.CommandText = "INSERT INTO event (text) VALUES ('event')";
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Writes; i++)
        {
            command.ExecuteNonQuery();
        }

        return Writes / clock.Elapsed.TotalSeconds;
    }
}
