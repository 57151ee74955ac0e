using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>The OpenAI-compatible judge against a real server that misbehaves.</summary>
public sealed class JudgeEndpointTests
{
    private const string Key = "sk-secret-0123456789";

    [Theory]
    [InlineData("500,ok", 2)]
    [InlineData("503,500,ok", 3)]
    [InlineData("drop,ok", 2)]
    [InlineData("cut,ok", 2)]
    [InlineData("hang,ok", 2)]
    [InlineData("garbage,ok", 2)]
    [InlineData("429,ok", 2)]
    [InlineData("error200-429,parts", 2)]
    [InlineData("429,drop,500,hang,garbage,ok", 6)]
    public async Task What_may_pass_is_tried_again_until_there_is_a_reply(string manners, int requests)
    {
        using var endpoint = await EndpointProcess.StartAsync(manners);
        Assert.Equal(new string?[] { "7" }, await Ask(Options(endpoint.Address), 1));
        Assert.Equal(requests, (await endpoint.SeenAsync()).Requests.Count);
    }

    [Fact]
    public async Task The_pause_that_the_endpoint_asks_for_is_kept()
    {
        using var endpoint = await EndpointProcess.StartAsync("429,ok");
        await Ask(Options(endpoint.Address), 1);
        var (requests, _) = await endpoint.SeenAsync();
        Assert.True((long)requests[1]["ticks"]! - (long)requests[0]["ticks"]! >= 950);
    }

    [Theory]
    [InlineData("401", "refuses the key")]
    [InlineData("404", "does not know the address or the model judge-model")]
    [InlineData("400", "refused the request (400: this is 400)")]
    [InlineData("error200-404", "does not know the address or the model judge-model (404: The model `judge` does not exist)")]
    [InlineData("quota", "a quota is used up")]
    [InlineData("no-max-tokens", "coin.judge.token-limit-key = max_completion_tokens")]
    public async Task What_will_not_pass_is_told_at_once(string manner, string why)
    {
        using var endpoint = await EndpointProcess.StartAsync(manner);
        await Refused(endpoint.Address, why);
        Assert.Single((await endpoint.SeenAsync()).Requests);
    }

    [Theory]
    [InlineData("429", "too many requests")]
    [InlineData("error200-429", "too many requests or a used-up quota (429: Rate limit reached)")]
    [InlineData("500", "failed 3 times (500: this is 500)")]
    [InlineData("hang", "no reply within 1 s")]
    [InlineData("drop", "cannot be reached")]
    [InlineData("html", "no chat completion: \"<html>It works!</html>\"")]
    public async Task An_endpoint_that_does_not_recover_is_named_with_the_remedy(string manner, string why)
    {
        using var endpoint = await EndpointProcess.StartAsync(manner);
        await Refused(endpoint.Address, why);
        Assert.Equal(3, (await endpoint.SeenAsync()).Requests.Count);
    }

    [Fact]
    public Task An_endpoint_that_is_not_there_is_named() =>
        Refused($"http://127.0.0.1:{EndpointProcess.FreePort()}/v1", "cannot be reached");

    [Fact]
    public async Task No_more_requests_are_under_way_than_allowed_and_all_get_their_own_reply()
    {
        using var endpoint = await EndpointProcess.StartAsync("slow");
        var replies = await Ask(Options(endpoint.Address) with { Concurrency = 3 }, 12);
        Assert.Equal(Enumerable.Repeat("7", 12), replies);
        Assert.Equal(3, (await endpoint.SeenAsync()).MostUnderWay);
    }

    [Fact]
    public async Task Stopping_gives_a_hanging_endpoint_up_and_keeps_what_came_before()
    {
        using var endpoint = await EndpointProcess.StartAsync("ok,ok,hang");
        using var stop = new CancellationTokenSource();
        using var judge = Open(Options(endpoint.Address) with { Concurrency = 1, Timeout = 60 });
        var replies = 0;
        var asking = judge.AskAsync(
            Requests(5),
            (_, _) =>
            {
                if (Interlocked.Increment(ref replies) == 2)
                {
                    stop.CancelAfter(200);
                }
            },
            stop.Token
        );
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(2, replies);
    }

    [Fact]
    public async Task A_reply_without_content_is_an_empty_reply()
    {
        using var endpoint = await EndpointProcess.StartAsync("null");
        Assert.Equal(new string?[] { "" }, await Ask(Options(endpoint.Address), 1));
    }

    [Fact]
    public async Task The_request_is_greedy_and_the_references_sampling_is_sent_where_it_is_chosen()
    {
        using var endpoint = await EndpointProcess.StartAsync("ok");
        await Ask(Options(endpoint.Address), 1);
        await Ask(Options(endpoint.Address) with { Temperature = 0.7, TopP = 0.8, RepetitionPenalty = 1.05, Seed = 5 }, 1);
        var (requests, _) = await endpoint.SeenAsync();
        var (greedy, sampled) = (requests[0]["body"]!, requests[1]["body"]!);
        Assert.Equal("/v1/chat/completions", (string?)requests[0]["path"]);
        Assert.Equal("Bearer " + Key, (string?)requests[0]["authorization"]);
        Assert.Equal(("judge-model", 20, 0.0), ((string?)greedy["model"], (int)greedy["max_tokens"]!, (double)greedy["temperature"]!));
        Assert.Null(greedy["repetition_penalty"]);
        Assert.Equal(["system", "user"], greedy["messages"]!.Select(message => (string?)message["role"]));
        Assert.Equal("You are a helpful assistant.", (string?)greedy["messages"]![0]!["content"]);
        Assert.StartsWith("[Context]", (string?)greedy["messages"]![1]!["content"], StringComparison.Ordinal);
        Assert.Equal(
            (0.7, 0.8, 1.05, 5),
            ((double)sampled["temperature"]!, (double)sampled["top_p"]!, (double)sampled["repetition_penalty"]!, (int)sampled["seed"]!)
        );
    }

    private static JudgeOptions Options(string address) =>
        new()
        {
            Name = "tester",
            Kind = JudgeKind.OpenAi,
            Endpoint = address,
            Model = "judge-model",
            ApiKeyEnv = "TEST_KEY",
            Timeout = 1,
            Retries = 6,
            RetryDelay = 0.02,
        };

    private static IJudge Open(JudgeOptions options) =>
        new JudgeFactory(null, name => name == "TEST_KEY" ? Key : null).Open(options, "cpu", 1);

    private static JudgeRequest[] Requests(int count) =>
        [.. Enumerable.Range(0, count).Select(i => JudgePrompt.Of(new JudgedCase(JudgeRule.CoIN, $"Question {i}\nInstruction", "t", "a")))];

    private static async Task<string?[]> Ask(JudgeOptions options, int count)
    {
        using var judge = Open(options);
        var replies = new string?[count];
        await judge
            .AskAsync(Requests(count), (place, reply) => replies[place] = reply.Text, CancellationToken.None)
            .WaitAsync(TimeSpan.FromMinutes(1));
        return replies;
    }

    private static async Task Refused(string address, string why)
    {
        var fault = await Assert.ThrowsAsync<CoinException>(() => Ask(Options(address) with { Retries = 2 }, 1));
        Assert.Contains(why, fault.Message, StringComparison.Ordinal);
        Assert.Contains(address, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, fault.ToString(), StringComparison.Ordinal);
    }
}
