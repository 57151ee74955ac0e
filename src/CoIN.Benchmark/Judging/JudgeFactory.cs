using System.Collections.Concurrent;
using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Judging;

/// <summary>Opens the judges of this project, and hands local models on to who can load them.</summary>
/// <param name="local">Opens judges of kind <see cref="JudgeKind.Local"/>; null where there are none.</param>
/// <param name="variable">Reads an environment variable.</param>
public sealed class JudgeFactory(IJudgeFactory? local, Func<string, string?> variable) : IJudgeFactory
{
    // The limit is of the process, however many judges of it ask.
    private readonly ConcurrentDictionary<(string Endpoint, int Concurrency), SemaphoreSlim> slots = [];

    /// <inheritdoc/>
    public void Check(JudgeOptions options)
    {
        switch (options.Kind)
        {
            case JudgeKind.OpenAi:
                _ = Key(options);
                break;
            case JudgeKind.Local:
                Local(options).Check(options);
                break;
        }
    }

    /// <inheritdoc/>
    public IJudge Open(JudgeOptions options, string device, int threads) =>
        options.Kind switch
        {
            JudgeKind.Lexical => new LexicalJudge(),
            JudgeKind.OpenAi => new OpenAiJudge(
                options,
                Key(options),
                slots.GetOrAdd((options.Endpoint!, options.Concurrency), each => new SemaphoreSlim(each.Concurrency))
            ),
            JudgeKind.Local => Local(options).Open(options, device, threads),
            _ => throw new CoinException(
                $"The judge {options.Name} is {options.Kind.ToString().ToLowerInvariant()}: their scores are read from files, with 'judge import'."
            ),
        };

    private IJudgeFactory Local(JudgeOptions options) =>
        local
        ?? throw new CoinException(
            $"The judge {options.Name} is a local model, which this program cannot load. Serve the model by an OpenAI-compatible endpoint and set coin.judge.kind = \"openai\"."
        );

    private string? Key(JudgeOptions options) =>
        options.ApiKeyEnv is not { } name ? null
        : variable(name) is { Length: > 0 } key ? key.Trim()
        : throw new CoinException(
            $"The judge {options.Name} needs the key of {options.Endpoint} in the environment variable {name}, which is not set. "
                + $"Set it (export {name}=…), or coin.judge.api-key-env = null for an endpoint without key."
        );
}
