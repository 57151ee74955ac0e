using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// An endpoint answered with an error: by its HTTP status, or by an error object in a reply of status 200, as gateways and some servers do.
/// </summary>
/// <param name="status">The HTTP status that the error is or stands for; null where it does not say.</param>
/// <param name="said">The endpoint's own words.</param>
internal sealed class EndpointRefusalException(int? status, string said) : Exception(said)
{
    // What errors are called where they have no number, as parts of their code or type.
    private static readonly (string Name, int Status)[] Names =
    [
        ("not_found", 404),
        ("notfound", 404),
        ("quota", 429),
        ("rate_limit", 429),
        ("ratelimit", 429),
        ("too_many_requests", 429),
        ("billing", 429),
        ("api_key", 401),
        ("authentication", 401),
        ("unauthorized", 401),
        ("permission", 403),
        ("forbidden", 403),
        ("overloaded", 503),
        ("unavailable", 503),
        ("server", 500),
        ("internal", 500),
        ("timeout", 504),
        ("invalid_request", 400),
        ("badrequest", 400),
        ("bad_request", 400),
        ("unsupported", 400),
        ("context_length", 400),
        ("invalid", 400),
    ];

    public int? Status => status;

    /// <summary>The error's name at the endpoint, e.g. <c>insufficient_quota</c>; "" where it has none.</summary>
    public string Code { get; private init; } = "";

    /// <summary>The field of the request that is at fault; "" where none is named.</summary>
    public string Parameter { get; private init; } = "";

    /// <summary>The header of that name.</summary>
    public string? RetryAfter { get; private init; }

    /// <summary>Whether waiting is of no use although the status says so: a quota that is used up.</summary>
    public bool QuotaIsUsedUp => Status == 429 && (Named("insufficient_quota") || Named("billing"));

    /// <summary>The error that a refused request's response holds.</summary>
    public static EndpointRefusalException Of(ClientResultException refused, PipelineResponse response)
    {
        var body = response.Content.ToString();
        var error = Parse(body) is JObject answer ? ErrorIn(answer) ?? answer : null;
        return Of(refused.Status, error, body, response);
    }

    /// <summary>The error in a reply that the endpoint calls a success; null where it has none.</summary>
    public static EndpointRefusalException? In(JObject reply, PipelineResponse? response)
    {
        var choice = reply["choices"] is JArray { Count: > 0 } choices ? choices[0] as JObject : null;
        var error = ErrorIn(reply) ?? (choice is null ? null : ErrorIn(choice));
        return error is null ? null : Of(StatusOf(error), error, error.ToString(Formatting.None), response);
    }

    private static EndpointRefusalException Of(int? status, JObject? error, string body, PipelineResponse? response) =>
        new(status, Text(error?["message"]) is { Length: > 0 } message ? message : body)
        {
            Code = $"{Text(error?["code"])} {Text(error?["type"])}".Trim(),
            Parameter = Text(error?["param"]) ?? "",
            RetryAfter = response is not null && response.Headers.TryGetValue("Retry-After", out var pause) ? pause : null,
        };

    private bool Named(string part) => Code.Contains(part, StringComparison.OrdinalIgnoreCase);

    // {"error":{…}}   {"error":"…"}   {"object":"error","message":…}
    private static JObject? ErrorIn(JObject answer) =>
        answer["error"] switch
        {
            JObject error => error,
            JValue { Type: JTokenType.String } text => new JObject { ["message"] = text },
            _ => (string?)answer["object"] == "error" ? answer : null,
        };

    private static int? StatusOf(JObject error)
    {
        foreach (var token in new[] { error["code"], error["status"] })
        {
            if (int.TryParse(Text(token), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 400 and < 600)
            {
                return number;
            }
        }

        var name = $"{Text(error["code"])} {Text(error["type"])}";
        return Names
            .Where(one => name.Contains(one.Name, StringComparison.OrdinalIgnoreCase))
            .Select(one => (int?)one.Status)
            .FirstOrDefault();
    }

    private static string? Text(JToken? token) =>
        token is JValue { Value: { } value } ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;

    private static JToken? Parse(string body)
    {
        try
        {
            return JToken.Parse(body);
        }
        catch (JsonException)
        {
            // No JSON: the text itself is quoted.
            return null;
        }
    }
}
