namespace CoIN.Models.Training;

/// <summary>
/// Makes items ahead of their use, on other threads: while one is used, the next few are being made. They come out in their order, so
/// results do not depend on who is faster; what fails throws where it is taken. At most <paramref name="depth"/> items wait at a time.
/// </summary>
/// <param name="work">What items are made of, in their order; asked for by the thread that takes them.</param>
/// <param name="make">Makes an item; called on any thread, several times at once.</param>
internal sealed class Lookahead<TWork, T>(IEnumerable<TWork> work, int depth, Func<TWork, T> make) : IDisposable
{
    private readonly IEnumerator<TWork> work = work.GetEnumerator();
    private readonly Queue<Task<T>> waiting = new();
    private readonly CancellationTokenSource stopped = new();

    /// <summary>The next item; waits for it where it is not ready.</summary>
    public T Take()
    {
        Fill(depth);
        var taken = waiting.TryDequeue(out var ready) ? ready : throw new InvalidOperationException("There is no further item.");

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
        work.Dispose();
    }

    private void Fill(int count)
    {
        while (waiting.Count < count && work.MoveNext())
        {
            var next = work.Current;
            waiting.Enqueue(Task.Run(() => make(next), stopped.Token));
        }
    }
}
