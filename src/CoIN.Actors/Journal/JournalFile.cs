using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Journal;

/// <summary>An event as it lies in the journal's table.</summary>
/// <param name="Number">Its place among the events of its run, from 1.</param>
internal sealed record JournalRow(string PersistenceId, byte[] Message, string Manifest, int Serializer, long Number);

/// <summary>Reads the table of events, also where its file and folder may only be read.</summary>
internal static class JournalFile
{
    private const int Attempts = 3;

    // PERM, READONLY, IOERR and CANTOPEN: the file, its folder or the shared memory beside it cannot be written.
    private static readonly int[] Unwritable = [3, 8, 10, 14];

    /// <exception cref="SqliteException">The file is no database, or a damaged one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static IReadOnlyList<JournalRow> Read(string path)
    {
        // Read-only access to a file in write-ahead mode needs its companions, which are gone after a clean end; so it is opened for
        // writing and not written.
        try
        {
            return Rows(path, SqliteOpenMode.ReadWrite);
        }
        catch (SqliteException e) when (Unwritable.Contains(e.SqliteErrorCode))
        {
            return ReadOnly(path);
        }
    }

    /// <summary>Beside a process that writes, its companions are there; else nobody writes, and a copy is what the file is.</summary>
    private static List<JournalRow> ReadOnly(string path)
    {
        try
        {
            return Rows(path, SqliteOpenMode.ReadOnly);
        }
        catch (SqliteException e) when (Unwritable.Contains(e.SqliteErrorCode))
        {
            return ReadCopy(path);
        }
    }

    internal static List<JournalRow> ReadCopy(string path)
    {
        var folder = Directory.CreateTempSubdirectory("coin-journal-").FullName;
        try
        {
            return Rows(Copy(path, folder), SqliteOpenMode.ReadWrite);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Copies the file and what is not yet written back from its log, both of one moment.</summary>
    private static string Copy(string path, string folder)
    {
        var copy = Path.Combine(folder, Path.GetFileName(path));
        for (var attempt = 1; ; attempt++)
        {
            var before = Stamp(path);

            // A log that was there at the former attempt and is written back by now must not be read beside the newer file.
            File.Delete(copy + "-wal");
            foreach (var companion in new[] { "", "-wal" }.Where(companion => File.Exists(path + companion)))
            {
                // Not File.Copy: the copy must not inherit that it may only be read.
                using var from = new FileStream(path + companion, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var to = new FileStream(copy + companion, FileMode.Create, FileAccess.Write);
                from.CopyTo(to);
            }

            if (attempt == Attempts || Stamp(path) == before)
            {
                return copy;
            }
        }
    }

    private static (DateTime, long, DateTime, long) Stamp(string path)
    {
        var (file, log) = (new FileInfo(path), new FileInfo(path + "-wal"));
        return (file.LastWriteTimeUtc, file.Length, log.LastWriteTimeUtc, log.Exists ? log.Length : -1);
    }

    /// <summary>Adds events that were written elsewhere to the file, all or none; makes the file where there is none.</summary>
    /// <exception cref="SqliteException">The file cannot be written, or holds other events of these numbers.</exception>
    public static void Add(string path, string persistenceId, IReadOnlyCollection<JournalRow> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        using var connection = new SqliteConnection(JournalConfig.ConnectionString(path, SqliteOpenMode.ReadWriteCreate));
        connection.Open();
        using (var tables = connection.CreateCommand())
        {
            // As Akka.Persistence.Sql makes them: the file goes on as a journal by itself.
            tables.CommandText = """
                CREATE TABLE IF NOT EXISTS journal (
                  ordering INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, deleted Bit NOT NULL, persistence_id NVarChar(255) NOT NULL,
                  sequence_number INTEGER NOT NULL, message VarBinary NOT NULL, manifest NVarChar(500) NULL, identifier INTEGER NULL, writer_uuid NVarChar(128) NULL);
                CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
                CREATE INDEX IF NOT EXISTS journal_created_idx ON journal (created);
                CREATE INDEX IF NOT EXISTS journal_sequence_number_idx ON journal (sequence_number);
                """;
            tables.ExecuteNonQuery();
        }

        using var transaction = connection.BeginTransaction();
        foreach (var row in rows)
        {
            using var command = connection.CreateCommand();
            command.CommandText = """
                INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
                VALUES ($created, 0, $id, $number, $message, $manifest, $serializer, 'copy')
                """;
            command.Parameters.AddWithValue("$created", DateTime.UtcNow.Ticks);
            command.Parameters.AddWithValue("$id", persistenceId);
            command.Parameters.AddWithValue("$number", row.Number);
            command.Parameters.AddWithValue("$message", row.Message);
            command.Parameters.AddWithValue("$manifest", row.Manifest);
            command.Parameters.AddWithValue("$serializer", row.Serializer);
            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private static List<JournalRow> Rows(string path, SqliteOpenMode mode)
    {
        using var connection = new SqliteConnection(JournalConfig.ConnectionString(path, mode));
        connection.Open();
        using var table = connection.CreateCommand();
        table.CommandText = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        var found = new List<JournalRow>();
        if ((long)table.ExecuteScalar()! == 0)
        {
            return found;
        }

        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT persistence_id, message, manifest, identifier, sequence_number FROM journal WHERE deleted = 0 ORDER BY sequence_number";
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            found.Add(
                new JournalRow(rows.GetString(0), rows.GetFieldValue<byte[]>(1), rows.GetString(2), rows.GetInt32(3), rows.GetInt64(4))
            );
        }

        return found;
    }
}
