using System.Text;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Predictions;

public sealed class PredictionsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_bytes_are_fixed()
    {
        var path = folder.File("p.jsonl");
        PredictionsFile.Write(path, [new("7", "a \"quoted\" word\n"), new("q/8", "straße 猫")]);

        Assert.Equal(
            "{\"question_id\":\"7\",\"text\":\"a \\\"quoted\\\" word\\n\"}\n{\"question_id\":\"q/8\",\"text\":\"straße 猫\"}\n",
            Encoding.UTF8.GetString(File.ReadAllBytes(path))
        );
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Prediction[] predictions = [new("1", ""), new("2", " \u2028\t\\ \u0000 é🐈"), new("3", "2024-01-02T03:04:05Z")];
        var path = folder.File("p.jsonl");
        PredictionsFile.Write(path, predictions);

        Assert.Equal(predictions, PredictionsFile.Read(path));
    }

    [Fact]
    public void Numeric_ids_windows_line_ends_and_blank_lines_are_read() =>
        Assert.Equal(
            [new Prediction("12", "a"), new Prediction("13", "b")],
            PredictionsFile.Read(
                folder.Write(
                    "p.jsonl",
                    "{\"question_id\": 12, \"text\": \"a\", \"answer_id\": \"x\"}\r\n\r\n{\"question_id\":13,\"text\":\"b\"}\r\n"
                )
            )
        );

    [Theory]
    [InlineData("{\"question_id\":\"2\"")]
    [InlineData("{\"question_id\":\"2\"}")]
    [InlineData("{\"text\":\"a\"}")]
    [InlineData("{\"question_id\":\"2\",\"text\":3}")]
    [InlineData("{\"question_id\":true,\"text\":\"a\"}")]
    [InlineData("{\"question_id\":\"2\",\"text\":\"a\"} {}")]
    [InlineData("[]")]
    public void A_faulty_line_is_named_with_its_file(string line)
    {
        var path = folder.Write("p.jsonl", "{\"question_id\":\"1\",\"text\":\"a\"}\n" + line + "\n");

        var error = Assert.Throws<CoinException>(() => PredictionsFile.Read(path));
        Assert.StartsWith($"{path}, line 2: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains(
            folder.File("none.jsonl"),
            Assert.Throws<CoinException>(() => PredictionsFile.Read(folder.File("none.jsonl"))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Bytes_that_are_no_text_are_an_error()
    {
        File.WriteAllBytes(folder.File("p.jsonl"), [0x7b, 0xff, 0xfe, 0x0a]);

        Assert.Contains(
            "is not UTF-8 text",
            Assert.Throws<CoinException>(() => PredictionsFile.Read(folder.File("p.jsonl"))).Message,
            StringComparison.Ordinal
        );
    }
}
