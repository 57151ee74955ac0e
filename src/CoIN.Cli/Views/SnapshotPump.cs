using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>
/// Carries the latest snapshot from actor threads to a thread of its own, a few times a second: drawing may be slow, and a reader that
/// does not read may block it, but the observer never waits.
/// </summary>
internal sealed class SnapshotPump : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Action<RunSnapshot?> draw;
    private readonly TimeSpan interval;
    private readonly ManualResetEventSlim ended = new();
    private readonly Thread thread;
    private volatile RunSnapshot? latest;

    /// <param name="draw">Is called on the pump's thread with the latest snapshot, null before the first, and once more at the end.</param>
    /// <param name="interval">Time between two calls.</param>
    public SnapshotPump(Action<RunSnapshot?> draw, TimeSpan interval)
    {
        this.draw = draw;
        this.interval = interval;
        thread = new Thread(Run) { IsBackground = true, Name = "view" };
        thread.Start();
    }

    public void Put(RunSnapshot snapshot) => latest = snapshot;

    public void Dispose()
    {
        ended.Set();

        // A terminal that does not take the last picture must not keep the process from ending.
        if (thread.Join(Patience))
        {
            ended.Dispose();
        }
    }

    private void Run()
    {
        while (!ended.Wait(interval))
        {
            draw(latest);
        }

        draw(latest);
    }
}
