using System.ClientModel;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Polly.Timeout;

namespace CoIN.Benchmark.Judging;

/// <summary>What is told when an endpoint cannot be asked: which one, what it said, what to do. The key is blotted out, should the endpoint repeat it.</summary>
internal sealed class EndpointErrors(JudgeOptions options, string? key)
{
    private const int LongestQuote = 200;

    private string Subject => $"The judge {options.Name} at {options.Endpoint}";

    private string Attempts => options.Retries == 0 ? "once" : $"{options.Retries + 1} times";

    /// <summary>The fault for people.</summary>
    public CoinException Told(Exception fault) => fault as CoinException ?? new CoinException(
        fault switch
        {
            ClientResultException { Status: 0 } lost => NoConnection(lost),
            ClientResultException { Status: 401 or 403 } refused =>
                $"{Subject} refuses the key ({refused.Status}{Said(refused)}). "
                + (options.ApiKeyEnv is null ? "Name the environment variable that holds it in coin.judge.api-key-env" : $"Correct the environment variable {options.ApiKeyEnv}")
                + ", then resume the run.",
            ClientResultException { Status: 404 } missing =>
                $"{Subject} does not know the address or the model {options.Model} (404{Said(missing)}). "
                + "Correct coin.judge.endpoint, which usually ends in /v1, or coin.judge.model.",
            ClientResultException { Status: 429 } busy =>
                $"{Subject} refused {Attempts} for too many requests or a used-up quota (429{Said(busy)}). Lower coin.judge.concurrency or look after the quota, then resume the run.",
            ClientResultException { Status: >= 500 } broken =>
                $"{Subject} failed {Attempts} ({broken.Status}{Said(broken)}). Look at the server's log, then resume the run.",
            ClientResultException other =>
                $"{Subject} refused the request ({other.Status}{Said(other)}). Correct the settings of coin.judge that it names.",
            TimeoutRejectedException =>
                $"{Subject} gave no reply within {options.Timeout:0.###} s, {Attempts}. Raise coin.judge.timeout or lower coin.judge.concurrency, then resume the run.",
            UnreadableReplyException garbage =>
                $"{Subject} answered {Attempts} with something that is no chat completion: \"{Quoted(garbage.Message)}\". Correct coin.judge.endpoint, which usually ends in /v1.",
            _ => NoConnection(fault),
        },
        Blotted(fault));

    private string NoConnection(Exception fault) =>
        $"{Subject} cannot be reached: {Quoted(fault.GetBaseException().Message).TrimEnd('.')} (tried {Attempts}). "
        + "Start the server or correct coin.judge.endpoint, then resume the run.";

    private string Said(ClientResultException refused)
    {
        var body = refused.GetRawResponse()?.Content.ToString() ?? "";
        string? message = null;
        try
        {
            message = JToken.Parse(body) is JObject answer ? (string?)(answer["error"] is JObject error ? error["message"] : answer["message"]) : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // No JSON, or not of the usual form: the text itself is quoted.
        }

        var quote = Quoted(message ?? body).TrimEnd('.');
        return quote.Length > 0 ? $": {quote}" : "";
    }

    private string Quoted(string text)
    {
        var line = WithoutKey(text).ReplaceLineEndings(" ").Trim();
        return line.Length <= LongestQuote ? line : line[..LongestQuote] + "…";
    }

    private string WithoutKey(string text) => key is { Length: > 0 } ? text.Replace(key, "…", StringComparison.Ordinal) : text;

    /// <summary>The cause for the log's stack trace, but where its text holds the key.</summary>
    private Exception? Blotted(Exception fault) => key is { Length: > 0 } && fault.ToString().Contains(key, StringComparison.Ordinal) ? null : fault;
}
