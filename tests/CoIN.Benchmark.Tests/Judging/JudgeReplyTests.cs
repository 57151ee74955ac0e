using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Tests.Judging;

public sealed class JudgeReplyTests
{
    [Theory]
    [InlineData("<think>\nFirst I might give it 5.\n</think>\n\n8", 8, 8)]
    [InlineData("<think>\nThe score could be 3 out of 10 at first sight.\n</think>\n\nScore: 8", 8, 8)]
    [InlineData("I might give it 5.\n</think>\n8", 8, 8)]
    [InlineData("<thinking>5</thinking> 8", 8, 8)]
    [InlineData("[THINK]5[/THINK]8", 8, 8)]
    [InlineData("<think>5</think><think>6</think>8", 8, 8)]
    [InlineData("<|channel|>analysis<|message|>maybe 5<|end|><|start|>assistant<|channel|>final<|message|>8", 8, 8)]
    [InlineData("8", 8, 8)]
    [InlineData("I think 8", null, 8)]
    public void What_a_judge_thought_is_no_part_of_its_reply(string text, int? corrected, double published)
    {
        var judgement = Judgement.Of("q", new JudgeReply(text, "stop"));
        Assert.Equal((text, corrected, published), (judgement.Reply, judgement.Corrected, judgement.Published));
    }

    [Theory]
    [InlineData("<think>\nOkay, so I need to rate 2 answers; let me give it")]
    [InlineData("<think>\nscore: 8")]
    [InlineData("<think>7</think> <think> and 8")]
    [InlineData("<think>7</think>")]
    [InlineData("[THINK]8")]
    public void A_thought_without_an_end_and_one_with_nothing_after_it_have_no_score(string text)
    {
        var judgement = Judgement.Of("q", new JudgeReply(text, JudgeReply.Length));
        Assert.Equal((null, 0, "length"), (judgement.Corrected, judgement.Published, judgement.Finish));
        Assert.Equal([new UnscoredReplies("length", true, 1)], UnscoredReplies.Of([judgement]));
    }

    [Fact]
    public void Replies_without_score_are_counted_by_their_reasons_and_told_with_the_key_to_raise()
    {
        Judgement[] judgements =
        [
            Judgement.Of("1", new JudgeReply("", "length")),
            Judgement.Of("2", new JudgeReply("", "length")),
            Judgement.Of("3", new JudgeReply(" ", "stop")),
            Judgement.Of("4", new JudgeReply("hm", "stop")),
            Judgement.Of("5", new JudgeReply("8", "stop")),
        ];
        var reasons = UnscoredReplies.Of(judgements);
        Assert.Equal([new("length", true, 2), new("stop", false, 1), new UnscoredReplies("stop", true, 1)], reasons);

        var told = UnscoredReplies.Told("j", 5, 4, reasons)!;
        Assert.StartsWith("4 of 5 replies of the judge j have no score: 2 ended at the token limit", told, StringComparison.Ordinal);
        Assert.Contains("finish_reason length): raise judge.max-tokens", told, StringComparison.Ordinal);
        Assert.Contains("1 empty or nothing but thinking (finish_reason stop)", told, StringComparison.Ordinal);
        Assert.DoesNotContain("no number", told, StringComparison.Ordinal);
        Assert.Contains("no number", UnscoredReplies.Told("j", 4, 4, reasons), StringComparison.Ordinal);
        Assert.Null(UnscoredReplies.Told("j", 5, 0, []));
        Assert.Equal([new UnscoredReplies("length", true, 4)], UnscoredReplies.Ordered([new("length", true, 1), new("length", true, 3)]));
    }
}
