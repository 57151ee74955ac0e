using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>
/// The threads among which a kernel's pieces are divided: the caller's and as many helpers as libtorch would use (<c>set_num_threads</c>).
/// Which thread does which piece is left to chance, so every piece has to be worth the same whoever does it.
/// </summary>
internal static class ComputeTeam
{
    private static readonly Lock Gate = new();
    private static readonly List<Helper> Helpers = [];

    /// <summary>Does all pieces, each once, and returns when the last is done.</summary>
    /// <param name="pieces">How many.</param>
    /// <param name="piece">Does one of them, on any thread.</param>
    public static void Run(int pieces, Action<int> piece)
    {
        var wanted = Math.Min(get_num_threads(), pieces) - 1;

        // One call at a time has the helpers. Another caller at the same moment (a second evaluator) works on alone: it has a thread of its
        // own, and waiting would bring nothing.
        if (wanted <= 0 || !Gate.TryEnter())
        {
            for (var i = 0; i < pieces; i++)
            {
                piece(i);
            }

            return;
        }

        try
        {
            while (Helpers.Count < wanted)
            {
                Helpers.Add(new Helper());
            }

            var job = new Job(pieces, piece);
            for (var i = 0; i < wanted; i++)
            {
                Helpers[i].Begin(job);
            }

            job.Work();
            for (var i = 0; i < wanted; i++)
            {
                Helpers[i].Finish();
            }

            job.Failure?.Throw();
        }
        finally
        {
            Gate.Exit();
        }
    }

    private sealed class Job(int pieces, Action<int> piece)
    {
        private int next = -1;

        public ExceptionDispatchInfo? Failure { get; private set; }

        public void Work()
        {
            try
            {
                for (var i = Interlocked.Increment(ref next); i < pieces; i = Interlocked.Increment(ref next))
                {
                    piece(i);
                }
            }
            catch (Exception failure)
            {
                Failure = ExceptionDispatchInfo.Capture(failure);
            }
        }
    }

    private sealed class Helper
    {
        private readonly SemaphoreSlim begin = new(0);
        private readonly SemaphoreSlim finished = new(0);
        private Job? job;

        public Helper() => new Thread(Serve) { IsBackground = true, Name = "kernel helper" }.Start();

        public void Begin(Job work)
        {
            job = work;
            begin.Release();
        }

        public void Finish() => finished.Wait();

        private void Serve()
        {
            while (true)
            {
                begin.Wait();
                job!.Work();
                job = null;
                finished.Release();
            }
        }
    }
}
