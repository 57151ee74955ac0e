namespace CoIN.Benchmark.Experiments;

/// <summary>What gives the marks.</summary>
public enum JudgeKind
{
    /// <summary>A rule over words, numbers and boxes: no language model.</summary>
    Lexical,

    /// <summary>A language model behind an OpenAI-compatible endpoint.</summary>
    OpenAi,

    /// <summary>A Qwen2 model of this host.</summary>
    Local,

    /// <summary>People, whose scores were read from files.</summary>
    People,
}

/// <summary>The judge of a run. No secret stands in it: only the name of the environment variable that holds the key.</summary>
public sealed record JudgeOptions
{
    /// <summary>A day: longer waits are slips of the keyboard.</summary>
    private const double MostSeconds = 86400;

    /// <summary>Folders beside those of judges: of kept replies, and of the keys of user studies.</summary>
    private static readonly string[] ReservedNames = ["cache", "studies"];

    /// <summary>Name for people and for folders; see <see cref="IsName"/>.</summary>
    public required string Name { get; init; }

    public required JudgeKind Kind { get; init; }

    /// <summary>Address of the endpoint, up to and including <c>/v1</c>; for <see cref="JudgeKind.OpenAi"/>.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The model's name at the endpoint; for <see cref="JudgeKind.OpenAi"/>.</summary>
    public string? Model { get; init; }

    /// <summary>Environment variable that holds the endpoint's key; null for endpoints without one.</summary>
    [VariableOption]
    public string? ApiKeyEnv { get; init; }

    /// <summary>Requests that may be under way to the endpoint from one process.</summary>
    [Bounds(AtLeast = 1)]
    public int Concurrency { get; init; } = 8;

    /// <summary>Longest wait for one reply, in seconds.</summary>
    [Bounds(Above = 0, AtMost = MostSeconds, Note = "seconds")]
    public double Timeout { get; init; } = 60;

    /// <summary>How often a request is repeated after a refusal or a lost connection that may pass.</summary>
    [Bounds(AtLeast = 0)]
    public int Retries { get; init; } = 6;

    /// <summary>
    /// Seconds before the first repetition; doubled at every further one, with jitter, unless the endpoint says how long.
    /// </summary>
    [Bounds(AtLeast = 0, AtMost = MostSeconds, Note = "seconds")]
    public double RetryDelay { get; init; } = 1;

    /// <summary>Hugging Face folder; for <see cref="JudgeKind.Local"/>.</summary>
    [PathOption]
    public string? Path { get; init; }

    /// <summary>float32, bfloat16 or float16: the type in which a local model's weights are held.</summary>
    [OneOf("float32", "bfloat16", "float16")]
    public string Dtype { get; init; } = "bfloat16";

    /// <summary>Requests per generation batch of a local model.</summary>
    [Bounds(AtLeast = 1)]
    public int BatchSize { get; init; } = 16;

    /// <summary>Longest reply, in tokens. The reference's is 20.</summary>
    [Bounds(AtLeast = 1)]
    public int MaxTokens { get; init; } = 20;

    /// <summary>
    /// The request's field for <see cref="MaxTokens"/>; null for <see cref="MaxTokensKey"/>. For <see cref="JudgeKind.OpenAi"/>: OpenAI's
    /// reasoning models want <see cref="MaxCompletionTokensKey"/>.
    /// </summary>
    public string? TokenLimitKey { get; init; }

    /// <summary>
    /// False leaves the temperature, and what goes with it, to the endpoint, as some models take none; null for true. For
    /// <see cref="JudgeKind.OpenAi"/>.
    /// </summary>
    public bool? SendTemperature { get; init; }

    /// <summary>0 for the most probable token always (greedy). The reference samples at 0.7.</summary>
    [Bounds(AtLeast = 0, Zero = "greedy")]
    public double Temperature { get; init; }

    /// <summary>Sampling from the most probable tokens that together have this probability. The reference's is 0.8.</summary>
    [Bounds(Above = 0, AtMost = 1)]
    public double TopP { get; init; } = 1;

    /// <summary>Divides the scores of tokens that stand in prompt or reply already; 1 for none. The reference's is 1.05.</summary>
    [Bounds(Above = 0, Note = "1 for none")]
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Seed of sampling.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>The field that nearly every server knows.</summary>
    public const string MaxTokensKey = "max_tokens";

    /// <summary>The field that counts thinking too.</summary>
    public const string MaxCompletionTokensKey = "max_completion_tokens";

    /// <summary>What a name may be, for messages.</summary>
    public const string NameRule = "at most 60 letters, digits, '-', '_' or '.', not beginning with '.', and neither 'cache' nor 'studies'";

    /// <summary>Whether a text can be a judge's name: it becomes that of a folder.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= 60
        && !text.StartsWith('.')
        && !ReservedNames.Contains(text)
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
