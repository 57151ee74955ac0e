using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

/// <summary>What commands print for programs.</summary>
public sealed class JsonTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task A_runs_status_has_its_training_its_matrix_and_the_names_of_its_scorings()
    {
        await StartAsync("one");
        coin.Engine.Journals["one"] = Snapshots.Training(4, 30);
        coin.Engine.Driven.Add("one");
        var status = await PrintedAsync("status", "one", "--json");
        Assert.Equal(
            "running True 4 30 120",
            $"{status["status"]} {status["driven"]} {status["training"]!["stage"]} {status["training"]!["step"]} {status["training"]!["totalSteps"]}"
        );
        Assert.Equal(370, (double)status["remainingSeconds"]!);
        var measure = status["measures"]!.Single();
        Assert.Equal("published", (string?)measure["key"]);
        Assert.Equal(92, (double)measure["rows"]![0]![0]!);
        Assert.Equal(JTokenType.Null, measure["rows"]![0]![1]!.Type);
        Assert.Equal("[0,1,2]", status["tests"]![2]!["tasks"]!.ToString(Newtonsoft.Json.Formatting.None));
        Assert.Equal(JTokenType.Null, measure["maa"]!.Type);

        // Rows 1 and 2 are whole: (92 + (92 + 75) / 2) / 2, and nothing of the first task is lost.
        Assert.Equal(
            "2 87.75 0",
            FormattableString.Invariant(
                $"{measure["soFar"]!["rows"]} {(double)measure["soFar"]!["maa"]!} {(double)measure["soFar"]!["bwt"]!}"
            )
        );
    }

    [Fact]
    public async Task A_run_that_has_not_begun_has_a_status_too()
    {
        await StartAsync("early");
        Assert.Equal("not begun", (string?)(await PrintedAsync("status", "early", "--json"))["status"]);
        coin.Engine.Driven.Add("early");
        Assert.Equal("starting", (string?)(await PrintedAsync("status", "early", "--json"))["status"]);
    }

    [Fact]
    public async Task The_list_of_runs_has_a_row_for_each_also_for_one_that_cannot_be_read()
    {
        await StartAsync("good", "bad");
        coin.Engine.Journals["good"] = Snapshots.Completed();
        coin.Engine.Unreadable.Add("bad");
        var rows = (await PrintedAsync("runs", "--json"))["runs"]!.ToDictionary(row => (string)row["run"]!);
        Assert.Equal("completed 8", $"{rows["good"]["status"]} {rows["good"]["stages"]}");
        Assert.True((double)rows["good"]["maa"]! > 50);
        Assert.Equal("unreadable The journal is damaged.", $"{rows["bad"]["status"]} {rows["bad"]["message"]}");
    }

    [Fact]
    public async Task No_runs_are_an_empty_list() => Assert.Empty((await PrintedAsync("runs", "--json"))["runs"]!);

    [Fact]
    public async Task Validate_answers_with_problems_and_an_exit_code()
    {
        coin.WriteConfiguration();
        Assert.Equal(0, await coin.InvokeAsync("validate", "a.hocon", "--json"));
        var good = JObject.Parse(coin.Out);
        Assert.True((bool)good["valid"]!);
        Assert.Equal("mine", (string?)good["runs"]![0]!["name"]);
        using var other = new CommandLine();
        other.WriteConfiguration();
        Assert.Equal(1, await other.InvokeAsync("validate", "a.hocon", "--json", "--set", "training.batch-size=0"));
        var bad = JObject.Parse(other.Out);
        Assert.False((bool)bad["valid"]!);
        Assert.Contains(bad["problems"]!, problem => ((string)problem!).Contains("batch-size", StringComparison.Ordinal));
        Assert.Empty(other.Error);
    }

    [Fact]
    public async Task Doctor_tells_every_finding_with_its_remedy()
    {
        var code = await coin.InvokeAsync("doctor", "--json");
        var json = JObject.Parse(coin.Out);
        Assert.Equal((bool)json["good"]! ? 0 : 1, code);
        Assert.Contains(json["findings"]!, finding =>
            (string?)finding["health"] is "good" or "doubtful" or "bad" && ((string?)finding["text"])?.Length > 0
        );
    }

    private async Task<JObject> PrintedAsync(params string[] arguments)
    {
        var before = coin.Out.Length;
        Assert.Equal(0, await coin.InvokeAsync(arguments));
        return JObject.Parse(coin.Out[before..]);
    }

    private async Task StartAsync(params string[] ids)
    {
        coin.WriteConfiguration();
        foreach (var id in ids)
        {
            await coin.InvokeAsync("run", "a.hocon", "--run-id", id);
        }
    }
}
