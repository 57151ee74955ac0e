using System.Collections.Concurrent;
using System.Diagnostics;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>
/// Writes what goes on into the runs' folders once a second, for processes that look on, and hands every snapshot on. Where it cannot be
/// written nobody sees it from outside, and the run goes on.
/// </summary>
internal sealed class LiveFiles : IRunObserver, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, RunSnapshot> latest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunSnapshot> written = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, string> folders;
    private readonly IRunObserver inner;
    private readonly Timer timer;
    private readonly Lock writing = new();
    private bool ended;

    /// <param name="folders">The runs' folders by their ids.</param>
    /// <param name="inner">Sees every snapshot.</param>
    public LiveFiles(IReadOnlyDictionary<string, string> folders, IRunObserver inner)
    {
        (this.folders, this.inner) = (folders, inner);
        foreach (var folder in folders.Values)
        {
            LiveProgress.Remove(folder);
        }

        timer = new Timer(_ => Write(), null, Interval, Interval);
    }

    public void Observe(RunSnapshot snapshot)
    {
        latest[snapshot.RunId] = snapshot;
        inner.Observe(snapshot);
    }

    public void Dispose()
    {
        timer.Dispose();
        lock (writing)
        {
            ended = true;
            foreach (var folder in folders.Values)
            {
                LiveProgress.Remove(folder);
            }
        }
    }

    private void Write()
    {
        lock (writing)
        {
            foreach (var (id, folder) in folders)
            {
                if (!ended && latest.TryGetValue(id, out var snapshot) && !ReferenceEquals(written.GetValueOrDefault(id), snapshot))
                {
                    written[id] = snapshot;
                    Write(folder, snapshot);
                }
            }
        }
    }

    private static void Write(string folder, RunSnapshot snapshot)
    {
        try
        {
            LiveProgress.Of(snapshot, DateTimeOffset.UtcNow).Write(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Debug.WriteLine($"{folder}: {e.Message}");
        }
    }
}
