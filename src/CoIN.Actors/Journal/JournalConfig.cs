using Akka.Configuration;
using Akka.Persistence.Sql;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>Akka.Persistence.Sql on the SQLite file of a run's folder.</summary>
internal static class JournalConfig
{
    /// <summary>HOCON of journal, snapshot store and wire serializer.</summary>
    public static Config For(string path)
    {
        var connection = Quoted(path);
        return ConfigurationFactory.ParseString($$"""
            akka {
              actor {
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
              persistence {
                journal {
                  plugin = "akka.persistence.journal.sql"
                  sql { connection-string = "{{connection}}", provider-name = "SQLite.MS" }
                }
                query.journal.sql { write-plugin = "akka.persistence.journal.sql", connection-string = "{{connection}}", provider-name = "SQLite.MS" }
                snapshot-store {
                  plugin = "akka.persistence.snapshot-store.sql"
                  sql { connection-string = "{{connection}}", provider-name = "SQLite.MS" }
                }
              }
            }
            """).WithFallback(SqlPersistence.DefaultConfiguration);
    }

    /// <summary>HOCON for several runs of one process, each with its own file.</summary>
    /// <returns>With it the name of each run's journal, in their order.</returns>
    public static (Config Config, IReadOnlyList<string> Names) For(IReadOnlyList<string> paths)
    {
        var names = paths.Select((_, place) => FormattableString.Invariant($"akka.persistence.journal.run-{place + 1}")).ToList();
        var sections = paths.Select((path, place) => $$"""
            {{names[place]}} {
              class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
              plugin-dispatcher = "akka.persistence.dispatchers.default-plugin-dispatcher"
              connection-string = "{{Quoted(path)}}"
              provider-name = "SQLite.MS"
            }
            """);
        return (ConfigurationFactory.ParseString(string.Join('\n', sections)).WithFallback(For(paths[0])), names);
    }

    private static string Quoted(string path) => ConnectionString(path, SqliteOpenMode.ReadWriteCreate)
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

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
        new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString();
}
