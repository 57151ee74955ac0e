using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Journal;

/// <summary>
/// Adds events to the journal of a run that nobody drives, in the way in which its supervisor would. Who calls this holds the run's lock.
/// </summary>
internal static class JournalAppender
{
    private static readonly Config Quiet = ConfigurationFactory.ParseString(
        """
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off, coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off } }
        """
    );

    /// <summary>Adds all events, or none of them.</summary>
    /// <param name="events">At least one; numbers and times are given here.</param>
    /// <returns>The run's state with them.</returns>
    /// <exception cref="CoinException">The journal cannot be read or written.</exception>
    public static async Task<RunState> AppendAsync(string runId, string runFolder, IReadOnlyList<RunEvent> events)
    {
        // An ended run is changed in its folder while its database is away, and the database is told when the run is next taken up.
        var place = JournalPlace.Of(runFolder) is { } known && known.Open.IsThere() ? known : null;
        var spot = place is not null ? JournalSpot.Of(place) : JournalSpot.File(Path.Combine(runFolder, RunPaths.Journal), runId);
        spot.Prepare();
        var done = new TaskCompletionSource<RunState>(TaskCreationOptions.RunContinuationsAsynchronously);
        var system = ActorSystem.Create("coin", Quiet.WithFallback(JournalConfig.For(spot)));
        try
        {
            system.ActorOf(Props.Create(() => new Appender(spot.PersistenceId, events, done)));
            var state = await done.Task.ConfigureAwait(false);
            if (place is not null)
            {
                JournalExchange.Follow(runFolder, place, JournalExchange.LastOf(runFolder));
            }

            return state;
        }
        catch (Exception e) when (e is not CoinException)
        {
            throw new CoinException(
                $"The journal {spot.Name} cannot be written: {e.GetBaseException().Message} {spot.Remedy}, then try again.",
                e
            );
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }

    private sealed class Appender : JournalWriter
    {
        private readonly TaskCompletionSource<RunState> done;

        public Appender(string persistenceId, IReadOnlyList<RunEvent> events, TaskCompletionSource<RunState> done)
            : base(persistenceId)
        {
            this.done = done;
            var left = events.Count;
            Recover<RecoveryCompleted>(_ => Append(events, _ =>
                {
                    if (--left == 0)
                    {
                        done.TrySetResult(State);
                    }
                }));
        }

        protected override void Broken(string what, Exception cause) => done.TrySetException(cause);

        protected override void PostStop()
        {
            done.TrySetException(new InvalidOperationException("the journal's writer ended before its work."));
            base.PostStop();
        }
    }
}
