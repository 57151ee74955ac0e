using CoIN.Benchmark.Runs;

namespace CoIN.Cli.Views;

/// <summary>
/// Carries the latest snapshot from actor threads to a thread of its own, a few times a second: drawing may be slow, and a reader that
/// does not read may block it, but the observer never waits.
/// </summary>
internal sealed class SnapshotPump : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Action<RunSnapshot?> _draw;
    private readonly TimeSpan _interval;
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _thread;
    private volatile RunSnapshot? _latest;

    /// <param name="draw">Is called on the pump's thread with the latest snapshot, null before the first, and once more at the end.</param>
    /// <param name="interval">Time between two calls.</param>
    public SnapshotPump(Action<RunSnapshot?> draw, TimeSpan interval)
    {
        _draw = draw;
        _interval = interval;
        _thread = new Thread(Run) { IsBackground = true, Name = "view" };
        _thread.Start();
    }

    public void Put(RunSnapshot snapshot) => _latest = snapshot;

    public void Dispose()
    {
        _ended.Set();

        // A terminal that does not take the last picture must not keep the process from ending.
        if (_thread.Join(Patience))
        {
            _ended.Dispose();
        }
    }

    private void Run()
    {
        while (!_ended.Wait(_interval))
        {
            _draw(_latest);
        }

        _draw(_latest);
    }
}
