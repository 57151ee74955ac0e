using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

/// <summary>Runs whose journal is in a real PostgreSQL.</summary>
public sealed class DatabaseJournalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_ends_as_one_with_a_file_does_and_its_folder_tells_everything_without_the_database()
    {
        await Run("file", null, TinyExperiments.Of(3));
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        var last = await Run("db", database, TinyExperiments.Of(3));
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(Contents("file"), Contents("db"));
        Assert.Equal(RowsIn("db").Select(row => row.Manifest), JournalFile.Read(folder.Of("db/journal.db")).Select(row => row.Manifest));

        var cells = RunJournal.Read(folder.Of("db"))!.Cells.Values.ToList();
        await server.KillAsync();
        Assert.Equal(Contents("file"), Contents("db"));

        // What is done to an ended run meanwhile is in its folder, and comes into the database when it is there again.
        var work = new FakeWork { CorrectedFrom = 'c' };
        Assert.NotEmpty((await RunChanges.RescoreAsync(folder.Of("db"), work, TestContext.Current.CancellationToken)).Changes);
        var corrected = RunJournal.Read(folder.Of("db"))!.Cells.Values.Select(cell => cell.Corrected).ToList();
        Assert.NotEqual(cells.Select(cell => cell.Corrected), corrected);
        await server.StartAgainAsync();
        Assert.True(RowsIn("db").Count < JournalFile.Read(folder.Of("db/journal.db")).Count);
        Assert.Equal(RunStatus.Completed, (await Run("db", null, null)).Status);
        Assert.Equal(RowsIn("db").Select(row => row.Message), JournalFile.Read(folder.Of("db/journal.db")).Select(row => row.Message));
        Assert.Equal(corrected, RunJournal.Read(folder.Of("db"))!.Cells.Values.Select(cell => cell.Corrected));

        // No file of the run, and nothing that the server wrote down, holds the password.
        Assert.All(Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories), path =>
            Assert.DoesNotContain(PostgresServer.Password, File.ReadAllText(path))
        );
        Assert.DoesNotContain(PostgresServer.Password, server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_database_is_down_a_run_waits_and_then_goes_on_to_the_same_bytes()
    {
        await Run("whole", null, TinyExperiments.Of(2));
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        var under = new TaskCompletionSource();
        var seen = new List<RunSnapshot>();
        var run = Run(
            "db",
            database,
            TinyExperiments.Of(2),
            new FakeLearners(stepMilliseconds: 150),
            new Witness(snapshot =>
            {
                lock (seen)
                {
                    seen.Add(snapshot);
                }

                if (snapshot.Training is { Stage: 1, Step: > 4 })
                {
                    under.TrySetResult();
                }
            })
        );
        await Task.WhenAny(under.Task, run);
        await server.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(12), TestContext.Current.CancellationToken);
        Assert.False(run.IsCompleted);
        await server.StartAgainAsync();
        var back = DateTimeOffset.UtcNow;
        var last = await run;
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal(Contents("whole"), Contents("db"));
        var events = RowsIn("db").Select(row => RunJournal.EventOf(row)!).ToList();
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(happened => (int)happened.Number));
        Assert.InRange((events.First(happened => happened.At > back).At - back).TotalSeconds, 0, 15);
    }

    [Fact]
    public async Task Asked_to_stop_while_the_database_is_down_it_stops_when_that_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        using var stop = new CancellationTokenSource();
        var under = new TaskCompletionSource();
        var run = Run(
            "db",
            database,
            TinyExperiments.Of(2),
            new FakeLearners(stepMilliseconds: 150),
            new Witness(snapshot =>
            {
                if (snapshot.Training is { Stage: 1, Step: > 4 })
                {
                    under.TrySetResult();
                }
            }),
            stop.Token
        );
        await Task.WhenAny(under.Task, run);
        await server.KillAsync();
        await stop.CancelAsync();
        await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
        await server.StartAgainAsync();
        Assert.Equal(RunStatus.Stopped, (await run).Status);
        Assert.Equal(RunStatus.Completed, (await Run("db", database, null)).Status);
    }

    [Fact]
    public async Task A_run_that_began_with_a_file_goes_on_in_the_database()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await Run("whole", null, TinyExperiments.Of(2));
        await StopInStage2("r", null);
        var before = JournalFile.Read(folder.Of("r/journal.db"));
        Assert.Equal(RunStatus.Completed, (await Run("r", database, null)).Status);
        Assert.Equal(Contents("whole"), Contents("r"));
        Assert.Equal(before.Select(row => row.Message), RowsIn("r").Take(before.Count).Select(row => row.Message));
        Assert.True(RowsIn("r").Count > before.Count);
    }

    [Fact]
    public async Task Two_peoples_runs_of_one_name_do_not_meet()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var (first, second) = (Run("ann/r", database, TinyExperiments.Of(2)), Run("bob/r", database, TinyExperiments.Of(3)));
        Assert.Equal([RunStatus.Completed, RunStatus.Completed], [(await first).Status, (await second).Status]);
        Assert.Equal((2, 3), (RunJournal.Read(folder.Of("ann/r"))!.Trained.Count, RunJournal.Read(folder.Of("bob/r"))!.Trained.Count));
    }

    [Fact]
    public async Task A_renamed_folder_goes_on_as_what_it_is_and_a_copy_is_refused_or_goes_on_by_itself()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await StopInStage2("r", database);
        Directory.Move(folder.Of("r"), folder.Of("renamed"));
        Assert.Equal(RunStatus.Stopped, RunJournal.Read(folder.Of("renamed"))!.Status);
        await StopAt(2, "renamed", database, null);

        Copy("renamed", "copy");
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("copy", database, null));
        Assert.Contains($"{folder.Of("copy")} is a copy of {folder.Of("renamed")}", fault.Message, StringComparison.Ordinal);
        File.Delete(folder.Of("copy/journal.json"));
        Assert.Equal(RunStatus.Completed, (await Run("copy", database, null)).Status);
        Assert.Equal(RunStatus.Stopped, RunJournal.Read(folder.Of("renamed"))!.Status);
        Assert.Equal(RunStatus.Completed, (await Run("renamed", database, null)).Status);
        Assert.Equal(Contents("renamed"), Contents("copy"));
    }

    [Fact]
    public async Task A_run_that_is_driven_from_another_folder_is_locked_and_told_by_whom()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await StopInStage2("r", database);
        Copy("r", "elsewhere");
        using (RunLock.Take(folder.Of("r"), JournalDatabase.Parse(database)))
        {
            Assert.True(RunJournal.IsDriven(folder.Of("elsewhere")));
            var fault = Assert.Throws<CoinException>(() => RunLock.Take(folder.Of("elsewhere"), database: null));
            Assert.Contains($"driven by process {Environment.ProcessId} on", fault.Message, StringComparison.Ordinal);
        }

        Assert.False(RunJournal.IsDriven(folder.Of("elsewhere")));
    }

    [Fact]
    public async Task A_lock_outlives_a_database_that_starts_again_and_is_lost_only_to_another()
    {
        await using var server = await PostgresServer.StartAsync();
        var place = JournalPlace.New(JournalDatabase.Parse(await server.CreateDatabaseAsync()), "r");
        using var first = DatabaseLock.Take(place, folder.Path, "r", "the first");
        var lost = new TaskCompletionSource();
        first.Lost += lost.SetResult;
        await server.CutAsync();
        await Until(() => DatabaseLock.IsHeld(place));
        Assert.Contains(
            "driven by the first",
            Assert.Throws<CoinException>(() => DatabaseLock.Take(place, folder.Path, "r", "the second")).Message,
            StringComparison.Ordinal
        );

        // Between the cut and the first's next look, somebody else is faster.
        DatabaseLock? second = null;
        for (var attempt = 0; second is null && attempt < 20; attempt++)
        {
            await server.CutAsync();
            try
            {
                second = DatabaseLock.Take(place, folder.Path, "r", "the second");
            }
            catch (CoinException)
            {
                // The first was faster.
            }
        }

        Assert.NotNull(second);
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        second.Dispose();
    }

    [Fact]
    public async Task Two_histories_of_one_run_are_told_and_neither_is_taken()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await StopInStage2("r", database);
        var place = JournalPlace.Of(folder.Of("r"))!;
        var copy = JournalFile.Read(folder.Of("r/journal.db"));
        var stray = copy[^1] with { Number = copy.Count + 1 };
        JournalFile.Add(folder.Of("r/journal.db"), copy[0].PersistenceId, [stray]);
        place.Open.Add(place.Id, [stray with { Message = copy[0].Message, Manifest = copy[0].Manifest }]);
        var fault = Assert.Throws<CoinException>(() => RunJournal.Read(folder.Of("r")));
        Assert.Contains($"from event {stray.Number} on", fault.Message, StringComparison.Ordinal);
        Assert.Contains(
            "two histories",
            (await Assert.ThrowsAsync<CoinException>(() => Run("r", database, null))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_run_under_way_is_not_read_from_a_copy_that_may_be_old()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        await StopInStage2("r", database);
        var place = JournalPlace.Of(folder.Of("r"))!;
        await JournalAppender.AppendAsync("r", folder.Of("r"), [new RunTakenUp("h", 1)]);
        await server.KillAsync();
        var fault = Assert.Throws<CoinException>(() => RunJournal.Read(folder.Of("r")));
        Assert.Contains("cannot be reached", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{server.Port}", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Without journal.json", fault.Message, StringComparison.Ordinal);
        Assert.NotNull(place);

        // Who only looks on is told what the copy knows. Whether somebody drives it only the database could tell: the copy's word stands.
        var seen = RunJournal.Look(folder.Of("r"), lagging: true)!;
        Assert.Equal((RunStatus.Running, JournalFile.Read(folder.Of("r/journal.db")).Count), (seen.Status, (int)seen.Number));
    }

    [Fact]
    public async Task Another_database_than_the_runs_is_refused()
    {
        var server = await PostgresServer.SharedAsync();
        await StopInStage2("r", await server.CreateDatabaseAsync());
        var other = await server.CreateDatabaseAsync();
        Assert.Contains(
            "coin.cluster.journal names",
            (await Assert.ThrowsAsync<CoinException>(() => Run("r", other, null))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Nodes_that_begin_at_once_make_the_tables_once()
    {
        var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => JournalDatabase.Parse(database).Prepare())));
    }

    [Fact]
    public async Task A_database_that_lets_nobody_in_is_told_without_the_password()
    {
        var server = await PostgresServer.SharedAsync();
        var fault = await Assert.ThrowsAsync<CoinException>(() =>
            Run("r", $"Host=127.0.0.1;Port={server.Port};Database=nowhere;Username=coin", TinyExperiments.Of(1))
        );
        Assert.Contains("database \"nowhere\" does not exist", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(PostgresServer.Password, fault.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.Of("r/journal.json")));
    }

    private Task StopInStage2(string id, string? database) => StopAt(2, id, database, TinyExperiments.Of(2));

    /// <summary>Stops a run in the middle of a stage, however slow the computer is.</summary>
    private async Task StopAt(int stage, string id, string? database, ExperimentOptions? options)
    {
        using var stop = new CancellationTokenSource();
        var last = await Run(
            id,
            database,
            options,
            new FakeLearners(
                atStep: (at, step) =>
                {
                    if (at == stage && step > 3)
                    {
                        stop.Cancel();
                        Thread.Sleep(1000);
                    }
                }
            ),
            null,
            stop.Token
        );
        Assert.Equal(RunStatus.Stopped, last.Status);
    }

    private Task<RunSnapshot> Run(
        string id,
        string? database,
        ExperimentOptions? options,
        FakeLearners? learners = null,
        Witness? witness = null,
        CancellationToken stop = default
    ) =>
        RunHost
            .RunAsync(
                new RunRequest(
                    Path.GetFileName(id),
                    folder.Of(id),
                    options,
                    new NodeSettings { Cluster = new ClusterSettings { Journal = database } }
                ),
                learners ?? new FakeLearners(),
                new FakeJudges(),
                new FakeWork(),
                witness ?? new Witness(),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(90));

    private IReadOnlyList<JournalRow> RowsIn(string id)
    {
        var place = JournalPlace.Of(folder.Of(id))!;
        return place.Open.Read(place.Id);
    }

    private void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(folder.Of(from), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(folder.Of(to), Path.GetRelativePath(folder.Of(from), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var attempt = 0; attempt < 400 && !condition(); attempt++)
        {
            await Task.Delay(50);
        }

        Assert.True(condition());
    }

    private List<string> Contents(string id) =>
        [
            .. Directory
                .GetFiles(folder.Of(id), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder.Of(id), path))
                .Where(path => new[] { "stages", "predictions", "scores" }.Any(part => path.StartsWith(part, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
                .Select(path => $"{path}: {File.ReadAllText(Path.Combine(folder.Of(id), path))}"),
            .. RunJournal
                .Read(folder.Of(id))!
                .Cells.OrderBy(cell => cell.Key)
                .Select(cell => $"{cell.Value with { Number = 0, At = default }}"),
        ];
}
