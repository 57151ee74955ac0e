using CoIN.Benchmark.Experiments;
using Polly.Timeout;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// What is told when an endpoint cannot be asked: which one, what it said, what to do. The key is blotted out, should the endpoint repeat
/// it.
/// </summary>
internal sealed class EndpointErrors(JudgeOptions options, string? key)
{
    private const int LongestQuote = 200;

    private string Subject => $"The judge {options.Name} at {options.Endpoint}";

    private string Attempts => options.Retries == 0 ? "once" : $"{options.Retries + 1} times";

    /// <summary>The fault for people.</summary>
    public CoinException Told(Exception fault) =>
        fault as CoinException
        ?? new CoinException(
            fault switch
            {
                EndpointRefusalException { Status: 401 or 403 } refused => $"{Subject} refuses the key ({refused.Status}{Said(refused)}). "
                    + (
                        options.ApiKeyEnv is null
                            ? "Name the environment variable that holds it in coin.judge.api-key-env"
                            : $"Correct the environment variable {options.ApiKeyEnv}"
                    )
                    + ", then resume the run.",
                EndpointRefusalException { Status: 404 } missing =>
                    $"{Subject} does not know the address or the model {options.Model} (404{Said(missing)}). "
                        + "Correct coin.judge.endpoint, which usually ends in /v1, or coin.judge.model.",
                EndpointRefusalException { QuotaIsUsedUp: true } spent =>
                    $"{Subject} refuses because a quota is used up (429{Said(spent)}). Look after the account there, then resume the run.",
                EndpointRefusalException { Status: 429 } busy =>
                    $"{Subject} refused {Attempts} for too many requests or a used-up quota (429{Said(busy)}). Lower coin.judge.concurrency or look after the quota, then resume the run.",
                EndpointRefusalException { Status: >= 500 } broken =>
                    $"{Subject} failed {Attempts} ({broken.Status}{Said(broken)}). Look at the server's log, then resume the run.",
                EndpointRefusalException { Status: null } unnamed =>
                    $"{Subject} answered {Attempts} with an error{Said(unnamed)}. Look at the server's log, then resume the run.",
                EndpointRefusalException other => $"{Subject} refused the request ({other.Status}{Said(other)}). {Setting(other)}",
                TimeoutRejectedException =>
                    $"{Subject} gave no reply within {options.Timeout:0.###} s, {Attempts}. Raise coin.judge.timeout or lower coin.judge.concurrency, then resume the run.",
                UnreadableReplyException garbage =>
                    $"{Subject} answered {Attempts} with something that is no chat completion: \"{Quoted(garbage.Message)}\". Correct coin.judge.endpoint, which usually ends in /v1.",
                _ => NoConnection(fault),
            },
            Blotted(fault)
        );

    private string NoConnection(Exception fault) =>
        $"{Subject} cannot be reached: {Quoted(fault.GetBaseException().Message).TrimEnd('.')} (tried {Attempts}). "
        + "Start the server and resume the run, or correct coin.judge.endpoint.";

    /// <summary>Which setting it is about.</summary>
    private string Setting(EndpointRefusalException refused)
    {
        var key = options.TokenLimitKey ?? JudgeOptions.MaxTokensKey;
        if (refused.Parameter == key || refused.Message.Contains($"'{key}' is not supported", StringComparison.Ordinal))
        {
            var other = key == JudgeOptions.MaxTokensKey ? JudgeOptions.MaxCompletionTokensKey : JudgeOptions.MaxTokensKey;
            return $"If it is the limit's name that it does not know, set coin.judge.token-limit-key = {other}.";
        }

        return refused.Parameter == "temperature" || refused.Message.Contains("'temperature'", StringComparison.Ordinal)
            ? "Set coin.judge.send-temperature = false, or coin.judge.temperature to a value that it takes."
            : "Correct the settings of coin.judge that it names.";
    }

    private string Said(EndpointRefusalException refused)
    {
        var quote = Quoted(refused.Message).TrimEnd('.');
        return quote.Length > 0 ? $": {quote}" : "";
    }

    private string Quoted(string text)
    {
        var line = WithoutKey(text).ReplaceLineEndings(" ").Trim();
        return line.Length <= LongestQuote ? line : line[..LongestQuote] + "…";
    }

    private string WithoutKey(string text) => key is { Length: > 0 } ? text.Replace(key, "…", StringComparison.Ordinal) : text;

    /// <summary>The cause for the log's stack trace, but where its text holds the key.</summary>
    private Exception? Blotted(Exception fault) =>
        key is { Length: > 0 } && fault.ToString().Contains(key, StringComparison.Ordinal) ? null : fault;
}
