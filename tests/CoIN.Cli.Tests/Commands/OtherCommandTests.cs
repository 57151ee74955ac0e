using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class OtherCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Theory]
    [InlineData]
    [InlineData("--help")]
    public async Task Without_arguments_a_newcomer_learns_the_first_steps(params string[] arguments)
    {
        Assert.Equal(0, await coin.InvokeAsync(arguments));
        Assert.Contains("First steps", coin.Out);
    }

    [Fact]
    public async Task A_verb_has_its_own_help()
    {
        Assert.Equal(0, await coin.InvokeAsync("run", "--help"));
        Assert.Contains("--run-id", coin.Out);
        Assert.DoesNotContain("First steps", coin.Out);
    }

    [Fact]
    public async Task An_unknown_verb_or_option_is_an_error()
    {
        Assert.Equal(2, await coin.InvokeAsync("rum"));
        Assert.Contains("rum", coin.Error);
        Assert.Equal(2, await coin.InvokeAsync("runs", "--sett"));
        Assert.Contains("--sett", coin.Error);
    }

    [Fact]
    public async Task Resume_takes_the_latest_run_that_is_not_completed()
    {
        await StartAsync("old", "new", "done");
        coin.Engine.Journals["old"] = Snapshots.Of(1, RunStatus.Stopped);
        coin.Engine.Journals["new"] = Snapshots.Of(2, RunStatus.Stopped);
        coin.Engine.Journals["done"] = Snapshots.Completed();

        Assert.Equal(0, await coin.InvokeAsync("resume"));
        Assert.Equal("resume new", coin.Engine.Asked[^1]);
    }

    [Fact]
    public async Task Resume_finds_a_run_by_the_beginning_of_its_id_and_takes_node_settings()
    {
        await StartAsync("alpha", "beta");
        coin.Engine.Journals["alpha"] = Snapshots.Of(1);

        Assert.Equal(0, await coin.InvokeAsync("resume", "alp", "--set", "node.trainer-threads=3"));
        Assert.Equal("resume alpha", coin.Engine.Asked[^1]);
        Assert.Equal(3, coin.Engine.Ticket!.Node.TrainerThreads);
    }

    [Fact]
    public async Task A_run_killed_before_its_first_event_is_started_by_resume()
    {
        await StartAsync("early");

        Assert.Equal(0, await coin.InvokeAsync("resume", "early"));
        Assert.Equal(["run early", "run early"], coin.Engine.Asked);
        Assert.Equal("mine", coin.Engine.Options!.Name);
    }

    [Fact]
    public async Task A_completed_run_is_not_resumed_but_has_its_reports_written()
    {
        await StartAsync("done");
        coin.Engine.Journals["done"] = Snapshots.Completed();

        Assert.Equal(0, await coin.InvokeAsync("resume", "done"));
        Assert.Contains("nothing to resume", coin.Out);
        Assert.DoesNotContain("resume done", coin.Engine.Asked);
        Assert.Contains("report done", coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_that_is_not_there_or_not_unique_is_an_error()
    {
        await StartAsync("aa1", "aa2");

        Assert.Equal(1, await coin.InvokeAsync("status", "x"));
        Assert.Contains("There is no run x in", coin.Error);
        Assert.Equal(1, await coin.InvokeAsync("status", "aa"));
        Assert.Contains("Several runs begin with aa", coin.Error);
    }

    [Fact]
    public async Task Runs_are_listed_with_status_stages_and_metrics()
    {
        await StartAsync("one", "two", "three");
        coin.Engine.Journals["one"] = Snapshots.Completed();
        coin.Engine.Journals["two"] = Snapshots.Of(3, RunStatus.Stopped);

        Assert.Equal(0, await coin.InvokeAsync("runs"));
        Assert.Matches(@"one +completed +8/8 +71\.2[89] +-10\.8[78]", coin.Out);
        Assert.Matches(@"MAA +BWT +\(Truth Alignment, published rules\)", coin.Out);
        Assert.Matches(@"two +stopped +3/8", coin.Out);
        Assert.Matches(@"three +not begun", coin.Out);
    }

    [Fact]
    public async Task A_folder_without_runs_says_so()
    {
        Assert.Equal(0, await coin.InvokeAsync("runs", "--runs", "elsewhere"));
        Assert.Contains(coin.Folder.PathOf("elsewhere"), coin.Out);
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_folder_of_runs_is_called_so()
    {
        coin.Folder.Write("file", "");

        Assert.Equal(1, await coin.InvokeAsync("runs", "--runs", "file"));
        Assert.Contains($"{coin.Folder.PathOf("file")}, but that is a file", coin.Error);
    }

    [Fact]
    public async Task Status_shows_the_matrix_so_far_and_report_the_files()
    {
        await StartAsync("one");
        coin.Engine.Journals["one"] = Snapshots.Training(3, 60);

        Assert.Equal(0, await coin.InvokeAsync("status"));
        Assert.Contains("Training stage 3/8 ImageNet: step 60/120", coin.Out);
        Assert.Contains("1 ScienceQA", coin.Out);
        Assert.Equal(0, await coin.InvokeAsync("report", "one"));
        Assert.Contains(Path.Combine(coin.Runs, "one", "report.md"), coin.Out);
    }

    [Fact]
    public async Task Validate_says_what_would_run_or_what_is_wrong()
    {
        coin.WriteConfiguration();

        Assert.Equal(0, await coin.InvokeAsync("validate", "a.hocon"));
        Assert.Contains("a.hocon: valid.", coin.Out);
        Assert.Equal(1, await coin.InvokeAsync("validate", "a.hocon", "--set", "lora.rnk=1"));
        Assert.Contains("nearest known key is coin.lora.rank", coin.Error);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("plan")]
    [InlineData("run")]
    public async Task What_is_wrong_with_the_model_is_listed_with_what_is_wrong_with_the_settings(string verb)
    {
        coin.WriteConfiguration();
        coin.Engine.ModelFaults.AddRange(["the weights are a pointer", "cuda:0 is not there"]);

        Assert.Equal(1, await coin.InvokeAsync(verb, "a.hocon", "--set", "lora.rank=0"));
        Assert.All(new[] { "3 problems", "coin.lora.rank is 0", "the weights are a pointer", "cuda:0 is not there" }, problem =>
            Assert.Contains(problem, coin.Error)
        );
    }

    [Fact]
    public async Task Validate_lists_problems_of_configuration_model_and_data_at_once()
    {
        coin.WriteConfiguration();
        coin.Engine.ModelFaults.Add("the tokenizer is of another model");
        coin.Engine.DataFaults.AddRange(["line 3 has no answer", "line 4 has\ntwo faults"]);

        Assert.Equal(1, await coin.InvokeAsync("validate", "a.hocon", "--set", "lora.rank=0", "--set", "data.prepare=maxi"));
        Assert.Contains("has 5 problems:", coin.Error);
        Assert.All(
            [
                "coin.lora.rank is 0",
                "the tokenizer is of another model",
                "coin.data.prepare is maxi",
                "line 3 has",
                "line 4 has\n    two faults",
            ],
            part => Assert.Contains("\n  - " + part, coin.Error)
        );
    }

    [Fact]
    public async Task A_run_tells_problems_of_configuration_and_model_at_once_and_makes_no_folder()
    {
        coin.WriteConfiguration();
        coin.Engine.ModelFaults.Add("the tokenizer is of another model");

        Assert.Equal(1, await coin.InvokeAsync("run", "a.hocon", "--set", "lora.rank=0"));
        Assert.Contains("has 2 problems:", coin.Error);
        Assert.False(Directory.Exists(coin.Runs));
    }

    [Fact]
    public async Task The_miniatures_options_are_parsed()
    {
        Assert.Equal(0, await coin.InvokeAsync("mini", "generate", "--out", "d", "--seed", "3", "--train-samples", "10"));
        Assert.Equal(new MiniGeneration(coin.Folder.PathOf("d"), 3, 10, null), coin.Engine.Generation);
        Assert.Equal(0, await coin.InvokeAsync("mini", "generate", "--out", "d", "--seed", "3", "--force"));
        Assert.Equal(new MiniGeneration(coin.Folder.PathOf("d"), 3, null, null, Force: true), coin.Engine.Generation);
        Assert.Equal(0, await coin.InvokeAsync("mini", "pretrain", "--out", "m", "--steps", "5", "--threads", "2"));
        Assert.Equal(new MiniPretraining(coin.Folder.PathOf("m"), 42, 5, 2, null, Family: "llava"), coin.Engine.Pretraining);
        Assert.Equal(2, await coin.InvokeAsync("mini", "pretrain", "--steps", "0"));
        Assert.Contains("--steps 0", coin.Error);
    }

    private async Task StartAsync(params string[] ids)
    {
        coin.WriteConfiguration();
        var age = ids.Length;
        foreach (var id in ids)
        {
            await coin.InvokeAsync("run", "a.hocon", "--run-id", id);
            File.SetLastWriteTimeUtc(Path.Combine(coin.Runs, id, "settings.conf"), DateTime.UtcNow.AddMinutes(-age--));
        }
    }
}
