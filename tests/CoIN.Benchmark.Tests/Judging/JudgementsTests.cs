using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Judging;

public sealed class JudgementsTests : IDisposable
{
    private static readonly JudgeOptions Judge = new()
    {
        Name = "a",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://x/v1",
        Model = "m",
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Judgements_are_written_line_by_line_and_read_back()
    {
        Judgement[] judgements =
        [
            Judgement.Of("a\"1", new JudgeReply("Score: 10", "stop")),
            Judgement.Of("2", new JudgeReply("no idea\n", "length")),
            Judgement.Of("3", new JudgeReply("½/10")),
        ];
        JudgementsFile.Write(folder.File("j.jsonl"), judgements);

        Assert.Equal(
            """
            {"question_id":"a\"1","reply":"Score: 10","published":1,"corrected":10}
            {"question_id":"2","reply":"no idea\n","published":0,"corrected":null,"finish":"length"}
            {"question_id":"3","reply":"½/10","published":0,"corrected":null}

            """.ReplaceLineEndings("\n"),
            File.ReadAllText(folder.File("j.jsonl"))
        );
        Assert.Equal(judgements, JudgementsFile.Read(folder.File("j.jsonl")));
        Assert.Equal(new JudgedScores(100 * 1 / 30.0, 100, 3, 2), JudgedScores.Of(judgements));
    }

    [Fact]
    public void A_damaged_judgement_is_named_by_file_and_line()
    {
        folder.Write("j.jsonl", "{\"question_id\":\"1\",\"reply\":\"8\",\"published\":8,\"corrected\":8}\n{\"reply\":\"8\"}\n");
        Assert.Contains(
            "j.jsonl, line 2",
            Assert.Throws<CoinException>(() => JudgementsFile.Read(folder.File("j.jsonl"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Kept_replies_are_found_by_the_next_process()
    {
        using (var cache = new JudgementCache(folder.Path, "one"))
        {
            cache.Keep("k1", new JudgeReply("8\n\"x\"", "stop"));
            cache.Keep("k2", new JudgeReply(""));
        }

        using var next = new JudgementCache(folder.Path, "two");
        Assert.Equal((new JudgeReply("8\n\"x\"", "stop"), new JudgeReply(""), null), (next.Find("k1"), next.Find("k2"), next.Find("k3")));
    }

    [Fact]
    public void A_line_that_a_kill_cut_off_is_passed_over_and_spoils_nothing_after_it()
    {
        folder.Write("one.jsonl", "{\"key\":\"k1\",\"reply\":\"8\"}\n{\"key\":\"k2\",\"rep");
        using (var cache = new JudgementCache(folder.Path, "one"))
        {
            Assert.Equal(new JudgeReply("8"), cache.Find("k1"));
            Assert.Null(cache.Find("k2"));
            cache.Keep("k2", new JudgeReply("9"));
        }

        using var next = new JudgementCache(folder.Path, "one");
        Assert.Equal((new JudgeReply("8"), new JudgeReply("9")), (next.Find("k1"), next.Find("k2")));
    }

    [Fact]
    public void Name_speed_and_patience_leave_the_identity_alone() =>
        Assert.Equal(
            JudgeIdentity.Of(Judge),
            JudgeIdentity.Of(
                Judge with
                {
                    Name = "b",
                    Concurrency = 1,
                    Timeout = 9,
                    Retries = 0,
                    RetryDelay = 3,
                    ApiKeyEnv = "K",
                    Seed = 1,
                }
            )
        );

    [Fact]
    public void Model_endpoint_sampling_fingerprint_and_prompt_make_another_reply()
    {
        var request = JudgePrompt.Of(new JudgedCase(JudgeRule.CoIN, "q\ni", "t", "a"));
        string[] keys =
        [
            JudgeIdentity.KeyOf(Judge, "", request),
            JudgeIdentity.KeyOf(Judge with { Model = "n" }, "", request),
            JudgeIdentity.KeyOf(Judge with { Endpoint = "http://y/v1" }, "", request),
            JudgeIdentity.KeyOf(Judge with { MaxTokens = 9 }, "", request),
            JudgeIdentity.KeyOf(Judge with { Temperature = 0.7 }, "", request),
            JudgeIdentity.KeyOf(Judge with { Temperature = 0.7, Seed = 1 }, "", request),
            JudgeIdentity.KeyOf(Judge with { RepetitionPenalty = 1.05 }, "", request),
            JudgeIdentity.KeyOf(Judge with { TokenLimitKey = JudgeOptions.MaxCompletionTokensKey }, "", request),
            JudgeIdentity.KeyOf(Judge with { SendTemperature = false }, "", request),
            JudgeIdentity.KeyOf(Judge, "f", request),
            JudgeIdentity.KeyOf(Judge, "", JudgePrompt.Of(new JudgedCase(JudgeRule.CoIN, "q\ni", "t", "b"))),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void A_key_that_is_not_set_is_told_before_anything_is_asked()
    {
        var factory = new JudgeFactory(null, _ => null);
        var fault = Assert.Throws<CoinException>(() => factory.Check(Judge with { ApiKeyEnv = "JUDGE_KEY" }));
        Assert.Contains("JUDGE_KEY", fault.Message, StringComparison.Ordinal);
        factory.Check(Judge);
    }

    [Theory]
    [InlineData("gpt-4", true)]
    [InlineData("cache", false)]
    [InlineData("studies", false)]
    [InlineData("../x", false)]
    [InlineData("", false)]
    public void A_judges_name_can_be_a_folder(string name, bool right) => Assert.Equal(right, JudgeOptions.IsName(name));
}
