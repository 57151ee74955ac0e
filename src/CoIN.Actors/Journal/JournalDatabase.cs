using System.Text.RegularExpressions;
using CoIN.Benchmark;
using Npgsql;

namespace CoIN.Actors.Journal;

/// <summary>
/// A PostgreSQL database that keeps the journals of many runs, and who drives which. Its address holds no secret: the password is read
/// where it is used, from <c>PGPASSWORD</c> or a password file (<c>~/.pgpass</c>, <c>PGPASSFILE</c>), and is neither written nor sent
/// anywhere.
/// </summary>
public sealed partial class JournalDatabase
{
    private const int ConnectSeconds = 5;
    private const int CommandSeconds = 10;
    private const int Connections = 20;
    private const string UsualSchema = "coin";

    // Of this program among those who use advisory locks, and among its own those for the tables.
    private const long TablesLock = 0x636f_696e_7461_6231;

    private readonly NpgsqlConnectionStringBuilder whole;

    private JournalDatabase(string address, NpgsqlConnectionStringBuilder whole) => (Address, this.whole) = (address, whole);

    /// <summary>As the user wrote it, in one form.</summary>
    public string Address { get; }

    /// <summary>For people: host, port and database.</summary>
    public string Name =>
        FormattableString.Invariant($"{whole.Database} on {whole.Host}:{whole.Port}") + (Schema == UsualSchema ? "" : $" ({Schema})");

    /// <summary>
    /// Where the tables are: <c>Search Path</c>, else <c>coin</c>. Clusters that share a database and do not want to meet in it have
    /// different ones.
    /// </summary>
    public string Schema => string.IsNullOrEmpty(whole.SearchPath) ? UsualSchema : whole.SearchPath;

    /// <summary>With what the program adds.</summary>
    internal string ConnectionString => whole.ConnectionString;

    /// <param name="address">
    /// Keys of Npgsql: <c>Host=…;Database=…</c>, further <c>Port</c>, <c>Username</c>, <c>SSL Mode</c>, <c>Root Certificate</c>, ….
    /// </param>
    /// <exception cref="CoinException">It is none, or holds a password.</exception>
    public static JournalDatabase Parse(string address)
    {
        NpgsqlConnectionStringBuilder given;
        try
        {
            given = new NpgsqlConnectionStringBuilder(address);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            // What cannot be read may hold a password: it is not repeated.
            throw new CoinException(
                "The address of the journal's database is none. Write it as Host=db.example.org;Database=coin;Username=coin.",
                e
            );
        }

        if (given.Password is not null || given.SslPassword is not null || PasswordKey().IsMatch(address))
        {
            throw new CoinException(
                "The address of the journal's database holds a password, and it is kept with every run. Leave it out: the program reads PGPASSWORD, or the password file ~/.pgpass (PGPASSFILE)."
            );
        }

        if (string.IsNullOrEmpty(given.Host) || string.IsNullOrEmpty(given.Database))
        {
            throw new CoinException(
                "The address of the journal's database names no host or no database. Write it as Host=db.example.org;Database=coin;Username=coin."
            );
        }

        if (given.SearchPath is { Length: > 0 } schema && !SchemaName().IsMatch(schema))
        {
            throw new CoinException(
                "The Search Path in the address of the journal's database is not one schema's name of small letters, digits and '_'."
            );
        }

        var whole = new NpgsqlConnectionStringBuilder(given.ConnectionString);
        void Usual(string key, Action set)
        {
            if (!given.ContainsKey(key) || !given.Keys.Contains(key, StringComparer.OrdinalIgnoreCase))
            {
                set();
            }
        }

        Usual("Application Name", () => whole.ApplicationName = "coin");
        Usual("Timeout", () => whole.Timeout = ConnectSeconds);
        Usual("Command Timeout", () => whole.CommandTimeout = CommandSeconds);
        Usual("Maximum Pool Size", () => whole.MaxPoolSize = Connections);

        // A peer that is gone without a word is noticed by both sides within a quarter of a minute; else its locks would stay.
        Usual("Keepalive", () => whole.KeepAlive = 5);
        Usual("Options", () => whole.Options = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3");
        return new JournalDatabase(given.ConnectionString, whole);
    }

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,40}$")]
    private static partial Regex SchemaName();

