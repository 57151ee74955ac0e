using CoIN.Benchmark.Runs;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>A run's journal as Akka.Persistence.Sql is told of it.</summary>
/// <param name="Name">For people.</param>
/// <param name="PersistenceId">The run's name in it.</param>
/// <param name="Remedy">What to look at when it cannot be used; a clause.</param>
internal sealed record JournalSpot(string Name, string Provider, string ConnectionString, string PersistenceId, string Remedy)
{
    private JournalDatabase? database;
    private string? path;

    public bool IsDatabase => database is not null;

    /// <summary>Of a database: where its tables are.</summary>
    public string? Schema => database?.Schema;

    /// <param name="runId">As the first event calls it.</param>
    public static JournalSpot Of(string runFolder, string runId) =>
        JournalPlace.Of(runFolder) is { } place ? Of(place) : File(Path.Combine(runFolder, RunPaths.Journal), runId);

    public static JournalSpot Of(JournalPlace place)
    {
        var database = place.Open;
        return new JournalSpot(
            database.Name,
            "PostgreSQL.15",
            database.ConnectionString,
            place.Id,
            "See that the database is up and lets this host in"
        )
        {
            database = database,
        };
    }

    public static JournalSpot File(string path, string runId) =>
        new(
            path,
            "SQLite.MS",
            JournalConfig.ConnectionString(path, SqliteOpenMode.ReadWriteCreate),
            RunJournal.PersistenceIdOf(runId),
            "Free space on the disk or mend its permissions"
        )
        {
            path = path,
        };

    /// <summary>Makes what is missing, before an actor system opens it.</summary>
    public void Prepare()
    {
        database?.Prepare();
        if (path is not null)
        {
            JournalConfig.Prepare(path);
        }
    }
}
