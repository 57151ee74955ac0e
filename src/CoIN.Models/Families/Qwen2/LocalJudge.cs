using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Models.Sequences;

namespace CoIN.Models.Families.Qwen2;

/// <summary>A Qwen1.5 or Qwen2 chat model on a device of this host as judge.</summary>
/// <param name="release">Gives the model back; called once.</param>
internal sealed class LocalJudge(Qwen2Model model, JudgeOptions options, Action release) : IJudge
{
    private readonly SamplingOptions sampling = new(options.Temperature, options.TopP, options.RepetitionPenalty, options.Seed);
    private Action? release = release;

    /// <inheritdoc/>
    public string Fingerprint => model.Sha256;

    /// <inheritdoc/>
    public int BatchSize => options.BatchSize;

    /// <inheritdoc/>
    public Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, JudgeReply> replied, CancellationToken stop)
    {
        for (var first = 0; first < requests.Count; first += BatchSize)
        {
            stop.ThrowIfCancellationRequested();
            var batch = requests.Skip(first).Take(BatchSize).Select(Messages).ToList();
            var replies = model.Reply(batch, options.MaxTokens, sampling);
            for (var i = 0; i < replies.Count; i++)
            {
                replied(first + i, new JudgeReply(replies[i]));
            }
        }

        return Task.CompletedTask;
    }

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();

    private static IReadOnlyList<ChatMessage> Messages(JudgeRequest request) => [new("system", request.System), new("user", request.User)];
}
