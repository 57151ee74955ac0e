using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Scoring.Corrected;
using CoIN.Benchmark.Texts;

namespace CoIN.Benchmark.Tests.Scoring.Corrected;

public sealed class CharacterFormsTests
{
    [Theory]
    [InlineData("cafe\u0301", "caf\u00E9")]
    [InlineData("\uFF22\uFF12\uFF01", "B2!")]
    [InlineData("a\u3000b", "a b")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("\uFF76\uFF9E", "\u30AC")]
    [InlineData("x\u00B2 \u00BD \uFB01", "x\u00B2 \u00BD \uFB01")]
    [InlineData("\uD800 e\u0301", "\uD800 \u00E9")]
    [InlineData("plain", "plain")]
    public void Equivalent_and_wide_forms_are_one_and_nothing_else_is(string text, string folded) =>
        Assert.Equal(folded, CharacterForms.Fold(text));

    public static TheoryData<string> Keys =>
        [
            .. Scorers.Keys.Where(key =>
                !key.StartsWith("grounding", StringComparison.Ordinal) && key is not ("box" or "scienceqa" or "choice" or "cider")
            ),
        ];

    [Theory]
    [MemberData(nameof(Keys))]
    public void Prediction_and_truth_of_every_scorer_may_have_either_form(string key)
    {
        var scorer = Scorers.Of(key, ScoringKind.Corrected);
        foreach (
            var (truth, prediction) in new[]
            {
                ("caf\u00E9", "cafe\u0301"),
                ("cafe\u0301", "caf\u00E9"),
                ("AB12", "\uFF21\uFF22\uFF11\uFF12"),
                ("\uFF21\uFF22", "AB"),
            }
        )
        {
            Assert.Equal(1, scorer.Score(new TestSample("1", null, "q", truth), prediction));
            Assert.Equal(0, scorer.Score(new TestSample("1", null, "q", truth), "another"));
        }
    }

    [Theory]
    [InlineData("scienceqa")]
    [InlineData("choice")]
    public void Wide_letters_name_options(string key)
    {
        var scorer = Scorers.Of(key, ScoringKind.Corrected);
        var sample = new TestSample("1", null, "Which?\nA. iron\nB. cafe\u0301", "B");

        Assert.Equal(
            [1, 1, 1, 0],
            new[] { "\uFF22", "\uFF08\uFF22\uFF09", "caf\u00E9", "\uFF21" }.Select(answer => scorer.Score(sample, answer))
        );
    }

    [Theory]
    [InlineData("grounding")]
    [InlineData("box")]
    public void Wide_digits_are_a_box(string key) =>
        Assert.Equal(
            1,
            Scorers
                .Of(key, ScoringKind.Corrected)
                .Score(new TestSample("1", null, "q", "[0.10, 0.20, 0.50, 0.60]"), "［０．１０，０．２０，０．５０，０．６０］")
        );

    [Fact]
    public void The_published_rule_stays_as_it_was_published() =>
        Assert.Equal(0, Scorers.Of("ocrvqa").Score(new TestSample("1", null, "q", "caf\u00E9"), "cafe\u0301"));
}
