using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Configuration;

/// <summary>Turns <c>coin.judge</c> into a judge, or none, and notes values that cannot be.</summary>
internal static class JudgeBinder
{
    private static readonly Dictionary<string, Choice> Kinds = new()
    {
        ["none"] = new(null), ["lexical"] = new(JudgeKind.Lexical), ["openai"] = new(JudgeKind.OpenAi), ["local"] = new(JudgeKind.Local),
    };

    /// <summary>A day: longer waits are slips of the keyboard.</summary>
    private const double MostSeconds = 86400;

    // The usual one is not written down, so that a judge without the key is the same as ever.
    private static readonly Dictionary<string, LimitKey> TokenLimitKeys = new()
    {
        [JudgeOptions.MaxTokensKey] = new(null), [JudgeOptions.MaxCompletionTokensKey] = new(JudgeOptions.MaxCompletionTokensKey),
    };

    public static JudgeOptions? Judge(Section section)
    {
        var kind = section.OneOf("kind", Kinds).Kind;
        var judge = new JudgeOptions
        {
            Name = section.OptionalText("name") ?? kind?.ToString().ToLowerInvariant() ?? "none",
            Kind = kind ?? JudgeKind.Lexical,
            Endpoint = section.OptionalText("endpoint")?.TrimEnd('/'),
            Model = section.OptionalText("model"),
            ApiKeyEnv = section.OptionalVariable("api-key-env"),
            Concurrency = section.Int("concurrency"),
            Timeout = section.Double("timeout"),
            Retries = section.Int("retries"),
            RetryDelay = section.Double("retry-delay"),
            Path = section.OptionalPath("path"),
            Dtype = section.Text("dtype", "bfloat16"),
            BatchSize = section.Int("batch-size"),
            MaxTokens = section.Int("max-tokens"),
            TokenLimitKey = section.OneOf("token-limit-key", TokenLimitKeys).Sent,
            SendTemperature = section.Bool("send-temperature") ? null : false,
            Temperature = section.Double("temperature"),
            TopP = section.Double("top-p"),
            RepetitionPenalty = section.Double("repetition-penalty"),
            Seed = section.Int("seed"),
        };
        section.NoOtherKeys();
        Check(section, judge);
        CheckKind(section, judge, kind);
        return kind is null ? null : judge;
    }

    private static void Check(Section section, JudgeOptions judge)
    {
        section.Require(JudgeOptions.IsName(judge.Name), "name", $"'{judge.Name}'", JudgeOptions.NameRule, "It becomes a folder's name.");
        section.Require(judge.Concurrency >= 1, "concurrency", judge.Concurrency, "1 or more");
        section.Require(judge.Timeout is > 0 and <= MostSeconds, "timeout", judge.Timeout, "greater than 0 and at most 86400 (seconds)");
        section.Require(judge.Retries >= 0, "retries", judge.Retries, "0 or more");
        section.Require(judge.RetryDelay is >= 0 and <= MostSeconds, "retry-delay", judge.RetryDelay, "0 to 86400 (seconds)");
        section.Require(judge.Dtype is "float32" or "bfloat16" or "float16" or "", "dtype", judge.Dtype, "float32, bfloat16 or float16");
        section.Require(judge.BatchSize >= 1, "batch-size", judge.BatchSize, "1 or more");
        section.Require(judge.MaxTokens >= 1, "max-tokens", judge.MaxTokens, "1 or more");
        section.Require(judge.Temperature >= 0, "temperature", judge.Temperature, "0 (greedy) or more");
        section.Require(judge.TopP is > 0 and <= 1, "top-p", judge.TopP, "greater than 0 and at most 1");
        section.Require(judge.RepetitionPenalty > 0, "repetition-penalty", judge.RepetitionPenalty, "greater than 0 (1 for none)");
    }

    private static void CheckKind(Section section, JudgeOptions judge, JudgeKind? kind)
    {
        switch (kind)
        {
            case JudgeKind.OpenAi:
                section.Require(
                    Uri.TryCreate(section.Text("endpoint", "http://localhost:8000/v1"), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https",
                    "endpoint", $"'{judge.Endpoint}'", "an address such as http://localhost:8000/v1");
                if (uri is not null && (uri.UserInfo.Length > 0 || uri.Query.Length > 0))
                {
                    // The endpoint is written down in the run's folder and in messages; so this one is not repeated here.
                    section.Problem("endpoint", $"{section.Key("endpoint")} holds a user, a password or a query, perhaps a secret. "
                        + "Write the address alone; the key comes from the environment variable that api-key-env names.");
                }

                _ = section.Text("model", "Qwen1.5-32B-Chat");
                break;
            case JudgeKind.Local:
                _ = section.RequiredPath("path", "/models/Qwen1.5-7B-Chat");
                break;
        }
    }

    private readonly record struct Choice(JudgeKind? Kind);

    private readonly record struct LimitKey(string? Sent);
}
