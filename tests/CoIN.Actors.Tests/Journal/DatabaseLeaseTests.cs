using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;

namespace CoIN.Actors.Tests.Journal;

/// <summary>The lease as Akka gets it, in a real PostgreSQL.</summary>
public sealed class DatabaseLeaseTests : IAsyncLifetime
{
    private const int Seconds = 4;

    private PostgresServer server = null!;
    private JournalDatabase database = null!;
    private ActorSystem system = null!;

    public async ValueTask InitializeAsync()
    {
        await Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (system is not null)
        {
            await system.Terminate();
        }
    }

    [Fact]
    public async Task One_owner_has_it_keeps_it_by_renewing_and_gives_it_back()
    {
        await BeginAsync(await PostgresServer.SharedAsync());
        var (first, second) = (Lease("one"), Lease("two"));
        Assert.True(await first.Acquire());
        Assert.False(await second.Acquire());
        Assert.False(second.CheckLease());
        await Task.Delay(TimeSpan.FromSeconds(Seconds + 2), TestContext.Current.CancellationToken);
        Assert.True(first.CheckLease());
        Assert.False(await second.Acquire());
        Assert.True(await first.Release());
        Assert.False(first.CheckLease());
        Assert.True(await second.Acquire());
        Assert.True(await Lease("other", "another lease").Acquire());
    }

    [Fact]
    public async Task Of_an_owner_that_is_gone_it_ends_by_itself()
    {
        await BeginAsync(await PostgresServer.SharedAsync());
        Execute($"INSERT INTO coin.lease VALUES ('lease', 'gone', clock_timestamp() + interval '{Seconds} s')");
        var lease = Lease("one");
        Assert.False(await lease.Acquire());
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(20);
        while (!await lease.Acquire())
        {
            // The database's clock is not this one.
            Assert.True(DateTime.UtcNow < deadline);
            await Task.Delay(TimeSpan.FromSeconds(0.2), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task An_owner_hears_that_it_has_lost_it_to_another()
    {
        await BeginAsync(await PostgresServer.SharedAsync());
        var lost = new TaskCompletionSource<Exception?>();
        var lease = Lease("one");
        Assert.True(await lease.Acquire(lost.SetResult));
        Execute("UPDATE coin.lease SET owner = 'thief', until = clock_timestamp() + interval '1 h'");
        Assert.Null(await lost.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.False(lease.CheckLease());
    }

    [Fact]
    public async Task A_short_absence_of_the_database_is_borne_and_a_long_one_costs_the_lease()
    {
        await using var own = await PostgresServer.StartAsync();
        await BeginAsync(own, 12);
        var lost = new TaskCompletionSource<Exception?>();
        var lease = Lease("one");
        Assert.True(await lease.Acquire(lost.SetResult));
        await own.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        Assert.True(lease.CheckLease());
        await Assert.ThrowsAsync<LeaseException>(() => Lease("two").Acquire());
        await own.StartAgainAsync();
        await Task.Delay(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken);
        Assert.True(lease.CheckLease());
        Assert.False(lost.Task.IsCompleted);
        await own.KillAsync();
        Assert.IsType<LeaseException>(await lost.Task.WaitAsync(TimeSpan.FromSeconds(40), TestContext.Current.CancellationToken));
        Assert.False(lease.CheckLease());
        await system.Terminate();
    }

    private async Task BeginAsync(PostgresServer used, int seconds = Seconds)
    {
        server = used;
        database = JournalDatabase.Parse(await server.CreateDatabaseAsync());
        database.Prepare();
        system = ActorSystem.Create(
            "lease",
            DatabaseLease
                .Config(database, seconds)
                .WithFallback(ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"))
        );
    }

    private Lease Lease(string owner, string name = "lease") => LeaseProvider.Get(system).GetLease(name, DatabaseLease.Section, owner);

    private void Execute(string text) => database.Try("asked", connection =>
        {
            JournalDatabase.Run(connection, text);
            return 0;
        });
}
