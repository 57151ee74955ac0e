using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Judging;

public sealed class ChatCompletionTests
{
    private static readonly JudgeOptions Options = new()
    {
        Name = "j",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://h/v1",
        Model = "judge",
    };

    [Theory]
    [InlineData("\"8\"", "stop", "8", "stop")]
    [InlineData("null", "length", "", "length")]
    [InlineData("\"\"", "content_filter", "", "content_filter")]
    [InlineData("""[{"type":"text","text":"8"}]""", "stop", "8", "stop")]
    [InlineData(
        """[{"type":{"kind":"text"},"text":"5"},{"type":7,"text":"5"},{"type":"text","text":{"value":"5"}},"8"]""",
        "stop",
        "8",
        "stop"
    )]
    [InlineData(
        """[{"type":"thinking","thinking":[{"type":"text","text":"5"}]},{"type":"text","text":"8"},{"type":"output_text","text":"/10"}]""",
        "stop",
        "8/10",
        "stop"
    )]
    [InlineData("""["8"]""", "stop", "8", "stop")]
    public void Content_is_a_text_or_nothing_or_parts_of_which_the_text_is_read(
        string content,
        string finish,
        string text,
        string expected
    ) =>
        Assert.Equal(
            new JudgeReply(text, expected),
            ChatCompletion.Read($$"""{"choices":[{"finish_reason":"{{finish}}","message":{"role":"assistant","content":{{content}} } }]}""")
        );

    [Fact]
    public void A_refusal_is_told_as_one() =>
        Assert.Equal(
            new JudgeReply("", JudgeReply.Refusal),
            ChatCompletion.Read(
                """{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot help with that."}}]}"""
            )
        );

    [Theory]
    [InlineData("""{"error":{"message":"The model `judge` does not exist.","type":"NotFoundError","code":404}}""", 404)]
    [InlineData("""{"code":404,"message":"The model `judge` does not exist.","object":"error","type":"NotFoundError"}""", 404)]
    [InlineData("""{"error":{"message":"no","type":"NotFoundError"}}""", 404)]
    [InlineData("""{"error":{"message":"no","code":"model_not_found"}}""", 404)]
    [InlineData("""{"error":{"message":"Rate limit reached","code":429}}""", 429)]
    [InlineData("""{"error":{"message":"Rate limit reached","code":"429"}}""", 429)]
    [InlineData("""{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}""", 429)]
    [InlineData("""{"error":{"message":"no","code":"invalid_api_key"}}""", 401)]
    [InlineData("""{"error":{"message":"busy","type":"overloaded_error"}}""", 503)]
    [InlineData("""{"error":{"message":"no","type":"invalid_request_error"}}""", 400)]
    [InlineData("""{"choices":[{"error":{"message":"upstream","code":502},"finish_reason":"error","message":{"content":""}}]}""", 502)]
    [InlineData("""{"error":"something broke"}""", null)]
    public void An_error_in_a_reply_that_is_called_a_success_has_its_own_status(string body, int? status)
    {
        var refused = Assert.Throws<EndpointRefusalException>(() => ChatCompletion.Read(body));
        Assert.Equal(status, refused.Status);
        Assert.DoesNotContain("{", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":null,"detail":"upstream failed"}""")]
    [InlineData("""{"error":null,"choices":[{"message":null}]}""")]
    [InlineData("[]")]
    [InlineData("data: {\"choices\":[]}")]
    public void Anything_else_is_no_completion(string body) => Assert.Throws<UnreadableReplyException>(() => ChatCompletion.Read(body));

    [Theory]
    [InlineData(
        """{"error":{"message":"The model `judge` does not exist.","code":404}}""",
        "does not know the address or the model judge (404: The model `judge` does not exist)"
    )]
    [InlineData("""{"error":{"message":"slow down","code":429}}""", "Lower coin.judge.concurrency")]
    [InlineData("""{"error":{"message":"pay","code":"insufficient_quota"}}""", "a quota is used up (429: pay)")]
    [InlineData(
        """{"error":{"message":"Unsupported parameter: 'max_tokens'","param":"max_tokens","code":"unsupported_parameter"}}""",
        "coin.judge.token-limit-key = max_completion_tokens"
    )]
    [InlineData(
        """{"error":{"message":"Unsupported value: 'temperature' does not support 0","param":"temperature","code":"unsupported_value"}}""",
        "coin.judge.send-temperature = false"
    )]
    [InlineData("""{"error":"something broke"}""", "answered 7 times with an error: something broke")]
    public void Every_error_has_the_remedy_that_fits_it(string body, string told) =>
        Assert.Contains(
            told,
            new EndpointErrors(Options, null).Told(Assert.Throws<EndpointRefusalException>(() => ChatCompletion.Read(body))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void The_limit_goes_under_the_name_that_is_configured_and_the_temperature_can_be_left_out()
    {
        var plain = Body(Options);
        Assert.Equal((20, 0.0, null), ((int)plain["max_tokens"]!, (double)plain["temperature"]!, plain["max_completion_tokens"]));

        var reasoning = Body(
            Options with
            {
                TokenLimitKey = JudgeOptions.MaxCompletionTokensKey,
                SendTemperature = false,
                Temperature = 0.7,
                MaxTokens = 2000,
            }
        );
        Assert.Equal(2000, (int)reasoning["max_completion_tokens"]!);
        Assert.Equal(["model", "messages", "max_completion_tokens"], reasoning.Properties().Select(property => property.Name));
    }

    private static JObject Body(JudgeOptions options)
    {
        using var judge = new OpenAiJudge(options, null, new SemaphoreSlim(1));
        return JObject.Parse(judge.Body(JudgePrompt.Of(new JudgedCase(JudgeRule.CoIN, "q\ni", "t", "a"))));
    }
}
