using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Data;

/// <summary>NaN and Infinity are how pandas and Python's json write values that are missing.</summary>
public sealed class MissingValuesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("\"answer\": NaN", "it has no \"answer\"")]
    [InlineData("\"answer\": Infinity", "it has no \"answer\"")]
    [InlineData("\"answer\": -Infinity", "it has no \"answer\"")]
    [InlineData("\"answer\": null", "it has no \"answer\"")]
    [InlineData("\"answer\": [\"a\", NaN]", "it has NaN or Infinity as \"answer[1]\"")]
    [InlineData("\"answers\": [{\"answer\": NaN}]", "it has NaN or Infinity as \"answers[0]\"")]
    [InlineData("\"answer\": \"a\", \"size\": [Infinity, 3]", "it has a \"size\" that is not positive")]
    public void A_test_answer_that_is_no_number_is_missing(string fields, string fault)
    {
        var path = Write($"[{{\"question_id\": 7, \"text\": \"q\", {fields}}}]");

        var error = Assert.Throws<CoinException>(() => TestSamples.Read(path));

        Assert.StartsWith($"{path}, line 1, sample 7: {fault}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_annotators_said_counts_where_the_one_answer_is_missing()
    {
        var sample = Assert.Single(
            TestSamples.Read(Write("""[{"question_id": 7, "text": "q", "answer": NaN, "answers": ["a", "b", "a"]}]"""))
        );

        Assert.Equal("a", sample.Answer);
    }

    [Fact]
    public void Numbers_stay_answers() =>
        Assert.Equal(
            ["2", "0.5", "1E+25"],
            TestSamples
                .Read(
                    Write(
                        """[{"question_id": 1, "text": "q", "answer": 2}, {"question_id": 2, "text": "q", "answer": 0.5}, {"question_id": 3, "text": "q", "answer": 1e25}]"""
                    )
                )
                .Select(sample => sample.Answer)
        );

    [Fact]
    public void Raw_data_and_judgements_have_no_such_values_either()
    {
        var entry = new RawJson(Write("""[{"id": 1, "answers": ["a", NaN], "box": [1, NaN], "answer": NaN}]"""), CancellationToken.None)
            .List("entry", "id", "answers", "box", "answer")
            .Single();
        Assert.Equal("", entry.OptionalText("answer"));
        Assert.Contains(
            "has no text as \"answers\"[1]",
            Assert.Throws<CoinException>(() => entry.Texts("answers")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("no list of numbers", Assert.Throws<CoinException>(() => entry.Numbers("box")).Message, StringComparison.Ordinal);

        var judgements = Write("""{"question_id":"1","reply":"8","published":NaN,"corrected":8}""");
        Assert.Contains(
            "line 1: \"published\" is no number",
            Assert.Throws<CoinException>(() => JudgementsFile.Read(judgements)).Message,
            StringComparison.Ordinal
        );
    }

    private string Write(string text)
    {
        folder.Write("file.json", text);
        return folder.File("file.json");
    }
}
