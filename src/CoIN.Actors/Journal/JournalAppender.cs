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
    private static readonly Config Quiet = ConfigurationFactory.ParseString("""
        akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off, coordinated-shutdown { exit-clr = off, run-by-clr-shutdown-hook = off } }
        """);

    /// <summary>Adds all events, or none of them.</summary>
    /// <param name="events">At least one; numbers and times are given here.</param>
    /// <returns>The run's state with them.</returns>
    /// <exception cref="CoinException">The journal cannot be read or written.</exception>
    public static async Task<RunState> AppendAsync(string runId, string runFolder, IReadOnlyList<RunEvent> events)
    {
        var path = Path.Combine(runFolder, RunPaths.Journal);
        JournalConfig.Prepare(path);
        var done = new TaskCompletionSource<RunState>(TaskCreationOptions.RunContinuationsAsynchronously);
        var system = ActorSystem.Create("coin", Quiet.WithFallback(JournalConfig.For(path)));
        try
        {
            system.ActorOf(Props.Create(() => new Appender(runId, events, done)));
            return await done.Task.ConfigureAwait(false);
        }
        catch (Exception e) when (e is not CoinException)
        {
            throw new CoinException(
                $"The journal {path} cannot be written: {e.GetBaseException().Message} Free space on the disk or mend its permissions, then try again.", e);
        }
        finally
        {
            await system.Terminate().ConfigureAwait(false);
        }
    }

    private sealed class Appender : JournalWriter
    {
        private readonly TaskCompletionSource<RunState> done;

        public Appender(string runId, IReadOnlyList<RunEvent> events, TaskCompletionSource<RunState> done)
            : base(runId)
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
