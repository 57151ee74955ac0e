using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using Microsoft.Data.Sqlite;

namespace CoIN.Actors.Tests.Journal;

public sealed class RunJournalTests : IDisposable
{
    private static readonly RunStarted Start = new("r", TinyExperiments.Of(2), new Dictionary<string, string>(), [10, 10], [7, 7]);
    private readonly TemporaryFolder folder = new();

    private string Run => folder.Of("r");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_new_folder_has_no_state() => Assert.Null(RunJournal.Read(folder.Of("new")));

    [Theory]
    [InlineData(false, "stages/1-Task1/adapter/w", "is gone, but the folder holds the stages of a run")]
    [InlineData(true, "predictions/stage-1/Task1.jsonl", "is empty, but the folder holds the predictions of a run")]
    [InlineData(true, "report.md", "is empty, but the folder holds the report.md of a run")]
    public void Results_without_their_journal_are_refused(bool empty, string left, string expected)
    {
        Put(left, "x");
        if (empty)
        {
            Put("journal.db", "");
        }

        var fault = Assert.Throws<CoinException>(() => RunJournal.Read(Run));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.Contains($"./run.sh run {Path.Combine(Run, "settings.conf")}", fault.Message, StringComparison.Ordinal);
        Assert.True(fault.IsFinal);
        Assert.Throws<CoinException>(() => RunJournal.Look(Run));
    }

    [Fact]
    public void A_journal_beside_the_report_of_another_run_is_refused()
    {
        Write("run-r", Start, new RunTakenUp("h", 1));
        Put("report.json", """{"run":"r"}""");
        Assert.Equal("r", RunJournal.Read(Run)!.Started!.RunId);
        Put("report.json", """{"run":"other"}""");
        var fault = Assert.Throws<CoinException>(() => RunJournal.Read(Run));
        Assert.Contains("is of the run r, but", fault.Message, StringComparison.Ordinal);
        Assert.Contains("is of the run other", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Impossible_numbers_and_missing_fields_are_damage_and_no_exception()
    {
        Write(
            "run-r",
            Start,
            new RunTakenUp("h", 1),
            new StageTrained(1, "Task1", "f", "s", null, 12, 1, 1, 1),
            new CellScored(1, 0, 941, 7, "f", "s")
        );
        Assert.Contains(
            "event 4 says accuracy 941",
            Assert.Throws<CoinException>(() => RunJournal.Read(Run)).Message,
            StringComparison.Ordinal
        );

        File.Delete(Path.Combine(Run, "journal.db"));
        WriteRaw("run-r", ("run-started:1", """{"number":1,"runId":"r"}"""));
        Assert.Contains(
            "event 1 says nothing of the experiment",
            Assert.Throws<CoinException>(() => RunJournal.Read(Run)).Message,
            StringComparison.Ordinal
        );

        File.Delete(Path.Combine(Run, "journal.db"));
        WriteRaw("run-r", ("withdrawn:1", "{}"));
        Assert.Contains(
            "'withdrawn:1' is no event of a run",
            Assert.Throws<CoinException>(() => RunJournal.Read(Run)).Message,
            StringComparison.Ordinal
        );

        File.Delete(Path.Combine(Run, "journal.db"));
        WriteRaw("run-r", ("run-taken-up:1", """{"number":99999999999999999999999,"at":"yesterday"}"""));
        Assert.Contains(
            "Cannot read the journal",
            Assert.Throws<CoinException>(() => RunJournal.Read(Run)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Events_of_several_runs_are_damage_that_names_them()
    {
        Write("run-a", Start);
        Write("run-b", Start);
        Assert.Contains(
            "several runs (run-a, run-b)",
            Assert.Throws<CoinException>(() => RunJournal.Read(Run)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_run_that_its_process_left_is_interrupted_for_those_who_look_on()
    {
        Write("run-r", Start, new RunTakenUp("h", 1));
        using (RunLock.Take(Run))
        {
            Assert.True(RunJournal.IsDriven(Run));
            Assert.Equal(RunStatus.Running, RunJournal.Look(Run)!.Status);
        }

        Assert.False(RunJournal.IsDriven(Run));
        Assert.Equal(RunStatus.Interrupted, RunJournal.Look(Run)!.Status);
        Assert.Equal(RunStatus.Running, RunJournal.Read(Run)!.Status);
    }

    [Fact]
    public async Task Who_looks_on_does_not_keep_a_process_from_taking_the_run()
    {
        RunLock.Take(Run).Dispose();
        var looking = new FileStream(Path.Combine(Run, "run.lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
        Assert.False(RunLock.IsHeld(Run));
        var taken = Task.Run(() => RunLock.Take(Run, TimeSpan.FromMinutes(1)));
        await Task.Delay(50);
        await looking.DisposeAsync();
        using var held = await taken;
        Assert.True(RunLock.IsHeld(Run));
    }

    [Fact]
    public void A_copy_holds_what_only_the_log_beside_the_journal_has()
    {
        Write("run-r", Start);
        using var writer = Open();
        Insert(writer, "run-r", 2, "run-taken-up:1", WireFormat.Write(new RunTakenUp("h", 1) { Number = 2 }));
        Assert.True(new FileInfo(Path.Combine(Run, "journal.db-wal")).Length > 0);
        Assert.Equal(
            ["run-started:1", "run-taken-up:1"],
            JournalFile.ReadCopy(Path.Combine(Run, "journal.db")).Select(row => row.Manifest)
        );
    }

    private void Put(string file, string text)
    {
        var path = Path.Combine(Run, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void Write(string persistenceId, params RunEvent[] events) =>
        WriteRaw(
            persistenceId,
            [
                .. events.Select(
                    (happened, place) =>
                        (
                            WireFormat.Manifest(happened),
                            System.Text.Encoding.UTF8.GetString(WireFormat.Write(happened with { Number = place + 1 }))
                        )
                ),
            ]
        );

    private void WriteRaw(string persistenceId, params (string Manifest, string Json)[] events)
    {
        using var connection = Open();
        for (var place = 0; place < events.Length; place++)
        {
            Insert(connection, persistenceId, place + 1, events[place].Manifest, System.Text.Encoding.UTF8.GetBytes(events[place].Json));
        }
    }

    /// <summary>The columns of Akka.Persistence.Sql that are read.</summary>
    private SqliteConnection Open()
    {
        Directory.CreateDirectory(Run);
        var path = Path.Combine(Run, "journal.db");
        JournalConfig.Prepare(path);
        var connection = new SqliteConnection(JournalConfig.ConnectionString(path, SqliteOpenMode.ReadWrite));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            "CREATE TABLE IF NOT EXISTS journal (persistence_id TEXT, sequence_number INTEGER, deleted INTEGER, message BLOB, manifest TEXT, identifier INTEGER)";
        command.ExecuteNonQuery();
        return connection;
    }

    private static void Insert(SqliteConnection connection, string persistenceId, long number, string manifest, byte[] message)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO journal VALUES ($id, $number, 0, $message, $manifest, $serializer)";
        command.Parameters.AddWithValue("$id", persistenceId);
        command.Parameters.AddWithValue("$number", number);
        command.Parameters.AddWithValue("$message", message);
        command.Parameters.AddWithValue("$manifest", manifest);
        command.Parameters.AddWithValue("$serializer", WireSerializer.Id);
        command.ExecuteNonQuery();
    }
}
