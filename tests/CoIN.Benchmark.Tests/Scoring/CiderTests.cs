using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Scoring.Captions;
using CoIN.Benchmark.Tests.Golden;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Scoring;

public sealed class CiderTests
{
    [Fact]
    public void Scores_agree_with_the_reference_of_the_definition()
    {
        var golden = GoldenFolder.Cider();
        TestSample[] samples =
        [
            .. golden["samples"]!.Select(sample => new TestSample(
                (string)sample["question_id"]!,
                (string?)sample["image"],
                (string)sample["text"]!,
                (string)sample["answer"]!
            )
            {
                Answers = [.. sample["answers"]!.Select(answer => (string)answer!)],
            }),
        ];
        Prediction[] predictions =
        [
            .. golden["predictions"]!.Select(one => new Prediction((string)one["question_id"]!, (string)one["text"]!)),
        ];

        var scored = TruthAlignment.Score("cider", samples, predictions);

        Assert.Equal(golden["scores"]!.Select(score => (double)score), scored.Scores, new Near());
        Assert.Equal((double)golden["percent"]!, scored.AccuracyPercent, 9);
        Assert.All(golden["tokens"]!, one =>
            Assert.Equal(one["words"]!.Select(word => (string)word!), CaptionTokens.Of((string)one["text"]!))
        );
    }

    [Fact]
    public void A_caption_that_is_its_only_reference_scores_10_and_an_empty_or_missing_one_0()
    {
        TestSample[] samples =
        [
            new("1", null, "", "A red bird sits there."),
            new("2", null, "", "Two dogs run on grass"),
            new("3", null, "", "Snow on a roof"),
        ];

        var scored = TruthAlignment.Score("cider", samples, [new("1", "a RED bird sits there"), new("2", "")]);

        Assert.Equal([10.0, 0.0, 0.0], scored.Scores, new Near());
        Assert.Equal(3, scored.Samples);
        Assert.Equal(1000 / 3.0, scored.AccuracyPercent, 9);
    }

    [Fact]
    public void What_is_in_every_sample_s_references_is_worth_nothing()
    {
        TestSample[] samples = [new("1", null, "", "a photo"), new("2", null, "", "a photo")];

        Assert.Equal([0.0, 0.0], TruthAlignment.Score("cider", samples, [new("1", "a photo"), new("2", "a photo")]).Scores);
    }

    [Fact]
    public void A_sample_s_score_depends_on_the_references_of_the_whole_test_set()
    {
        TestSample[] two = [new("1", null, "", "a red bird"), new("2", null, "", "a blue car")];
        TestSample[] three = [.. two, new("3", null, "", "a red bus")];
        Prediction[] predictions = [new("1", "a red bus")];

        Assert.NotEqual(
            TruthAlignment.Score("cider", two, predictions).Scores[0],
            TruthAlignment.Score("cider", three, predictions).Scores[0],
            3
        );
    }

    [Fact]
    public void One_sample_alone_cannot_be_scored() =>
        Assert.Contains(
            "of a single sample the score is always 0",
            Assert.Throws<CoinException>(() => TruthAlignment.Score("cider", [new("1", null, "", "a bird")], [new("1", "a bird")])).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("Don't stop", "do|n't|stop")]
    [InlineData("I cannot see the dogs' ball; it's gone", "i|can|not|see|the|dogs|ball|it|'s|gone")]
    [InlineData("A black-and-white T-shirt, $5 (50% off)", "a|black-and-white|t-shirt|$|5|50|%|off")]
    [InlineData("Mr. Brown of the U.S. army...", "mr.|brown|of|the|u.s.|army")]
    [InlineData("1,000 people at 10:30, 3.5 m", "1,000|people|at|10:30|3.5|m")]
    [InlineData("\u201CHello\u201D \u2014 she said -- at five o\u2019clock", "hello|she|said|at|five|o'clock")]
    [InlineData(" \n", "")]
    public void Words_follow_the_treebank(string caption, string words) => Assert.Equal(words, string.Join('|', CaptionTokens.Of(caption)));

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-9;

        public int GetHashCode(double value) => 0;
    }
}
