using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using Npgsql;

namespace CoIN.Actors.Journal;

/// <summary>
/// The right to drive a run whose journal is in a database: an advisory lock of a connection that stays open. The database takes it back
/// when the process ends; when the database itself was away, the lock is taken anew as soon as it is back.
/// </summary>
internal sealed class DatabaseLock : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly JournalPlace place;
    private readonly Timer timer;
    private readonly Lock looking = new();
    private NpgsqlConnection? connection;
    private bool disposed;

    private DatabaseLock(JournalPlace place, NpgsqlConnection connection)
    {
        (this.place, this.connection) = (place, connection);
        timer = new Timer(_ => Keep(), null, Every, Every);
    }

    /// <summary>Told once, should another process have taken the run while the database was away from this one.</summary>
    public event Action? Lost;

    /// <param name="runFolder">Where the run is, for people and to know a copy by.</param>
    /// <exception cref="CoinException">
    /// Another process drives the run, or the folder is a copy of the one that the run is in, or the database is away.
    /// </exception>
    public static DatabaseLock Take(JournalPlace place, string runFolder, string runId, string owner)
    {
        var database = place.Open;
        NpgsqlConnection? open = null;
        try
        {
            database.Prepare();
            open = database.OpenAlone();
            if (!TryLock(open, place.Id))
            {
                throw new CoinException(
                    $"The run in {runFolder} is being driven by {OwnerOf(open, place) ?? "another process"}. Stop that process first, or look on with 'status'."
                )
                {
                    IsFinal = true,
                };
            }

            RequireOriginal(open, place, runFolder);
            JournalDatabase.Run(
                open,
                $"""
                INSERT INTO {database.Schema}.run (id, run, host, folder, owner) VALUES (@id, @run, @host, @folder, @owner)
                ON CONFLICT (id) DO UPDATE SET host = excluded.host, folder = excluded.folder, owner = excluded.owner
                """,
                ("id", place.Id),
                ("run", runId),
                ("host", Environment.MachineName),
                ("folder", Path.GetFullPath(runFolder)),
                ("owner", owner)
            );
            var taken = new DatabaseLock(place, open);
            open = null;
            return taken;
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            throw database.Fault("reached", e);
        }
        finally
        {
            open?.Dispose();
        }
    }

    /// <summary>Whether a process drives the run.</summary>
    /// <exception cref="NpgsqlException">The database is away.</exception>
    public static bool IsHeld(JournalPlace place) => place.Open.Ask(connection => IsHeld(connection, place));

    private static bool IsHeld(NpgsqlConnection connection, JournalPlace place)
    {
        var (high, low) = Halves(place.Id);
        using var command = JournalDatabase.Command(
            connection,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid = @high::oid AND objid = @low::oid "
                + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            ("high", (long)high),
            ("low", (long)low)
        );
        return (long)command.ExecuteScalar()! > 0;
    }

    public void Dispose()
    {
        lock (looking)
        {
            disposed = true;
            timer.Dispose();
            try
            {
                // By itself the database would notice only a moment later.
                if (connection is not null)
                {
                    JournalDatabase.Run(connection, "SELECT pg_advisory_unlock(@key)", ("key", KeyOf(place.Id)));
                }
            }
            catch (Exception e) when (JournalDatabase.IsFault(e) || e is InvalidOperationException)
            {
                // Then it has let go already.
            }

            connection?.Dispose();
            connection = null;
        }
    }

    private void Keep()
    {
        var lost = false;
        if (!looking.TryEnter())
        {
            return;
        }

        try
        {
            if (disposed)
            {
                return;
            }

            if (connection is not null)
            {
                JournalDatabase.Run(connection, "SELECT 1");
                return;
            }

            var again = place.Open.OpenAlone();
            if (TryLock(again, place.Id))
            {
                connection = again;
                return;
            }

            again.Dispose();
            lost = true;
            disposed = true;
            timer.Dispose();
        }
        catch (Exception e) when (JournalDatabase.IsFault(e) || e is InvalidOperationException)
        {
            connection?.Dispose();
            connection = null;
        }
        finally
        {
            looking.Exit();
        }

        if (lost)
        {
            Lost?.Invoke();
        }
    }

    private static bool TryLock(NpgsqlConnection connection, string id)
    {
        using var command = JournalDatabase.Command(connection, "SELECT pg_try_advisory_lock(@key)", ("key", KeyOf(id)));
        return (bool)command.ExecuteScalar()!;
    }

    private static string? OwnerOf(NpgsqlConnection connection, JournalPlace place)
    {
        using var command = JournalDatabase.Command(
            connection,
            $"SELECT owner FROM {place.Open.Schema}.run WHERE id = @id",
            ("id", place.Id)
        );
        return command.ExecuteScalar() as string;
    }

    /// <summary>A folder that was moved holds its run; a copy beside the original does not, for both would write one journal.</summary>
    private static void RequireOriginal(NpgsqlConnection connection, JournalPlace place, string runFolder)
    {
        if (place.Id == JournalPlace.IdInCluster(RunPaths.NameOf(runFolder)))
        {
            // Every node has a folder of its own for it.
            return;
        }

        using var command = JournalDatabase.Command(
            connection,
            $"SELECT folder FROM {place.Open.Schema}.run WHERE id = @id AND host = @host",
            ("id", place.Id),
            ("host", Environment.MachineName)
        );
        if (
            command.ExecuteScalar() is string former
            && former != Path.GetFullPath(runFolder)
            && Directory.Exists(former)
            && JournalPlace.Of(former)?.Id == place.Id
            && !RunLock.IsFileHeld(former)
        )
        {
            // Held, it would be this folder by another path, since nobody else drives the run.
            throw new CoinException(
                $"{runFolder} is a copy of {former}, which holds the run: its journal is in {place.Open.Name}, once. Resume it there; or, for a run of its own that goes on from here, "
                    + $"delete {RunPaths.JournalPlace} in the copy."
            )
            {
                IsFinal = true,
            };
        }
    }

    private static long KeyOf(string id) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"coin run {id}")));

    private static (uint High, uint Low) Halves(string id) => ((uint)(KeyOf(id) >> 32), (uint)KeyOf(id));
}
