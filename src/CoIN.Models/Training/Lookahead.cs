namespace CoIN.Models.Training;

/// <summary>
/// Makes numbered items ahead of their use, on other threads: while one is used, the next few are being made. They come out in their order,
/// so results do not depend on who is faster; what fails throws where it is taken. At most <paramref name="depth"/> items wait at a time.
/// </summary>
/// <param name="first">Number of the first item.</param>
/// <param name="end">Number behind the last one.</param>
/// <param name="make">Makes an item from its number; called on any thread, several times at once.</param>
internal sealed class Lookahead<T>(long first, long end, int depth, Func<long, T> make) : IDisposable
{
    private readonly Queue<Task<T>> waiting = new();
    private readonly CancellationTokenSource stopped = new();
    private long next = first;

    /// <summary>The next item; waits for it where it is not ready.</summary>
    public T Take()
    {
        Fill(depth);
        var taken = waiting.TryDequeue(out var ready) ? ready : throw new InvalidOperationException($"There is no item beyond {end - 1}.");

        // What follows is made while this one is used.
        Fill(depth);
        return taken.GetAwaiter().GetResult();
    }

    /// <summary>Makes no further items, and waits for those in the making.</summary>
    public void Dispose()
    {
        stopped.Cancel();
        Task.WhenAll(waiting)
            .ContinueWith(
                ended => _ = ended.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default
            )
            .Wait();
        stopped.Dispose();
    }

    private void Fill(int count)
    {
        while (waiting.Count < count && next < end)
        {
            var number = next++;
            waiting.Enqueue(Task.Run(() => make(number), stopped.Token));
        }
    }
}
