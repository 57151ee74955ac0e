using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Views;

namespace CoIN.Cli.Tests.Views;

public sealed class SummaryTests
{
    [Fact]
    public void Every_number_says_by_which_rules_it_is()
    {
        var text = Text(
            Snapshots.Completed() with
            {
                Judgements = [new JudgedMatrix("words", JudgeKind.Lexical, Snapshots.Completed().Cells, []) { Samples = 36 }],
            }
        );
        Assert.Contains("Truth Alignment, published rules, percent; a row per stage", text, StringComparison.Ordinal);
        Assert.Contains("(MAA), published rules", text, StringComparison.Ordinal);
        Assert.Contains("(BWT), published rules", text, StringComparison.Ordinal);
        Assert.Contains(
            "Reasoning Capability by words (a rule, no language model), published parser, percent:",
            text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("Warning", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_judge_that_said_nothing_has_a_warning_with_the_remedy_in_the_place_of_numbers()
    {
        var text = Text(
            Snapshots.Of(0, RunStatus.Completed) with
            {
                Judgements =
                [
                    new JudgedMatrix(
                        "m",
                        JudgeKind.OpenAi,
                        [
                            [null],
                        ],
                        []
                    )
                    {
                        Samples = 2,
                        Unparsable = 2,
                        Unscored = [new UnscoredReplies(JudgeReply.Length, true, 2)],
                    },
                ],
            }
        );
        Assert.Contains("published parser, has no number.", text, StringComparison.Ordinal);
        Assert.Contains("Warning: 2 of 2 replies of the judge m have no score: 2 ended at the token limit", text, StringComparison.Ordinal);
        Assert.Contains("raise judge.max-tokens", text, StringComparison.Ordinal);
        Assert.DoesNotContain("0.00", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_can_be_done_names_the_folder_which_may_be_a_copy()
    {
        var text = Text(
            Snapshots.Completed() with
            {
                RunId = "original",
                MissingJudgements = 2,
                JudgingFaults = new Dictionary<string, string> { ["m"] = "It cannot be reached." },
            }
        );
        Assert.Contains("Ask for them: ./run.sh resume r", text, StringComparison.Ordinal);
        Assert.Contains("./run.sh judge run r --set judge.…; without it: ./run.sh judge dismiss r m", text, StringComparison.Ordinal);
        Assert.DoesNotContain("run original", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Tasks_learned_at_once_have_one_row_its_mean_and_a_reason_for_no_backward_transfer()
    {
        var text = Text(Joint());
        Assert.Matches(@"\nmulti-task +60\.00 +80\.00\n", text);
        Assert.Contains("rules  70.00 %   (the mean of the row)", text, StringComparison.Ordinal);
        Assert.Contains("rules      –   (not defined: all tasks were learned at once", text, StringComparison.Ordinal);
        Assert.DoesNotContain("forgotten", text, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "MAA",
            Text(
                Joint() with
                {
                    Cells =
                    [
                        [60, null],
                    ],
                }
            ),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_adapter_that_is_tested_without_training_is_named_with_its_hash()
    {
        var given = Joint() with
        {
            Stages = [],
            Cells = [],
            Curriculum = null,
            ZeroShot = [60, 80],
            GivenAdapter = new GivenAdapter("/a/b", "c0ffee"),
        };
        Assert.Contains(
            "Tested: the base model with the adapter /a/b (SHA-256 c0ffee); nothing is trained",
            Text(given),
            StringComparison.Ordinal
        );
        Assert.Matches(@"\nadapter +60\.00", Text(given));
        Assert.Matches(@"\nbase model +60\.00", Text(given with { GivenAdapter = null }));
    }

    private static RunSnapshot Joint() =>
        new()
        {
            RunId = "m",
            Status = RunStatus.Completed,
            Tasks = ["GQA", "VQAv2"],
            Stages = ["multi-task"],
            Cells =
            [
                [60, 80],
            ],
            StagesTrained = 1,
            Curriculum = LearningMethods.Known.Of(MultiTask.Name).Curriculum(["GQA", "VQAv2"]),
        };

    private static string Text(RunSnapshot snapshot) => string.Join('\n', Summary.Lines(snapshot, "runs/r", 100));
}
