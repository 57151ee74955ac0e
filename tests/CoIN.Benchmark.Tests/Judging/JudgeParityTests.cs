using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Tests.Golden;

namespace CoIN.Benchmark.Tests.Judging;

[Trait("Category", "Parity")]
public sealed class JudgeParityTests
{
    [Fact]
    public void Prompts_are_those_of_the_reference_as_written_and_as_sent()
    {
        var cases = GoldenFolder.Scoring("judge_prompts.json")["cases"]!.ToList();
        Assert.NotEmpty(cases);
        foreach (var golden in cases)
        {
            var rule = (string)golden["rule"]! == "CoIN_Grounding" ? JudgeRule.Grounding : JudgeRule.CoIN;
            var judged = new JudgedCase(
                rule,
                (string)golden["question_text"]!,
                (string)golden["ground_truth"]!,
                (string)golden["prediction"]!
            );

            Assert.Equal((string)golden["messages"]![1]!["content"]!, JudgePrompt.Written(judged));
            Assert.Equal((string)golden["judge_user_content"]!, JudgePrompt.Of(judged).User);
            Assert.Equal("You are a helpful assistant.", JudgePrompt.Of(judged).System);
        }
    }

    [Fact]
    public void Replies_are_read_as_by_the_reference()
    {
        var cases = GoldenFolder.Scoring("judge_scores.json")["cases"]!.ToList();
        Assert.NotEmpty(cases);
        foreach (var golden in cases)
        {
            Assert.True(
                (double?)golden["score"] == PublishedReply.Score((string)golden["raw"]!),
                $"{golden} scored {PublishedReply.Score((string)golden["raw"]!)}"
            );
        }
    }

    [Fact]
    public void Sums_and_rounded_percentages_are_those_of_the_reference()
    {
        var sets = GoldenFolder.Scoring("judge_scores.json")["sets"]!.ToList();
        Assert.NotEmpty(sets);
        foreach (var golden in sets)
        {
            var scores = golden["raws"]!.Select(raw => PublishedReply.Score((string)raw!)).ToList();

            Assert.Equal((double)golden["sum"]!, scores.Sum(score => score ?? 0), 1e-9);
            Assert.Equal(100 * (double)golden["final_score"]!, PublishedReply.Percent(scores), 1e-9);
            Assert.Equal((double)golden["percent"]!, Math.Round(PublishedReply.Percent(scores), MidpointRounding.ToEven));
        }
    }
}
