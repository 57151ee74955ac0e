using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Scoring;

public sealed class PredictionsJoinTests
{
    private static readonly ScoringKind[] Both = [ScoringKind.Published, ScoringKind.Corrected];

    private static readonly TestSample[] Samples = [new("1", null, "", "a dog"), new("2", null, "", "b"), new("3", null, "", "c")];

    [Fact]
    public void Both_scorings_come_in_the_order_asked_for()
    {
        var (_, sets) = PredictionsJoin.Score("vqav2", Samples, [new("1", "dog"), new("2", "b")], Both);

        Assert.Equal([(50, 2), (200 / 3.0, 3)], sets.Select(set => (set.AccuracyPercent, set.Samples)));
    }

    [Fact]
    public void What_does_not_fit_is_found()
    {
        var join = PredictionsJoin.Of(Samples, [new("2", "x"), new("9", "x"), new("2", "y"), new("9", "x")]);

        Assert.Equal(["9"], join.Unknown);
        Assert.Equal(["1", "3"], join.Missing);
        Assert.Equal(["2", "9"], join.Repeated);
        Assert.Equal(3, join.OutOfPlace);
    }

    [Fact]
    public void Files_without_a_common_id_are_an_error_with_ids_of_both()
    {
        var fault = Fault("imagenet", [new("x-1", "a"), new("x-2", "a")]);

        Assert.Contains("\"x-1\", \"x-2\", the test file ids such as \"1\", \"2\", \"3\"", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Predictions_for_unknown_questions_are_an_error_where_the_published_rule_counts_them()
    {
        Prediction[] predictions = [new("1", "dog"), new("7", "b"), new("8", "b")];

        Assert.Contains(
            "2 predictions are for questions that the test file does not hold, such as \"7\", \"8\"",
            Fault("vqav2", predictions),
            StringComparison.Ordinal
        );
        Assert.Equal(3, Assert.Single(PredictionsJoin.Score("vqav2", Samples, predictions, [ScoringKind.Corrected]).Sets).Samples);
        Assert.Equal(
            0,
            PredictionsJoin.Score("scienceqa", [new("1", null, "", "A")], [new("1", "B"), new("7", "A")], Both).Sets[0].AccuracyPercent
        );
    }

    [Fact]
    public void What_only_the_published_rule_cannot_score_is_an_error_that_offers_the_corrected_one()
    {
        var fault = Fault("textvqa", [new("1", "a dog")]);

        Assert.StartsWith("By the published rule: Question 1 has 1 reference answer where", fault, StringComparison.Ordinal);
        Assert.EndsWith("--scoring corrected.", fault, StringComparison.Ordinal);
        Assert.Equal(1, PredictionsJoin.Score("textvqa", Samples, [new("1", "a dog")], [ScoringKind.Corrected]).Sets[0].Scores[0]);
    }

    [Fact]
    public void An_empty_predictions_file_is_an_error() => Assert.Contains("no predictions", Fault("vqav2", []), StringComparison.Ordinal);

    [Fact]
    public void Notes_say_what_each_rule_makes_of_it()
    {
        var join = PredictionsJoin.Of(Samples, [new("2", "x"), new("9", "x"), new("2", "y")]);

        Assert.Equal(
            [
                "2 questions without prediction, such as \"1\", \"3\": wrong by the corrected rule, not counted by the published one.",
                "1 prediction for other questions, such as \"9\": passed over by the corrected rule.",
                "1 question with several predictions, such as \"2\": the last one counts by the corrected rule, each one by the published.",
                "3 lines of the predictions have another id than the sample at the same place: the published rule joins by place, and its number means nothing here.",
            ],
            join.Notes(Pairing.ByPosition)
        );
        Assert.Equal(
            [
                "2 questions without prediction, such as \"1\", \"3\": wrong by the corrected rule.",
                "1 prediction for other questions, such as \"9\": passed over.",
                "1 question with several predictions, such as \"2\": the last one counts.",
            ],
            join.Notes(null)
        );
        Assert.Empty(PredictionsJoin.Of(Samples, [new("1", "x"), new("2", "x"), new("3", "x")]).Notes(Pairing.ByPosition));
    }

    private static string Fault(string key, Prediction[] predictions) =>
        Assert.Throws<CoinException>(() => PredictionsJoin.Score(key, Samples, predictions, Both)).Message;
}
