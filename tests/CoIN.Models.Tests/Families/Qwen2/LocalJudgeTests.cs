using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;

namespace CoIN.Models.Tests.Families.Qwen2;

public sealed class LocalJudgeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly LocalJudgeFactory factory = new(Assert.Fail);

    public LocalJudgeTests()
    {
        foreach (
            var file in new[] { "untied", "tokenizer" }.SelectMany(part => Directory.EnumerateFiles(GoldenFolder.Of("qwen2-tiny", part)))
        )
        {
            File.Copy(file, folder.Of(Path.GetFileName(file)));
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(0.7)]
    public async Task Every_request_gets_its_own_reply_in_its_place_whatever_the_batches(double temperature)
    {
        var requests = Enumerable.Range(0, 5).Select(i => Request(new string((char)('a' + i), 3 + (7 * i)))).ToList();
        var together = await Ask(Options() with { Temperature = temperature, TopP = 0.8, BatchSize = 3 }, requests);
        Assert.Equal(5, together.Distinct().Count());
        for (var i = 0; i < requests.Count; i++)
        {
            Assert.Equal([together[i]], await Ask(Options() with { Temperature = temperature, TopP = 0.8, BatchSize = 1 }, [requests[i]]));
        }
    }

    [Fact]
    public async Task Another_seed_gives_other_samples()
    {
        var options = Options() with { Temperature = 1 };
        Assert.NotEqual(await Ask(options, [Request("yes")]), await Ask(options with { Seed = 1 }, [Request("yes")]));
    }

    [Fact]
    public async Task A_reply_has_at_most_the_tokens_that_are_allowed()
    {
        var longer = await Ask(Options(), [Request("yes")]);
        var shorter = await Ask(Options() with { MaxTokens = 2 }, [Request("yes")]);
        Assert.StartsWith(shorter[0], longer[0], StringComparison.Ordinal);
        Assert.True(shorter[0].Length < longer[0].Length);
    }

    [Fact]
    public async Task Stopping_gives_up_the_batches_that_were_not_begun()
    {
        using var stop = new CancellationTokenSource();
        using var judge = factory.Open(Options() with { BatchSize = 2 }, "cpu", 1);
        var places = new List<int>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            judge.AskAsync(
                [.. "abcde".Select(letter => Request($"{letter}"))],
                (place, _) =>
                {
                    places.Add(place);
                    stop.Cancel();
                },
                stop.Token
            )
        );
        Assert.Equal([0, 1], places);
    }

    [Fact]
    public void Judges_of_one_model_share_it_until_the_last_is_closed()
    {
        var first = factory.Open(Options(), "cpu", 1);
        using var second = factory.Open(Options(), "cpu", 1);
        first.Dispose();
        first.Dispose();
        var replies = new List<string>();
        Assert.True(
            second.AskAsync([Request("yes")], (_, reply) => replies.Add(reply.Text), CancellationToken.None).IsCompletedSuccessfully
        );
        Assert.Single(replies);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("vocab.json")]
    public void Another_file_is_another_judge(string file)
    {
        var before = Fingerprint();
        var bytes = File.ReadAllBytes(folder.Of(file));

        // The last weight's sign, or a space at the end of JSON.
        File.WriteAllBytes(
            folder.Of(file),
            file.EndsWith(".json", StringComparison.Ordinal) ? [.. bytes, (byte)' '] : [.. bytes[..^1], (byte)(bytes[^1] ^ 0x80)]
        );
        Assert.NotEqual(before, Fingerprint());
    }

    [Theory]
    [InlineData("config.json", "config.json")]
    [InlineData("model.safetensors", "holds no weights")]
    [InlineData("merges.txt", "neither vocab.json with merges.txt nor tokenizer.json")]
    public void A_missing_file_is_told_before_anything_is_loaded(string file, string message)
    {
        factory.Check(Options());
        File.Delete(folder.Of("tokenizer.json"));
        File.Delete(folder.Of(file));
        var error = Assert.Throws<CoinException>(() => factory.Check(Options())).Message;
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Contains(folder.Path, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_is_told_with_the_key_that_names_it() =>
        Assert.Contains(
            "judge.path",
            Assert.Throws<CoinException>(() => factory.Check(Options() with { Path = folder.Of("nothing") })).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_folder_that_was_mended_can_be_opened_after_a_failure()
    {
        File.Move(folder.Of("model.safetensors"), folder.Of("away"));
        Assert.Throws<CoinException>(() => factory.Open(Options(), "cpu", 1));
        File.Move(folder.Of("away"), folder.Of("model.safetensors"));
        factory.Open(Options(), "cpu", 1).Dispose();
    }

    private static JudgeRequest Request(string answer) =>
        JudgePrompt.Of(new JudgedCase(JudgeRule.CoIN, "What is it?\nAnswer shortly.", "red", answer));

    private JudgeOptions Options() =>
        new()
        {
            Name = "local",
            Kind = JudgeKind.Local,
            Path = folder.Path,
            Dtype = "float32",
            MaxTokens = 8,
        };

    private string Fingerprint()
    {
        using var judge = factory.Open(Options(), "cpu", 1);
        return judge.Fingerprint;
    }

    private async Task<string[]> Ask(JudgeOptions options, IReadOnlyList<JudgeRequest> requests)
    {
        using var judge = factory.Open(options, "cpu", 1);
        var replies = new string[requests.Count];
        await judge.AskAsync(requests, (place, reply) => replies[place] = reply.Text, CancellationToken.None);
        return replies;
    }
}
