using System.ClientModel;
using System.ClientModel.Primitives;
using System.Runtime.ExceptionServices;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using OpenAI;
using OpenAI.Chat;
using Polly;
using Polly.Timeout;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// A model behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, OpenAI itself. Refusals that may pass (429, 5xx) and lost
/// connections are repeated with growing, jittered pauses, or after what the endpoint asks for; anything else ends with an error that names
/// the endpoint and the remedy. The key appears nowhere.
/// </summary>
internal sealed class OpenAiJudge : IJudge
{
    private const int BatchesUnderWay = 4;

    private readonly JudgeOptions options;
    private readonly SemaphoreSlim slots;
    private readonly ChatClient client;
    private readonly ResiliencePipeline<JudgeReply> patience;
    private readonly EndpointErrors errors;

    /// <param name="key">The endpoint's key; null where it needs none.</param>
    /// <param name="slots">As many as requests may be under way; shared by the judges of this process.</param>
    public OpenAiJudge(JudgeOptions options, string? key, SemaphoreSlim slots)
    {
        (this.options, this.slots) = (options, slots);
        errors = new EndpointErrors(options, key);
        client = new ChatClient(
            options.Model,
            new ApiKeyCredential(key ?? "none"),
            new OpenAIClientOptions
            {
                Endpoint = new Uri(options.Endpoint!),

                // Both are the pipeline's below, which tells a slow endpoint from a stopped run.
                NetworkTimeout = System.Threading.Timeout.InfiniteTimeSpan,
                RetryPolicy = new ClientRetryPolicy(0),
            }
        );
        patience = EndpointPatience.Of(options);
    }

    /// <inheritdoc/>
    public string Fingerprint => "";

    /// <inheritdoc/>
    public int BatchSize => options.Concurrency * BatchesUnderWay;

    /// <inheritdoc/>
    public async Task AskAsync(IReadOnlyList<JudgeRequest> requests, Action<int, JudgeReply> replied, CancellationToken stop)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Exception? first = null;
        await Task.WhenAll(requests.Select((request, place) => OneAsync(request, place))).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        async Task OneAsync(JudgeRequest request, int place)
        {
            try
            {
                await slots.WaitAsync(giveUp.Token).ConfigureAwait(false);
                try
                {
                    replied(place, await patience.ExecuteAsync(token => PostAsync(request, token), giveUp.Token).ConfigureAwait(false));
                }
                finally
                {
                    slots.Release();
                }
            }
            catch (Exception e)
            {
                // The first fault is told; it also ends the waiting of the others.
                if (Interlocked.CompareExchange(ref first, e is OperationCanceledException ? e : errors.Told(e), null) is null)
                {
                    await giveUp.CancelAsync().ConfigureAwait(false);
                }
            }
        }
    }

    public void Dispose()
    {
        // The client holds no connection of its own: the SDK's are shared by the process.
    }

    private async ValueTask<JudgeReply> PostAsync(JudgeRequest request, CancellationToken stop)
    {
        using var content = BinaryContent.Create(BinaryData.FromString(Body(request)));
        try
        {
            var result = await client.CompleteChatAsync(content, new RequestOptions { CancellationToken = stop }).ConfigureAwait(false);
            var response = result.GetRawResponse();
            return ChatCompletion.Read(response.Content.ToString(), response);
        }
        catch (ClientResultException refused) when (refused.Status != 0 && refused.GetRawResponse() is not null)
        {
            throw EndpointRefusalException.Of(refused, refused.GetRawResponse()!);
        }
    }

    /// <summary>
    /// The request as every server understands it: max_tokens, which OpenAI calls deprecated, is the one that nearly all of them know.
    /// </summary>
    internal string Body(JudgeRequest request)
    {
        var body = new JObject
        {
            ["model"] = options.Model,
            ["messages"] = new JArray(
                new JObject { ["role"] = "system", ["content"] = request.System },
                new JObject { ["role"] = "user", ["content"] = request.User }
            ),
            [options.TokenLimitKey ?? JudgeOptions.MaxTokensKey] = options.MaxTokens,
        };
        if (options.SendTemperature != false)
        {
            body["temperature"] = options.Temperature;
            if (options.Temperature > 0)
            {
                body["top_p"] = options.TopP;
                body["seed"] = options.Seed;
            }
        }

        if (options.RepetitionPenalty != 1)
        {
            // No field of OpenAI's; vLLM and Ollama take it.
            body["repetition_penalty"] = options.RepetitionPenalty;
        }

        return body.ToString(Formatting.None);
    }
}
