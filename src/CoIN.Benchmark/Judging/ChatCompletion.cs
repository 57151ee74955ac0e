using System.ClientModel.Primitives;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// Reads what an endpoint sends as a chat completion. More leniently than the SDK: content may be null, a text, or a list of parts.
/// </summary>
internal static class ChatCompletion
{
    private static readonly string[] TextParts = ["text", "output_text"];

    /// <exception cref="EndpointRefusalException">It is an error in the clothes of a success.</exception>
    /// <exception cref="UnreadableReplyException">It is something else.</exception>
    public static JudgeReply Read(string body, PipelineResponse? response = null)
    {
        if (Parse(body) is not JObject completion)
        {
            throw new UnreadableReplyException(body);
        }

        if (EndpointRefusalException.In(completion, response) is { } refusal)
        {
            throw refusal;
        }

        if (
            completion["choices"] is not JArray { Count: > 0 } choices
            || choices[0] is not JObject choice
            || choice["message"] is not JObject message
        )
        {
            throw new UnreadableReplyException(body);
        }

        var text = message["content"] switch
        {
            JValue { Type: JTokenType.String } whole => (string)whole!,

            // A refusal, or a model that used its tokens up for thinking: a reply without score.
            null or { Type: JTokenType.Null } => "",
            JArray parts => string.Concat(parts.Select(PartText)),
            _ => throw new UnreadableReplyException(body),
        };
        var refused = text.Length == 0 && message["refusal"] is JValue { Type: JTokenType.String };
        return new JudgeReply(
            text,
            refused ? JudgeReply.Refusal
                : choice["finish_reason"] is JValue { Type: JTokenType.String } finish ? (string?)finish
                : null
        );
    }

    /// <summary>Parts of other kinds hold thinking or a refusal.</summary>
    private static string PartText(JToken part) =>
        part switch
        {
            JValue value => TextOf(value) ?? "",
            JObject one when TextOf(one["type"]) is { } type && TextParts.Contains(type) => TextOf(one["text"]) ?? "",
            _ => "",
        };

    private static string? TextOf(JToken? token) => token is JValue { Type: JTokenType.String } text ? (string?)text : null;

    private static JToken? Parse(string body)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(body)) { DateParseHandling = DateParseHandling.None };
            return JToken.ReadFrom(reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>An endpoint answered with something that is no chat completion.</summary>
internal sealed class UnreadableReplyException(string body) : Exception(body);
