using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Scoring;

public sealed class ScorersTests
{
    [Fact]
    public void There_are_scorers_for_every_task_of_the_paper_and_general_ones_in_both_scorings()
    {
        string[] keys =
        [
            "scienceqa",
            "textvqa",
            "imagenet",
            "gqa",
            "vizwiz",
            "grounding",
            "grounding-minigpt",
            "vqav2",
            "ocrvqa",
            "ucit",
            "mllm-cl",
            "mllm-cl-science",
            "ocrbench",
            "mllm-cl-perception",
            "anls",
            "cider",
            "exact",
            "normalized",
            "contains",
            "vqa",
            "choice",
            "box",
        ];

        Assert.Equal(keys, Scorers.Keys);
        Assert.All(keys, key => Assert.Equal((key, key), (Scorers.Of(key).Key, Scorers.Of(key, ScoringKind.Corrected).Key)));
        Assert.All(keys, key => Assert.Equal(Pairing.EachSample, Scorers.Of(key, ScoringKind.Corrected).Pairing));
    }

    [Theory]
    [InlineData("vizwhiz", "vizwiz")]
    [InlineData("OCR-VQA", "ocrvqa")]
    [InlineData("groundin", "grounding")]
    public void An_unknown_key_is_an_error_that_names_the_nearest_key(string key, string nearest) =>
        Assert.Contains(
            $"\"{key}\"; did you mean \"{nearest}\"?",
            Assert.Throws<CoinException>(() => Scorers.Of(key)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void The_nearest_of_no_names_is_none() => Assert.Null(NearestName.Of("x", []));

    [Theory]
    [InlineData("B", "B", 1)]
    [InlineData("B", "A", 0)]
    [InlineData("1", "B. iron", 1)]
    [InlineData("0", "(a) magnet", 1)]
    [InlineData(" C\n", "C", 1)]
    public void A_ScienceQA_answer_is_a_letter_or_an_index(string answer, string prediction, double score) =>
        Assert.Equal(score, Scorers.Of("scienceqa").Score(new("7", null, "", answer) { Choices = 3 }, prediction));

    [Fact]
    public void An_option_beyond_the_choices_is_wrong()
    {
        Assert.Equal(0, Scorers.Of("scienceqa").Score(new("7", null, "", "D") { Choices = 3 }, "D"));
        Assert.Equal(1, Scorers.Of("scienceqa").Score(new("7", null, "", "D"), "D"));
    }

    [Fact]
    public void A_ScienceQA_answer_in_words_is_an_error_that_names_the_question()
    {
        var error = Assert.Throws<CoinException>(() => Scorers.Of("scienceqa").Score(new("q7", null, "", "iron"), "A"));
        Assert.Contains("Question q7", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"iron\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextVQA_needs_ten_answers() =>
        Assert.Contains(
            "Question 9 has 1 reference answer where",
            Assert.Throws<CoinException>(() => Scorers.Of("textvqa").Score(new("9", null, "", "stop"), "stop")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_ground_truth_that_is_no_box_is_an_error_that_names_the_question()
    {
        Assert.Contains(
            "Question 3",
            Assert.Throws<CoinException>(() => Scorers.Of("grounding").Score(new("3", null, "", "left"), "[0,0,1,1]")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Question 3",
            Assert.Throws<CoinException>(() => Scorers.Of("grounding-minigpt").Score(new("3", null, "", "1,2,3"), "x")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void MiniGPT_is_scored_against_the_box_in_the_unpadded_image()
    {
        var sample = new TestSample("1", null, "", "[0.1, 0.3, 0.5, 0.6]") { UnpaddedBox = "[0.1, 0.1, 0.5, 0.9]" };

        Assert.Equal(1, Scorers.Of("grounding-minigpt").Score(sample, "[0.1, 0.1, 0.5, 0.9]"));
        Assert.Equal(1, Scorers.Of("grounding").Score(sample, "(0.1, 0.3, 0.5, 0.6)"));
    }

    [Fact]
    public void Digits_outside_the_basic_plane_are_digits_to_the_MiniGPT_pattern() =>
        Assert.Equal(1, Scorers.Of("grounding-minigpt").Score(new("1", null, "", "[0.1, 0.1, 0.5, 0.95]"), "0.1, 0.1, 0.5, 0.9\U0001D7D3"));

    [Fact]
    public void The_first_character_that_the_grounding_rule_cuts_may_be_an_emoji() =>
        Assert.Equal(
            1,
            Scorers.Of("grounding").Score(new("1", null, "", "[0.1, 0.1, 0.5, 0.9]"), "\U0001F4E60.1, 0.1, 0.5, 0.9\U0001F4E6")
        );
}
