using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Scoring.Corrected;

/// <summary>Where the corrected rules depart from the published ones, each with the published score beside it.</summary>
public sealed class CorrectedScorersTests
{
    [Theory]
    [InlineData("vqav2", "yes", "Yes.", 0, 1)]
    [InlineData("vqav2", "2", "two", 0, 1)]
    [InlineData("vizwiz", "unanswerable", "Unanswerable", 1, 1)]
    [InlineData("vizwiz", "coca cola", "Coca-Cola", 0, 1)]
    [InlineData("gqa", "Yes", "yes", 0, 1)]
    [InlineData("gqa", "chair.", "chair", 0, 1)]
    [InlineData("gqa", "chair", "It is a chair", 0, 0)]
    [InlineData("ocrvqa", "Unanswerable", "Unanswerable", 0, 1)]
    [InlineData("ocrvqa", "Kim", "Unanswerable", 0, 0)]
    [InlineData("ocrvqa", "J. K. Rowling", "J.K. Rowling", 0, 1)]
    [InlineData("imagenet", "moon", "", 1, 0)]
    [InlineData("imagenet", "moon", "oo", 1, 0)]
    [InlineData("imagenet", "rat", "rattlesnake", 1, 0)]
    [InlineData("imagenet", "tench", "Tench", 0, 1)]
    [InlineData("imagenet", "tench", "a photo of a tench.", 1, 1)]
    [InlineData("imagenet", "tench, Tinca tinca", "It is a tench", 0, 1)]
    [InlineData("imagenet", "great_white_shark", "great white shark", 0, 1)]
    public void Departures_of_tasks_with_words_for_answers(
        string key,
        string truth,
        string prediction,
        double published,
        double corrected
    ) => AssertScores(key, new("1", null, "", truth), prediction, published, corrected);

    [Theory]
    [InlineData("C", "A good answer would be C", 0, 1)]
    [InlineData("D", "I think it is D", 0, 1)]
    [InlineData("B", "It's B", 0, 1)]
    [InlineData("A", "Option 3, so A", 0, 1)]
    [InlineData("B", "(b)", 1, 1)]
    [InlineData("B", "**B.** iron", 1, 1)]
    [InlineData("B", "iron", 0, 1)]
    [InlineData("C", "Cast iron.", 0, 1)]
    [InlineData("C", "The bridge is made of cast iron", 0, 1)]
    [InlineData("B", "b) iron", 1, 1)]
    [InlineData("B", "The answer is b.", 1, 1)]
    [InlineData("A", "A", 1, 1)]
    [InlineData("A", "The answer is a magnet of sorts", 1, 0)]
    [InlineData("A", "A or B", 1, 0)]
    [InlineData("B", "Either A or B", 0, 0)]
    [InlineData("B", "The answer is B, not A", 1, 1)]
    [InlineData("A", "It is not A", 1, 0)]
    [InlineData("D", "Answer: (D)", 1, 1)]
    [InlineData("D", "E", 0, 0)]
    [InlineData("B", "Of copper and iron", 0, 0)]
    [InlineData("B", "", 0, 0)]
    public void Departures_of_multiple_choice(string truth, string prediction, double published, double corrected) =>
        AssertScores(
            "scienceqa",
            new("1", null, "What is it made of?\nA. copper\nB. iron\nC. cast iron\nD. tin\nAnswer with the option's letter", truth)
            {
                Choices = 4,
            },
            prediction,
            published,
            corrected
        );

