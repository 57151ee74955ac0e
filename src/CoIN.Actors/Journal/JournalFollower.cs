using CoIN.Benchmark;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Journal;

/// <summary>
/// Lets the copy of a run's journal in its folder follow the database, so that the folder tells everything by itself. The run does not wait
/// for it.
/// </summary>
internal sealed class JournalFollower : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private readonly string runFolder;
    private readonly JournalPlace place;
    private readonly ILogger log;
    private readonly CancellationTokenSource end = new();
    private readonly Task work;
    private long last;
    private bool behind;

    private JournalFollower(string runFolder, JournalPlace place, ILogger log)
    {
        (this.runFolder, this.place, this.log) = (runFolder, place, log);
        last = JournalExchange.LastOf(runFolder);
        work = Task.Run(FollowAsync);
    }

    /// <summary>Begins; with a journal that is in the folder itself there is nothing to do.</summary>
    /// <returns>Its disposal copies what is left.</returns>
    public static IAsyncDisposable Start(string runFolder, ILogger log) =>
        JournalPlace.Of(runFolder) is { } place ? new JournalFollower(runFolder, place, log) : Nothing.Instance;

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync().ConfigureAwait(false);
        await work.ConfigureAwait(false);
        Copy();
        end.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!end.IsCancellationRequested)
        {
            Copy();
            await Task.Delay(Every, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Copy()
    {
        try
        {
            last = JournalExchange.Follow(runFolder, place, last);
            behind = false;
        }
        catch (Exception e) when (JournalDatabase.IsFault(e) || e is SqliteException or UnauthorizedAccessException or CoinException)
        {
            if (!behind)
            {
                log.LogWarning(
                    "The copy of the journal in {Folder} does not follow the database for now: {Reason}",
                    runFolder,
                    e.GetBaseException().Message
                );
            }

            behind = true;
        }
    }

    private sealed class Nothing : IAsyncDisposable
    {
        public static readonly Nothing Instance = new();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
