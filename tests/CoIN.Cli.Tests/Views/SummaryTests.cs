using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class SummaryTests
{
    [Fact]
    public void Every_number_says_by_which_rules_it_is()
    {
        var text = Text(Snapshots.Completed() with { Judgements = [new JudgedMatrix("words", JudgeKind.Lexical, Snapshots.Completed().Cells, []) { Samples = 36 }] });
        Assert.Contains("Truth Alignment, published rules, percent; a row per stage", text, StringComparison.Ordinal);
        Assert.Contains("(MAA), published rules", text, StringComparison.Ordinal);
        Assert.Contains("(BWT), published rules", text, StringComparison.Ordinal);
        Assert.Contains("Reasoning Capability by words (a rule, no language model), published parser, percent:", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Warning", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_judge_that_said_nothing_has_a_warning_with_the_remedy_in_the_place_of_numbers()
    {
        var text = Text(Snapshots.Of(0, RunStatus.Completed) with
        {
            Judgements =
            [
                new JudgedMatrix("m", JudgeKind.OpenAi, [[null]], [])
                {
                    Samples = 2, Unparsable = 2, Unscored = [new UnscoredReplies(JudgeReply.Length, true, 2)],
                },
            ],
        });
        Assert.Contains("published parser, has no number.", text, StringComparison.Ordinal);
        Assert.Contains("Warning: 2 of 2 replies of the judge m have no score: 2 ended at the token limit", text, StringComparison.Ordinal);
        Assert.Contains("raise judge.max-tokens", text, StringComparison.Ordinal);
        Assert.DoesNotContain("0.00", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_can_be_done_names_the_folder_which_may_be_a_copy()
    {
        var text = Text(Snapshots.Completed() with
        {
            RunId = "original", MissingJudgements = 2, JudgingFaults = new Dictionary<string, string> { ["m"] = "It cannot be reached." },
        });
        Assert.Contains("Ask for them: ./run.sh resume r", text, StringComparison.Ordinal);
        Assert.Contains("./run.sh judge run r --set judge.…; without it: ./run.sh judge dismiss r m", text, StringComparison.Ordinal);
        Assert.DoesNotContain("run original", text, StringComparison.Ordinal);
    }

    private static string Text(RunSnapshot snapshot) => string.Join('\n', Summary.Lines(snapshot, "runs/r", 100));
}
