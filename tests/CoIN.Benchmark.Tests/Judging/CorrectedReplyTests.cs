using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Tests.Judging;

public sealed class CorrectedReplyTests
{
    [Theory]
    [InlineData("8", 8)]
    [InlineData(" 8.5\n", 8.5)]
    [InlineData("0", 0)]
    [InlineData("10", 10)]
    [InlineData("10.0", 10)]
    [InlineData(".5", 0.5)]
    [InlineData("9.", 9)]
    [InlineData("9。", 9)]
    [InlineData("**8**", 8)]
    [InlineData("(5)", 5)]
    [InlineData("８", 8)]
    [InlineData("8 points", 8)]
    [InlineData("Ten.", 10)]
    [InlineData("8分", 8)]
    [InlineData("８分。", 8)]
    [InlineData("8点", 8)]
    [InlineData("$8$", 8)]
    [InlineData("8<|im_end|>", 8)]
    [InlineData("8</s>", 8)]
    [InlineData("_8_", 8)]
    public void A_reply_that_is_nothing_but_a_score_is_that_score(string reply, double score) =>
        Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData("8.5/10", 8.5)]
    [InlineData("8 / 10", 8)]
    [InlineData("0/10", 0)]
    [InlineData("10/10", 10)]
    [InlineData("6 out of 10", 6)]
    [InlineData("Score: 7/10", 7)]
    [InlineData("I would rate this 9 out of 10, as 1 detail is missing.", 9)]
    [InlineData("8 (out of 10)", 8)]
    [InlineData("8/10分", 8)]
    [InlineData("得分：8/10", 8)]
    [InlineData("我给这个回答8分（满分10分）", 8)]
    public void A_fraction_of_ten_is_its_numerator(string reply, double score) => Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData("Score: 10", 10)]
    [InlineData("Score: 0.5", 0.5)]
    [InlineData("Score: 0", 0)]
    [InlineData("The score is 6.", 6)]
    [InlineData("I would give it a 9", 9)]
    [InlineData("Assistant: 8", 8)]
    [InlineData("Overall: 05", 5)]
    [InlineData("Rating: **7**", 7)]
    [InlineData("Score: 9\nGood.", 9)]
    public void A_number_that_is_called_a_score_is_the_score(string reply, double score) =>
        Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData(@"\boxed{8}", 8)]
    [InlineData(@"The final score is $\boxed{8}$, for 10 would need more detail.", 8)]
    [InlineData(@"It matches 3 of 4 points. \[\boxed{\text{8/10}}\]", 8)]
    [InlineData("<score>8</score> A score of 10 would need more detail.", 8)]
    [InlineData("Rating: [[8]]", 8)]
    public void A_score_in_a_box_or_between_tags_is_the_score(string reply, double score) =>
        Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData("Score: 8\nExplanation: a score of 10 would need more detail.", 8)]
    [InlineData("Score: 8. Explanation: a score of 10 would need more detail.", 8)]
    [InlineData("Score: 8 - a perfect 10 would need more detail", 8)]
    [InlineData("**Score:** 8/10\nA score of 10 would need more detail.", 8)]
    [InlineData("My final score is 8, since a score of 10 needs more.", 8)]
    [InlineData("A score of 10 would need more detail.\nScore: 8", 8)]
    [InlineData("{\"score\": 8, \"reason\": \"a score of 10 would need more\"}", 8)]
    [InlineData("```json\n{\"final_score\": 8, \"reason\": \"3 words match\"}\n```", 8)]
    [InlineData("评分：8", 8)]
    [InlineData("评分：8。如果得分为10，则需要更多细节。", 8)]
    [InlineData("Assistant 1: 8", 8)]
    public void What_begins_with_a_score_by_its_name_is_the_score_whatever_is_said_after_it(string reply, double score) =>
        Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData("8\n\nExplanation: the answer matches 3 of 4", 8)]
    [InlineData("The assistant's answer is correct. 10", 10)]
    [InlineData("Both say the same.\n10\n", 10)]
    public void A_line_or_sentence_of_its_own_is_the_score_whatever_else_is_said(string reply, double score) =>
        Assert.Equal(score, CorrectedReply.Score(reply));

    [Theory]
    [InlineData("")]
    [InlineData("  \n")]
    [InlineData("eleven")]
    [InlineData("n/a")]
    [InlineData("nan")]
    [InlineData("None")]
    [InlineData("I cannot judge this.")]
    [InlineData("The answer 0 is wrong")]
    [InlineData("It matches 3 of 4")]
    public void A_reply_without_a_score_has_none(string reply) => Assert.Null(CorrectedReply.Score(reply));

    [Theory]
    [InlineData("7-8")]
    [InlineData("8,5")]
    [InlineData("8 9")]
    [InlineData("3/5")]
    [InlineData("½")]
    [InlineData("9/10/10")]
    [InlineData("Score: 7 or score: 8")]
    [InlineData("6/10 for form, 9/10 for content")]
    [InlineData("80%")]
    [InlineData("Score: 7 or 8")]
    [InlineData("Score: 7\nScore: 8")]
    [InlineData("Score: 7-8")]
    [InlineData("Score: 85/100")]
    [InlineData(@"\boxed{7} or \boxed{8}")]
    [InlineData("Assistant 1: 8\nAssistant 2: 6")]
    [InlineData("满分10分")]
    public void A_reply_that_can_be_read_in_two_ways_is_never_guessed(string reply) => Assert.Null(CorrectedReply.Score(reply));

    [Theory]
    [InlineData("12")]
    [InlineData("-3")]
    [InlineData("10.01")]
    [InlineData("12/10")]
    [InlineData("Score: 100")]
    [InlineData("Score: -2")]
    public void A_number_off_the_scale_is_no_score(string reply) => Assert.Null(CorrectedReply.Score(reply));

    [Fact]
    public void The_percentage_is_over_the_replies_that_have_a_score()
    {
        Assert.Equal(75, CorrectedReply.Percent([10, 5, null]));
        Assert.Null(CorrectedReply.Percent([null]));
    }
}
