namespace CoIN.Benchmark.Judging;

/// <summary>
/// Gives marks to answers: a language model behind an endpoint or on a device of this host, or a rule. It is opened on the thread that uses
/// it, by an <see cref="IJudgeFactory"/>, and closed by its owner.
/// </summary>
public interface IJudge : IDisposable
{
    /// <summary>
    /// What the replies depend on beside the request and the options, e.g. the SHA-256 of a local model's weights; empty where there is
    /// nothing else. Replies are kept under it, so a judge that replies differently must differ here.
    /// </summary>
    string Fingerprint { get; }

    /// <summary>How many requests it likes to get at once: a batch of a model, or as many as may be under way.</summary>
    int BatchSize { get; }

    /// <summary>Asks for marks.</summary>
    /// <param name="requests">Usually <see cref="BatchSize"/> of them or fewer.</param>
    /// <param name="replied">
    /// Is called once for each request with its place in <paramref name="requests"/> and the reply, as replies come, in any order and
    /// possibly from several threads at once. What it was called with is kept even if the rest fails.
    /// </param>
    /// <param name="stop">Gives the requests up that have no reply yet.</param>
    /// <returns>
    /// Completed when every request has its reply. A local model does its work before it returns, on the caller's thread.
    /// </returns>
    /// <exception cref="CoinException">The judge cannot be asked; the message names endpoint or files, and the remedy.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled.</exception>
    Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, JudgeReply> replied, CancellationToken stop);
}

/// <summary>One question to a judge.</summary>
/// <param name="System">The system message.</param>
/// <param name="User">The user message: question, ground truth, answer and what is wanted.</param>
/// <param name="Case">What the message is made of, for judges that do not read prose.</param>
public sealed record JudgeRequest(string System, string User, JudgedCase Case);

/// <summary>An answer with what it is to be compared with.</summary>
/// <param name="Rule">Which prompt it gets.</param>
/// <param name="Question">The test sample's text.</param>
/// <param name="Truth">Its reference answer.</param>
/// <param name="Answer">What the model answered.</param>
public sealed record JudgedCase(JudgeRule Rule, string Question, string Truth, string Answer);

/// <summary>The reference's two prompts (its <c>rule.json</c>).</summary>
public enum JudgeRule
{
    /// <summary>For answers in words.</summary>
    CoIN,

    /// <summary><c>CoIN_Grounding</c>, for boxes.</summary>
    Grounding,
}
