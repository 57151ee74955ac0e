using Akka.Configuration;
using Akka.Persistence.Sql;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>Akka.Persistence.Sql on the SQLite file of a run's folder, or on a database.</summary>
internal static class JournalConfig
{
    private const string Serializers = """
        akka.actor {
          serializers {
            coin = "CoIN.Actors.Protocol.WireSerializer, CoIN.Actors"
            # What could make objects of any type, or actors, from bytes: nothing of ours needs them.
            json = "CoIN.Actors.Protocol.RefusingJsonSerializer, CoIN.Actors"
            daemon-create = "CoIN.Actors.Protocol.RefusingDeploymentSerializer, CoIN.Actors"
          }
          serialization-bindings {
            "CoIN.Benchmark.Runs.IRunEvent, CoIN.Benchmark" = coin
            "CoIN.Actors.Protocol.WorkProtocol+IMessage, CoIN.Actors" = coin
          }
          # A message that only a default serializer could write is a fault of ours, to be found at once.
          serialization-settings.allow-unregistered-types = false
        }
        """;

    // The tables are made by JournalDatabase. A database that was away is asked again soon: by default a failure is repeated for a minute
    // from memory.
    private const string Patience = """
        auto-initialize = false
        warn-on-auto-init-fail = false
        circuit-breaker { max-failures = 3, call-timeout = 10s, reset-timeout = 2s }
        recovery-event-timeout = 10s
        """;

    // A file answers late where the host has far more to do than it can, or the disk is far away. A run has nothing better to do than wait.
    private const string PatienceWithFiles = """
        circuit-breaker { call-timeout = 60s }
        recovery-event-timeout = 60s
        """;

    /// <summary>HOCON of journal, snapshot store and wire serializer.</summary>
    public static Config For(string path) => For(JournalSpot.File(path, ""));

    /// <summary>HOCON of journal, snapshot store and wire serializer.</summary>
    public static Config For(JournalSpot spot)
    {
        var store = Store(spot);
        return ConfigurationFactory
            .ParseString(
                $$"""
                akka.persistence {
                  journal {
                    plugin = "akka.persistence.journal.sql"
                    sql { {{store}} }
                  }
                  query.journal.sql { write-plugin = "akka.persistence.journal.sql", {{store}} }
                  snapshot-store {
                    plugin = "akka.persistence.snapshot-store.sql"
                    sql { {{store}} }
                  }
                }
                """
            )
            .WithFallback(Serializers)
            .WithFallback(SqlPersistence.DefaultConfiguration);
    }

    /// <summary>HOCON for several runs of one process, each with its own journal.</summary>
    /// <returns>With it the name of each run's journal, in their order.</returns>
    public static (Config Config, IReadOnlyList<string> Names) For(IReadOnlyList<JournalSpot> spots)
    {
        var names = spots.Select((_, place) => FormattableString.Invariant($"akka.persistence.journal.run-{place + 1}")).ToList();
        var sections = spots.Select(
            (spot, place) =>
                $$"""
                    {{names[place]}} {
                      class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
                      plugin-dispatcher = "akka.persistence.dispatchers.default-plugin-dispatcher"
                      {{Store(spot)}}
                    }
                    """
        );
        return (ConfigurationFactory.ParseString(string.Join('\n', sections)).WithFallback(For(spots[0])), names);
    }

    private static string Store(JournalSpot spot) =>
        $"""
            connection-string = "{Quoted(spot.ConnectionString)}"
            provider-name = "{spot.Provider}"
            {(spot.IsDatabase ? $"{Patience}\ndefault.schema-name = {spot.Schema}" : PatienceWithFiles)}
            """;

    private static string Quoted(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    /// <summary>Puts the file into write-ahead mode, which stays in it: writing is faster, and others can read meanwhile.</summary>
    public static void Prepare(string path)
    {
        using var connection = new SqliteConnection(ConnectionString(path, SqliteOpenMode.ReadWriteCreate));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL";
        command.ExecuteNonQuery();
    }

    public static string ConnectionString(string path, SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
        }.ToString();
}
