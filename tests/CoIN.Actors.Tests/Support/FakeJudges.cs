using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Actors.Tests.Support;

/// <summary>Judges that remember what they were asked, and fail or wait when they are told to.</summary>
internal sealed class FakeJudges : IJudgeFactory
{
    public ConcurrentQueue<string> Asked { get; } = [];

    public ConcurrentQueue<JudgeOptions> Opened { get; } = [];

    /// <summary>How many judges were closed again.</summary>
    public int Closed { get; private set; }

    /// <summary>Why the endpoint is down; null while it is up.</summary>
    public string? Down { get; set; }

    /// <summary>What happens before each reply.</summary>
    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>What it says of an answer.</summary>
    public Func<string, JudgeReply> Reply { get; init; } = answer => new JudgeReply(answer is ['0' or '2' or '4'] ? "Score: 10" : "hm");

    /// <summary>Why the judge cannot be opened, found without asking it; null where it can.</summary>
    public string? Unusable { get; init; }

    public void Check(JudgeOptions options)
    {
        if (Unusable is not null)
        {
            throw new CoinException(Unusable);
        }
    }

    public IJudge Open(JudgeOptions options, string device, int threads)
    {
        Opened.Enqueue(options);
        return new Judge(this);
    }

    private sealed class Judge(FakeJudges owner) : IJudge
    {
        public string Fingerprint => "";

        public int BatchSize => 2;

        public async Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, JudgeReply> replied, CancellationToken stop)
        {
            for (var place = 0; place < requests.Count; place++)
            {
                await owner.Before(stop).ConfigureAwait(false);
                stop.ThrowIfCancellationRequested();
                if (owner.Down is { } why)
                {
                    throw new CoinException(why);
                }

                owner.Asked.Enqueue(requests[place].User);
                replied(place, owner.Reply(requests[place].Case.Answer));
            }
        }

        public void Dispose() => owner.Closed++;
    }
}
