using System.ClientModel;
using System.Globalization;
using CoIN.Benchmark.Experiments;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace CoIN.Benchmark.Judging;

/// <summary>How long an endpoint is waited for, and what is tried again.</summary>
internal static class EndpointPatience
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    // A Retry-After of an hour is a way to say no.
    private static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(5);

    /// <summary>Repetitions with exponential, jittered pauses around a limit on each attempt.</summary>
    public static ResiliencePipeline<JudgeReply> Of(JudgeOptions options)
    {
        var pipeline = new ResiliencePipelineBuilder<JudgeReply>();
        if (options.Retries > 0)
        {
            pipeline.AddRetry(
                new RetryStrategyOptions<JudgeReply>
                {
                    MaxRetryAttempts = options.Retries,
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    Delay = TimeSpan.FromSeconds(options.RetryDelay),
                    MaxDelay = LongestPause,
                    ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is { } fault && MayPass(fault)),
                    DelayGenerator = arguments => ValueTask.FromResult(Asked(arguments.Outcome.Exception)),
                }
            );
        }

        return pipeline.AddTimeout(TimeSpan.FromSeconds(options.Timeout)).Build();
    }

    /// <summary>Whether the same request may succeed later.</summary>
    private static bool MayPass(Exception fault) =>
        fault switch
        {
            EndpointRefusalException refused => refused.Status is null or 408 or 409 or 425 or 429 or >= 500 && !refused.QuotaIsUsedUp,
            ClientResultException lost => lost.Status == 0,
            TimeoutRejectedException or HttpRequestException or IOException or UnreadableReplyException => true,
            _ => false,
        };

    /// <summary>The pause that the endpoint asks for (<c>Retry-After</c>, in seconds or as a date); null where it asks for none.</summary>
    private static TimeSpan? Asked(Exception? fault)
    {
        if ((fault as EndpointRefusalException)?.RetryAfter is not { } text)
        {
            return null;
        }

        var pause =
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds)
                ? TimeSpan.FromSeconds(Math.Min(seconds, LongestAsked.TotalSeconds))
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
                ? date - DateTimeOffset.UtcNow
            : (TimeSpan?)null;
        return pause is { } asked
            ? asked < TimeSpan.Zero
                ? TimeSpan.Zero
                : asked > LongestAsked
                    ? LongestAsked
                    : asked
            : null;
    }
}