    [GeneratedRegex(@"(^|;)\s*(ssl\s*)?(password|pwd|psw)\s*=", RegexOptions.IgnoreCase)]
    private static partial Regex PasswordKey();

    /// <exception cref="NpgsqlException">It cannot be reached, or lets nobody in.</exception>
    internal NpgsqlConnection Open()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection of its own that no pool gives to others: what it locks stays locked as long as it is open.</summary>
    internal NpgsqlConnection OpenAlone()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Makes the tables that are missing; nodes that come at once wait for each other.</summary>
    /// <exception cref="CoinException">The database cannot be reached, or is another program's.</exception>
    public void Prepare() => Try("prepared", connection =>
        {
            using var transaction = connection.BeginTransaction();
            Run(connection, "SELECT pg_advisory_xact_lock(@key)", ("key", TablesLock));
            Run(connection, Tables.Replace("SCHEMA_NAME", Schema, StringComparison.Ordinal));
            transaction.Commit();
            return 0;
        });

    /// <summary>What it is, whatever its address is called where: two that have one identity are one.</summary>
    /// <exception cref="CoinException">It cannot be reached.</exception>
    public string Identity() => Try("read", connection =>
        {
            using var command = Command(connection, $"SELECT id FROM {Schema}.identity");
            return (string)command.ExecuteScalar()!;
        });

    /// <summary>Whether it can be reached now.</summary>
    internal bool IsThere()
    {
        try
        {
            using var connection = OpenAlone();
            return true;
        }
        catch (Exception e) when (IsFault(e))
        {
            return false;
        }
    }

    /// <summary>The events of a run after a number, in their order.</summary>
    /// <exception cref="NpgsqlException">The database cannot be read.</exception>
    internal IReadOnlyList<JournalRow> Read(string id, long after = 0) => Ask(connection => Read(connection, id, after));

    /// <summary>Whether a run has events.</summary>
    /// <exception cref="NpgsqlException">The database cannot be read.</exception>
    internal bool Has(string id) =>
        Ask(connection =>
        {
            using var command = Command(
                connection,
                $"SELECT EXISTS (SELECT 1 FROM {Schema}.journal WHERE persistence_id = @id)",
                ("id", id)
            );
            return HasTables(connection) && (bool)command.ExecuteScalar()!;
        });

    /// <summary>Ids of the runs whose journals are named as <see cref="JournalPlace.IdInCluster"/> names them, the latest first.</summary>
    /// <exception cref="NpgsqlException">The database cannot be read.</exception>
    internal IReadOnlyList<string> RunsOfCluster() =>
        Ask(connection =>
        {
            using var command = Command(
                connection,
                $"SELECT run.run, run.id, (SELECT min(ordering) FROM {Schema}.journal WHERE persistence_id = run.id) AS begun FROM {Schema}.run "
                    + "ORDER BY begun DESC NULLS FIRST"
            );
            using var rows = command.ExecuteReader();
            var found = new List<string>();
            while (rows.Read())
            {
                if (rows.GetString(1) == JournalPlace.IdInCluster(rows.GetString(0)))
                {
                    found.Add(rows.GetString(0));
                }
            }

            return found;
        });

    private IReadOnlyList<JournalRow> Read(NpgsqlConnection connection, string id, long after)
    {
        if (!HasTables(connection))
        {
            return [];
        }

        using var command = Command(
            connection,
            $"SELECT message, manifest, identifier, sequence_number FROM {Schema}.journal WHERE persistence_id = @id AND sequence_number > @after AND NOT deleted ORDER BY sequence_number",
            ("id", id),
            ("after", after)
        );
        using var rows = command.ExecuteReader();
        var found = new List<JournalRow>();
        while (rows.Read())
        {
            found.Add(new JournalRow(id, rows.GetFieldValue<byte[]>(0), rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3)));
        }

