using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>Runs whose judge is an endpoint, as processes.</summary>
public sealed class JudgedRunTests : IAsyncLifetime
{
    private const string Key = "sk-secret-9876543210";

    private readonly Laboratory lab = new();

    public ValueTask InitializeAsync() => lab.InitializeAsync();

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    [Fact]
    public async Task A_judge_that_is_down_costs_no_results_and_its_key_is_written_nowhere()
    {
        const string Id = "down";
        Environment.SetEnvironmentVariable("COIN_E2E_JUDGE_KEY", Key);
        var port = EndpointProcess.FreePort();
        var (code, output) = await CoinProcess.RunAsync(
            lab.Run(
                Id,
                "order=[GQA]",
                "judge.kind=openai",
                "judge.name=tester",
                $"judge.endpoint=http://127.0.0.1:{port}/v1",
                "judge.model=m",
                "judge.api-key-env=COIN_E2E_JUDGE_KEY",
                "judge.retries=1",
                "judge.retry-delay=0.1"
            )
        );
        Assert.True(code == 1, output);
        Assert.Contains($"http://127.0.0.1:{port}/v1 cannot be reached", output, StringComparison.Ordinal);
        Assert.Contains("The run itself is complete", output, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(lab.PathOf(Id, "predictions"), "GQA.jsonl", SearchOption.AllDirectories));

        using (var endpoint = await EndpointProcess.StartAsync("500,ok", port))
        {
            (code, output) = await CoinProcess.RunAsync(lab.Resume(Id));
            Assert.True(code == 0, output);
            Assert.Equal("Bearer " + Key, (string?)(await endpoint.SeenAsync()).Requests[0]["authorization"]);
        }

        var judgements = await File.ReadAllLinesAsync(lab.PathOf(Id, "judgements", "tester", "stage-1", "GQA.jsonl"));
        Assert.Equal(20, judgements.Length);
        Assert.All(judgements, line => Assert.Contains("\"reply\":\"7\",\"published\":7,\"corrected\":7}", line, StringComparison.Ordinal));

        // A second judge needs neither pictures nor model.
        Directory.Delete(Path.Combine(lab.Data, "images"), recursive: true);
        (code, output) = await CoinProcess.RunAsync(
            "judge",
            "run",
            Id,
            "--runs",
            lab.Runs,
            "--set",
            "judge.kind=lexical",
            "--set",
            "judge.name=lexical"
        );
        Assert.True(code == 0, output);
        Assert.Contains("Reasoning Capability by lexical (a rule, no language model)", output, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(lab.PathOf(Id), "*", SearchOption.AllDirectories))
        {
            Assert.True(
                (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Key)) < 0,
                $"{file} holds the key"
            );
        }
    }
}
