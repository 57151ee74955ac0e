using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Judging;

/// <summary>Everything on which a judge's replies depend. Its name, its speed and its patience are not among it.</summary>
public static class JudgeIdentity
{
    private const int HashLength = 16;

    /// <summary>What configures a judge's replies, as a short hash: judges of the same identity give the same marks.</summary>
    public static string Of(JudgeOptions options) => Hash(Parts(options))[..HashLength];

    /// <summary>The key of one reply: judge, model, sampling, prompt.</summary>
    /// <param name="fingerprint"><see cref="IJudge.Fingerprint"/>.</param>
    public static string KeyOf(JudgeOptions options, string fingerprint, JudgeRequest request) =>
        Hash([.. Parts(options), fingerprint, request.System, request.User]);

    private static IEnumerable<object?> Parts(JudgeOptions options) =>
        options.Kind switch
        {
            // A rule depends on its version alone.
            JudgeKind.Lexical => [options.Kind.ToString(), LexicalJudge.Version],
            JudgeKind.People => [options.Kind.ToString()],
            _ =>
            [
                options.Kind.ToString(),
                options.Endpoint,
                options.Model,
                options.Path,
                options.Kind == JudgeKind.Local ? options.Dtype : null,
                options.MaxTokens,
                options.Temperature,
                options.Temperature > 0 ? options.TopP : 1.0,
                options.RepetitionPenalty,
                options.Temperature > 0 ? options.Seed : 0,
                // Only where they are set: the identity of judges without them stays what it was.
                .. options.TokenLimitKey is { } key ? [key] : Array.Empty<object?>(),
                .. options.SendTemperature is false ? ["no temperature"] : Array.Empty<object?>(),
            ],
        };

    private static string Hash(IEnumerable<object?> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(parts))));
}
