using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Configuration;

/// <summary>Turns <c>coin.judge</c> into a judge, or none, and notes values that cannot be.</summary>
internal static class JudgeBinder
{
    private static readonly Dictionary<string, Choice> Kinds = new()
    {
        ["none"] = new(null),
        ["lexical"] = new(JudgeKind.Lexical),
        ["openai"] = new(JudgeKind.OpenAi),
        ["local"] = new(JudgeKind.Local),
    };

    // The usual one is not written down, so that a judge without the key is the same as ever.
    private static readonly Dictionary<string, LimitKey> TokenLimitKeys = new()
    {
        [JudgeOptions.MaxTokensKey] = new(null),
        [JudgeOptions.MaxCompletionTokensKey] = new(JudgeOptions.MaxCompletionTokensKey),
    };

    public static JudgeOptions? Judge(Section section)
    {
        var kind = section.OneOf("kind", Kinds).Kind;
        var judge = new RecordBinder()
            .Read<JudgeOptions>(nameof(JudgeOptions.Name), judge =>
                judge.OptionalText("name") ?? kind?.ToString().ToLowerInvariant() ?? "none"
            )
            .Read<JudgeOptions>(nameof(JudgeOptions.Kind), _ => kind ?? JudgeKind.Lexical)
            .Read<JudgeOptions>(nameof(JudgeOptions.Endpoint), judge => judge.OptionalText("endpoint")?.TrimEnd('/'))
            .Read<JudgeOptions>(nameof(JudgeOptions.TokenLimitKey), judge => judge.OneOf("token-limit-key", TokenLimitKeys).Sent)
            .Read<JudgeOptions>(nameof(JudgeOptions.SendTemperature), judge => judge.Bool("send-temperature") ? null : false)
            .Check<JudgeOptions>(
                (judge, options) =>
                    judge.Require(
                        JudgeOptions.IsName(options.Name),
                        "name",
                        $"'{options.Name}'",
                        JudgeOptions.NameRule,
                        "It becomes a folder's name."
                    )
            )
            .Bind<JudgeOptions>(section);
        CheckKind(section, judge, kind);
        return kind is null ? null : judge;
    }

    private static void CheckKind(Section section, JudgeOptions judge, JudgeKind? kind)
    {
        switch (kind)
        {
            case JudgeKind.OpenAi:
                section.Require(
                    Uri.TryCreate(section.Text("endpoint", "http://localhost:8000/v1"), UriKind.Absolute, out var uri)
                        && uri.Scheme is "http" or "https",
                    "endpoint",
                    $"'{judge.Endpoint}'",
                    "an address such as http://localhost:8000/v1"
                );
                if (uri is not null && (uri.UserInfo.Length > 0 || uri.Query.Length > 0))
                {
                    // The endpoint is written down in the run's folder and in messages; so this one is not repeated here.
                    section.Problem(
                        "endpoint",
                        $"{section.Key("endpoint")} holds a user, a password or a query, perhaps a secret. "
                            + "Write the address alone; the key comes from the environment variable that api-key-env names."
                    );
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
