using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Scoring;

public sealed class TruthAlignmentTests
{
    private static readonly TestSample[] Samples =
    [
        new("1", null, "", "A"),
        new("2", null, "", "B"),
        new("3", null, "", "C"),
        new("4", null, "", "D"),
    ];

    [Theory]
    [InlineData("vizwiz")]
    [InlineData("vqav2")]
    [InlineData("ocrvqa")]
    public void Predictions_are_joined_by_id_and_counted(string key)
    {
        var scored = TruthAlignment.Score(key, Samples, [new("3", "C"), new("1", "B"), new("4", "D")]);

        Assert.Equal([1, 0, 1], scored.Scores);
        Assert.Equal(3, scored.Samples);
        Assert.Equal(200.0 / 3, scored.AccuracyPercent, 1e-9);
    }

    [Fact]
    public void ImageNet_predictions_are_joined_by_position()
    {
        var scored = TruthAlignment.Score("imagenet", Samples, [new("3", "A"), new("3", "B"), new("zzz", "x")]);

        Assert.Equal([1, 1, 0], scored.Scores);
    }

    [Fact]
    public void ScienceQA_counts_every_problem_and_ignores_other_predictions()
    {
        var scored = TruthAlignment.Score("scienceqa", Samples, [new("2", "A"), new("2", "B"), new("99", "A")]);

        Assert.Equal([0, 1, 0, 0], scored.Scores);
        Assert.Equal(25, scored.AccuracyPercent);
    }

    [Fact]
    public void Of_two_GQA_predictions_the_last_counts()
    {
        TestSample[] samples = [new("1", null, "", "yes"), new("2", null, "", "no")];
        var scored = TruthAlignment.Score("gqa", samples, [new("1", "no"), new("2", "No."), new("1", "Yes"), new("9", "yes")]);

        Assert.Equal([1, 1], scored.Scores);
    }

    [Fact]
    public void A_GQA_question_without_prediction_is_an_error() =>
        Assert.Contains("Question 2 has no prediction", Fault("gqa", [new("1", "A")]), StringComparison.Ordinal);

    [Fact]
    public void A_prediction_for_an_unknown_question_is_an_error() =>
        Assert.Contains("question 9, which is not in the test file", Fault("vqav2", [new("9", "A")]), StringComparison.Ordinal);

    [Fact]
    public void More_ImageNet_predictions_than_samples_are_an_error() =>
        Assert.Contains(
            "5 predictions for 4",
            Fault("imagenet", [.. Enumerable.Repeat(new Prediction("1", "A"), 5)]),
            StringComparison.Ordinal
        );

    [Fact]
    public void No_predictions_are_an_error() => Assert.Contains("no predictions", Fault("vqav2", []), StringComparison.Ordinal);

    private static string Fault(string key, Prediction[] predictions) =>
        Assert.Throws<CoinException>(() => TruthAlignment.Score(key, Samples, predictions)).Message;
}
