using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Work;

/// <summary>
/// The test sets that were read last: they are asked for after every stage. One is read again when its file is another than then, by size
/// and time of change, and only so many are kept. May be used by several threads at once.
/// </summary>
internal sealed class TestSets(int capacity)
{
    private readonly Lock gate = new();
    private readonly LinkedList<(string Path, long Length, DateTime Changed, IReadOnlyList<TestSample> Samples)> kept = new();

    public IReadOnlyList<TestSample> Of(string path)
    {
        var file = new FileInfo(path);
        var (length, changed) = file.Exists ? (file.Length, file.LastWriteTimeUtc) : (-1, default);
        lock (gate)
        {
            for (var node = kept.First; node is not null; node = node.Next)
            {
                if (node.Value.Path != path)
                {
                    continue;
                }

                kept.Remove(node);
                if ((node.Value.Length, node.Value.Changed) == (length, changed))
                {
                    kept.AddFirst(node);
                    return node.Value.Samples;
                }

                break;
            }

            // Within the lock: two evaluators that begin a stage ask for the same set at the same time.
            var samples = TestSamples.Read(path);
            kept.AddFirst((path, length, changed, samples));
            if (kept.Count > capacity)
            {
                kept.RemoveLast();
            }

            return samples;
        }
    }
}
