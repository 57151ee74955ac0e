using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;

namespace CoIN.Benchmark.Tests.Judging;

public sealed class LexicalJudgeTests
{
    [Theory]
    [InlineData("stop sign", "A Stop Sign.", 10)]
    [InlineData("2", "two", 10)]
    [InlineData("red", "it is bright red today", 6)]
    [InlineData("red", "a red ball", 6.7)]
    [InlineData("stop sign", "yield sign", 5)]
    [InlineData("red", "predator", 0)]
    [InlineData("red", "", 0)]
    public async Task Words_are_scored_by_equality_containment_and_overlap(string truth, string answer, double score) =>
        Assert.Equal(
            score,
            double.Parse(await Ask(new JudgedCase(JudgeRule.CoIN, "q", truth, answer)), System.Globalization.CultureInfo.InvariantCulture)
        );

    [Theory]
    [InlineData("[0.0, 0.0, 0.5, 0.5]", 10)]
    [InlineData("(0.0, 0.0, 0.5, 0.25)", 5)]
    [InlineData("[0.6, 0.6, 0.9, 0.9]", 0)]
    [InlineData("on the left", 0)]
    public async Task Boxes_are_scored_by_their_overlap(string answer, double score) =>
        Assert.Equal(
            score,
            double.Parse(
                await Ask(new JudgedCase(JudgeRule.Grounding, "q", "[0.0, 0.0, 0.5, 0.5]", answer)),
                System.Globalization.CultureInfo.InvariantCulture
            )
        );

    [Theory]
    [InlineData("B", "B", 10)]
    [InlineData("B", "(b)", 10)]
    [InlineData("B", "The answer is B.", 10)]
    [InlineData("B", "green fits, which is the second one.", 10)]
    [InlineData("B", "light green", 0)]
    [InlineData("C", "It is light green", 10)]
    [InlineData("1", "green", 10)]
    [InlineData("green", "B", 10)]
    [InlineData("B", "A", 0)]
    [InlineData("B", "red fits, which is the first one.", 0)]
    [InlineData("B", "Z", 0)]
    [InlineData("B", "", 0)]
    [InlineData("B", "no idea", 0)]
    [InlineData("B", "red or green", 5)]
    public async Task Multiple_choice_is_judged_by_the_option_that_an_answer_names(string truth, string answer, double score) =>
        Assert.Equal(
            score,
            double.Parse(
                await Ask(
                    new JudgedCase(JudgeRule.CoIN, "Which color?\nA. red\nB. green\nC. light green\nAnswer with the letter.", truth, answer)
                ),
                System.Globalization.CultureInfo.InvariantCulture
            )
        );

    [Fact]
    public void A_judge_of_the_former_rule_is_another_one() =>
        Assert.NotEqual("d8c441e98ae9e499", JudgeIdentity.Of(new JudgeOptions { Name = "lexical", Kind = JudgeKind.Lexical }));

    private static async Task<string> Ask(JudgedCase judged)
    {
        using var judge = new JudgeFactory(null, _ => null).Open(new JudgeOptions { Name = "lexical", Kind = JudgeKind.Lexical }, "cpu", 1);
        string? reply = null;
        await judge.AskAsync([JudgePrompt.Of(judged)], (_, given) => reply = given.Text, CancellationToken.None);
        return reply!;
    }
}