    [Fact]
    public void A_right_option_may_be_given_as_letter_index_or_text()
    {
        const string Text = "Which?\n(A) up\n(B) down";
        Assert.All(["B", "b", "1", "Down"], truth => Assert.Equal(1, Corrected("choice", new("1", null, Text, truth), "The answer is B")));
        Assert.Contains(
            "Question q7",
            Assert.Throws<CoinException>(() => Corrected("scienceqa", new("q7", null, Text, "sideways"), "A")).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("[0.1, 0.1, 0.5, 0.95]", 1, 1)]
    [InlineData("[1.0, 0.1, 0.6, 0.5]", 0, 1)]
    [InlineData("The box is [0.6, 0.1, 1, 0.5].", 0, 1)]
    [InlineData("0.6 0.1 1.0 0.5", 0, 1)]
    [InlineData("(x1=0.6, y1=0.1, x2=1.0, y2=0.5)", 0, 1)]
    [InlineData("The 2 dogs are at [0.6, 0.1, 1.0, 0.5]", 0, 1)]
    [InlineData("[1.0, 0.5, 0.6, 0.1]", 0, 1)]
    [InlineData("[0.6, 0.1, 1.0]", 0, 0)]
    [InlineData("[0.6, 0.1, 1.0, 0.5, 0.5]", 0, 0)]
    [InlineData("[0.6, 0.1, 1.0, 0.5] or [0, 0, 0.1, 0.1]", 0, 0)]
    [InlineData("[-0.6, 0.1, 1.0, 0.5]", 0, 0)]
    [InlineData("on the left", 0, 0)]
    public void Departures_of_boxes(string prediction, double published, double corrected)
    {
        var truth = prediction.Contains("0.95", StringComparison.Ordinal) ? "[0.1, 0.1, 0.5, 0.95]" : "[0.6, 0.1, 1.0, 0.5]";
        AssertScores("grounding", new("1", null, "", truth), prediction, published, corrected);
    }

    [Fact]
    public void A_box_that_ends_at_the_corner_is_seen_by_the_corrected_MiniGPT_rule() =>
        AssertScores(
            "grounding-minigpt",
            new("1", null, "", "[0.5, 0.5, 0.6, 0.6]") { UnpaddedBox = "[0.0, 0.0, 0.4, 0.4]" },
            "[0.0, 0.0, 0.4, 0.4]",
            0,
            1
        );

    [Theory]
    [InlineData("vqav2")]
    [InlineData("vizwiz")]
    [InlineData("textvqa")]
    [InlineData("vqa")]
    public void Ten_answers_give_the_soft_accuracy(string key)
    {
        Assert.Equal(
            [0, 0.3, 0.6, 0.9, 1, 1, 1],
            Enumerable.Range(0, 7).Select(agreeing => Corrected(key, Ten(agreeing), "Red.")),
            new Near()
        );
        Assert.Equal(1, Corrected(key, Ten(10), "red"));
    }

    [Fact]
    public void Annotators_without_answer_are_counted_but_never_met()
    {
        var sample = Ten(3) with { Answers = ["red", "red", "red", "", "", "", "", "", "", ""] };

        Assert.Equal(0.9, Corrected("vqav2", sample, "red"), 1e-12);
        Assert.Equal(0, Corrected("vqav2", sample, " "));
    }

    [Fact]
    public void Where_there_are_not_ten_answers_any_one_is_right()
    {
        Assert.Equal(1, Corrected("textvqa", new("1", null, "", "stop"), "Stop"));
        Assert.Equal(1, Corrected("vqav2", new("1", null, "", "red") { Answers = ["red", "crimson"] }, "crimson"));
        Assert.Equal(0, Corrected("vqav2", new("1", null, "", "red") { Answers = ["red", "crimson"] }, "blue"));
    }

    [Theory]
    [InlineData("exact", "Paris", " Paris ", 1)]
    [InlineData("exact", "Paris", "paris", 0)]
    [InlineData("normalized", "Paris", "paris.", 1)]
    [InlineData("normalized", "Paris", "in Paris", 0)]
    [InlineData("contains", "Paris", "It is in Paris.", 1)]
    [InlineData("contains", "Paris, Texas", "It is in Paris.", 0)]
    [InlineData("contains", "", "It is in Paris.", 0)]
    [InlineData("vqa", "Paris", "paris", 1)]
    [InlineData("choice", "B", "The answer is B", 1)]
    [InlineData("box", "[0, 0, 1, 1]", "(0, 0, 1, 1)", 1)]
    public void General_rules_are_the_same_in_both_scorings(string key, string truth, string prediction, double score) =>
        AssertScores(key, new("1", null, "", truth), prediction, score, score);

    [Fact]
    public void Every_corrected_rule_calls_an_empty_answer_wrong()
    {
        var sample = new TestSample("1", null, "", "[0, 0, 1, 1]");
        Assert.All(Scorers.Keys.Where(key => !Scorers.Of(key).NeedsTestSet), key => Assert.Equal(0, Corrected(key, sample, " \n")));
    }

    [Fact]
    public void Every_sample_counts_and_of_two_predictions_the_last()
    {
        TestSample[] samples = [new("1", null, "", "yes"), new("2", null, "", "no"), new("3", null, "", "no")];

        var scored = TruthAlignment.Score(
            "vqav2",
            samples,
            [new("3", "no"), new("1", "no"), new("1", "yes"), new("9", "yes")],
            ScoringKind.Corrected
        );

        Assert.Equal([1, 0, 1], scored.Scores);
        Assert.Equal(["1", "2", "3"], scored.QuestionIds);
        Assert.Equal((200 / 3.0, 3), (scored.AccuracyPercent, scored.Samples));
    }

    private static TestSample Ten(int agreeing) =>
        new("1", null, "", "red")
        {
            Answers = [.. Enumerable.Range(0, 10).Select(place => place < agreeing ? "the red" : $"other {place}")],
        };

    private static double Corrected(string key, TestSample sample, string prediction) =>
        Scorers.Of(key, ScoringKind.Corrected).Score(sample, prediction);

    private static void AssertScores(string key, TestSample sample, string prediction, double published, double corrected)
    {
        Assert.Equal(published, Scorers.Of(key).Score(sample, prediction));
        Assert.Equal(corrected, Corrected(key, sample, prediction));
    }

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-12;

        public int GetHashCode(double obj) => 0;
    }
}
