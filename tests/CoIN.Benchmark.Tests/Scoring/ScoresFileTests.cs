using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Scoring;

public sealed class ScoresFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Scores_are_one_JSON_line_each_and_read_back()
    {
        SampleScore[] scores = [new("a\"b", 1, 0), new("2", null, 0.9), new("3", 0.3, null)];
        ScoresFile.Write(folder.File("s.jsonl"), scores);

        Assert.Equal(
            "{\"question_id\":\"a\\\"b\",\"published\":1.0,\"corrected\":0.0}\n{\"question_id\":\"2\",\"published\":null,\"corrected\":0.9}\n"
                + "{\"question_id\":\"3\",\"published\":0.3,\"corrected\":null}\n",
            File.ReadAllText(folder.File("s.jsonl"))
        );
        Assert.Equal(scores, ScoresFile.Read(folder.File("s.jsonl")));
    }

    [Fact]
    public void Both_scorings_are_joined_by_id_in_the_order_of_the_test_file()
    {
        var published = new ScoredSet(50, 2, [1, 0], ["3", "1"]);
        var corrected = new ScoredSet(0, 3, [0.5, 0, 1], ["1", "2", "3"]);

        Assert.Equal([new("1", 0, 0.5), new("2", null, 0), new("3", 1, 1)], ScoresFile.Join(["1", "2", "3"], published, corrected));
        Assert.Equal([new("1", 0, null), new("2", null, null), new("3", 1, null)], ScoresFile.Join(["1", "2", "3"], published, null));
    }

    [Fact]
    public void A_question_that_a_rule_counts_twice_has_two_lines() =>
        Assert.Equal(
            [new("1", 1, 0), new("1", 0, null), new("2", null, 1)],
            ScoresFile.Join(["1", "2"], new ScoredSet(50, 2, [1, 0], ["1", "1"]), new ScoredSet(50, 2, [0, 1], ["1", "2"]))
        );

    [Theory]
    [InlineData("{\"published\":1,\"corrected\":1}", "question_id")]
    [InlineData("{\"question_id\":\"1\",\"published\":1}", "corrected")]
    [InlineData("{\"question_id\":\"1\",\"published\":10.5,\"corrected\":1}", "published")]
    [InlineData("nonsense", "line 1")]
    public void A_line_without_scores_is_an_error(string line, string named) =>
        Assert.Contains(
            named,
            Assert.Throws<CoinException>(() => ScoresFile.Read(folder.Write("s.jsonl", line))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_missing_file_is_an_error_that_names_it() =>
        Assert.Contains(
            folder.File("x.jsonl"),
            Assert.Throws<CoinException>(() => ScoresFile.Read(folder.File("x.jsonl"))).Message,
            StringComparison.Ordinal
        );
}
