using System.Text;
using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Metrics;
using CoIN.Benchmark.Predictions;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Files;

public sealed class Utf8TextTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a\nb\nc\u00E9", 3, 6, "0xE9")]
    [InlineData("\u00E9", 1, 1, "0xE9")]
    [InlineData("a\r\nb\r\u00C3(", 3, 6, "0xC3")]
    [InlineData("caf\u00C3", 1, 4, "0xC3")]
    public void What_is_not_UTF8_is_refused_with_line_and_byte(string latin, int line, int position, string value)
    {
        var error = Assert.Throws<CoinException>(() => Utf8Text.Read(Bytes("x.txt", Encoding.Latin1.GetBytes(latin))));

        Assert.StartsWith(
            $"{folder.File("x.txt")}, line {line}, byte {position} of the file ({value}): the file is not UTF-8 text.",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_fault_far_into_a_file_is_found_and_characters_across_the_reader_s_buffers_are_none()
    {
        var text = string.Concat(Enumerable.Range(0, 40_000).Select(i => i % 7 == 0 ? "é€😀\n" : "abc"));
        var bytes = Encoding.UTF8.GetBytes(text);

        Assert.Equal(text, Utf8Text.Read(Bytes("long.txt", bytes)));
        Assert.Equal(text.Split('\n').Length, Utf8Text.Lines(folder.File("long.txt")).Count());
        var error = Assert.Throws<CoinException>(() => Utf8Text.Read(Bytes("long.txt", [.. bytes, 0x80])));
        Assert.Contains(
            $", line {text.Split('\n').Length}, byte {bytes.Length + 1} of the file (0x80)",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_byte_order_mark_of_UTF8_is_passed_over_and_UTF16_is_named()
    {
        Assert.Equal("a", Utf8Text.Read(Bytes("x.txt", [0xEF, 0xBB, 0xBF, (byte)'a'])));
        var error = Assert.Throws<CoinException>(() =>
            Utf8Text.Read(Bytes("y.txt", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("[]")]))
        );
        Assert.Contains("is UTF-16 text", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<string>> Readers =>
        new()
        {
            { "[{\"question_id\":1,\"text\":\"q\",\"answer\":\"caf\u00E9\"}]", path => TestSamples.Read(path) },
            {
                "[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"caf\u00E9\"}]}]",
                path => TrainingSamples.Read(path)
            },
            { "{\"question_id\":\"1\",\"text\":\"caf\u00E9\"}", path => PredictionsFile.Read(path) },
            { "{\"question_id\":\"\u00E9\",\"published\":1,\"corrected\":1}", path => ScoresFile.Read(path) },
            { "{\"question_id\":\"1\",\"reply\":\"\u00E9\",\"published\":1,\"corrected\":1}", path => JudgementsFile.Read(path) },
            { "study,rater,sample,score\n1,Ren\u00E9,A001,5", path => StudyScores.Read(path) },
            { "{\"study\":\"1\",\"run\":\"\u00E9\",\"seed\":1,\"items\":[]}", path => StudyKey.Read(path) },
            { "\u00E9,1\na,2", path => MatrixFile.Read(path) },
            { "[{\"id\":1,\"text\":\"\u00E9\"}]", path => new RawJson(path, CancellationToken.None).List("entry", "id", "text").Count() },
            { "n01440764 tench\nn01443537 caf\u00E9", path => TextLines.Read(path).Count() },
        };

    [Theory]
    [MemberData(nameof(Readers))]
    public void Every_reader_refuses_what_is_not_UTF8_with_file_line_and_byte(string text, Action<string> read)
    {
        var path = Bytes("file", Encoding.Latin1.GetBytes(text));

        var error = Assert.Throws<CoinException>(() => read(path));

        var line = text[..text.IndexOf('\u00E9', StringComparison.Ordinal)].Count(one => one == '\n') + 1;
        Assert.StartsWith(
            $"{path}, line {line}, byte {text.IndexOf('\u00E9', StringComparison.Ordinal) + 1} of the file (0xE9): the file is not UTF-8 text",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_kept_reply_that_is_not_UTF8_is_asked_again_and_those_around_it_stay()
    {
        Bytes(
            "cache/a.jsonl",
            Encoding.Latin1.GetBytes(
                "{\"key\":\"a\",\"reply\":\"1\"}\n{\"key\":\"b\",\"reply\":\"caf\u00E9\"}\n{\"key\":\"c\",\"reply\":\"3\"}\n"
            )
        );
        using var cache = new JudgementCache(folder.File("cache"), "b");

        Assert.Equal(["1", null, "3"], new[] { "a", "b", "c" }.Select(key => cache.Find(key)?.Text));
    }

    private string Bytes(string name, byte[] bytes)
    {
        var path = folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
