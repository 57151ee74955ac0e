using System.Collections.Concurrent;
using CoIN.Benchmark.Judging;

namespace CoIN.Actors.Workers;

/// <summary>
/// The kept replies of the runs that this process judges: one file is written by one process, whatever the number of its judges.
/// </summary>
internal sealed class JudgementCaches : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<JudgementCache>> caches = new(StringComparer.Ordinal);

    public JudgementCache Of(string folder) =>
        caches.GetOrAdd(folder, path => new Lazy<JudgementCache>(() => new JudgementCache(path, Environment.MachineName))).Value;

    public void Dispose()
    {
        foreach (var cache in caches.Values.Where(cache => cache.IsValueCreated))
        {
            cache.Value.Dispose();
        }
    }
}