        return found;
    }

    /// <summary>Adds events that were written elsewhere: all or none.</summary>
    /// <exception cref="PostgresException">One of their numbers is there already.</exception>
    internal void Add(string id, IEnumerable<JournalRow> rows)
    {
        using var connection = Open();
        using var transaction = connection.BeginTransaction();
        foreach (var row in rows)
        {
            Run(
                connection,
                $"""
                INSERT INTO {Schema}.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
                VALUES (@created, FALSE, @id, @number, @message, @manifest, @serializer, 'import')
                """,
                ("created", DateTime.UtcNow.Ticks),
                ("id", id),
                ("number", row.Number),
                ("message", row.Message),
                ("manifest", row.Manifest),
                ("serializer", row.Serializer)
            );
        }

        transaction.Commit();
    }

    private bool HasTables(NpgsqlConnection connection)
    {
        using var command = Command(
            connection,
            $"SELECT to_regclass('{Schema}.journal') IS NOT NULL AND to_regclass('{Schema}.run') IS NOT NULL"
        );
        return (bool)command.ExecuteScalar()!;
    }

    internal static void Run(NpgsqlConnection connection, string text, params (string Name, object? Value)[] values)
    {
        using var command = Command(connection, text, values);
        command.ExecuteNonQuery();
    }

    internal static NpgsqlCommand Command(NpgsqlConnection connection, string text, params (string Name, object? Value)[] values)
    {
        var command = new NpgsqlCommand(text, connection);
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }

    /// <summary>
    /// Does something that may be done twice: a connection that waited in the pool while the database was away is told by its first use
    /// only.
    /// </summary>
    /// <exception cref="NpgsqlException">It failed.</exception>
    internal T Ask<T>(Func<NpgsqlConnection, T> work)
    {
        try
        {
            using var connection = Open();
            return work(connection);
        }
        catch (NpgsqlException e) when (e.InnerException is not System.Net.Sockets.SocketException)
        {
            if (e is PostgresException { SqlState: not PostgresErrorCodes.AdminShutdown })
            {
                throw;
            }

            using var connection = OpenAlone();
            return work(connection);
        }
    }

    /// <summary>Does something that may be done twice, or says what cannot be done and what helps.</summary>
    /// <exception cref="CoinException">It failed.</exception>
    internal T Try<T>(string what, Func<NpgsqlConnection, T> work)
    {
        try
        {
            return Ask(work);
        }
        catch (Exception e) when (IsFault(e))
        {
            throw Fault(what, e);
        }
    }

    /// <summary>What comes of a database that is down, or does not know us.</summary>
    internal static bool IsFault(Exception e) =>
        e is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or IOException;

    internal CoinException Fault(string what, Exception e) =>
        new(
            $"The database {Name}, which keeps the run's journal, cannot be {what}: {e.GetBaseException().Message.TrimEnd('.')}. Is it up, may this host and user use it, "
                + "and is the password in PGPASSWORD or ~/.pgpass? Then try again.",
            e
        );

    // The columns are those of Akka.Persistence.Sql; the program makes them itself, since nodes that start at once would be in each other's
    // way.
    private const string Tables = """
        CREATE SCHEMA IF NOT EXISTS SCHEMA_NAME;
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.journal (
          ordering BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          created BIGINT NOT NULL,
          deleted BOOLEAN NOT NULL,
          persistence_id TEXT NOT NULL,
          sequence_number BIGINT NOT NULL,
          message BYTEA NOT NULL,
          manifest TEXT,
          identifier INTEGER,
          writer_uuid TEXT,
          CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number)
        );
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.snapshot (
          persistence_id TEXT NOT NULL,
          sequence_number BIGINT NOT NULL,
          created BIGINT NOT NULL,
          snapshot BYTEA,
          manifest TEXT,
          serializer_id INTEGER,
          PRIMARY KEY (persistence_id, sequence_number)
        );
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.tags (
          ordering_id BIGINT NOT NULL,
          tag TEXT NOT NULL,
          sequence_nr BIGINT NOT NULL,
          persistence_id TEXT NOT NULL,
          PRIMARY KEY (ordering_id, tag)
        );
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.run (
          id TEXT PRIMARY KEY,
          run TEXT NOT NULL,
          host TEXT NOT NULL,
          folder TEXT NOT NULL,
          owner TEXT
        );
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.identity (id TEXT NOT NULL);
        INSERT INTO SCHEMA_NAME.identity SELECT gen_random_uuid()::text WHERE NOT EXISTS (SELECT 1 FROM SCHEMA_NAME.identity);
        CREATE TABLE IF NOT EXISTS SCHEMA_NAME.lease (
          name TEXT PRIMARY KEY,
          owner TEXT NOT NULL,
          until TIMESTAMPTZ NOT NULL
        );
        """;
}
