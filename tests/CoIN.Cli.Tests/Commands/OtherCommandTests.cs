using CoIN.Benchmark.Runs;
using CoIN.Cli.Engine;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class OtherCommandTests : IDisposable
{
    private readonly CommandLine _coin = new();

    public void Dispose() => _coin.Dispose();

    [Theory]
    [InlineData]
    [InlineData("--help")]
    public async Task Without_arguments_a_newcomer_learns_the_first_steps(params string[] arguments)
    {
        Assert.Equal(0, await _coin.InvokeAsync(arguments));
        Assert.Contains("First steps", _coin.Out);
    }

    [Fact]
    public async Task A_verb_has_its_own_help()
    {
        Assert.Equal(0, await _coin.InvokeAsync("run", "--help"));
        Assert.Contains("--run-id", _coin.Out);
        Assert.DoesNotContain("First steps", _coin.Out);
    }

    [Fact]
    public async Task An_unknown_verb_or_option_is_an_error()
    {
        Assert.Equal(2, await _coin.InvokeAsync("rum"));
        Assert.Contains("rum", _coin.Error);
        Assert.Equal(2, await _coin.InvokeAsync("runs", "--sett"));
        Assert.Contains("--sett", _coin.Error);
    }

    [Fact]
    public async Task Resume_takes_the_latest_run_that_is_not_completed()
    {
        await StartAsync("old", "new", "done");
        _coin.Engine.Journals["old"] = Snapshots.Of(1, RunStatus.Stopped);
        _coin.Engine.Journals["new"] = Snapshots.Of(2, RunStatus.Stopped);
        _coin.Engine.Journals["done"] = Snapshots.Completed();

        Assert.Equal(0, await _coin.InvokeAsync("resume"));
        Assert.Equal("resume new", _coin.Engine.Asked[^1]);
    }

    [Fact]
    public async Task Resume_finds_a_run_by_the_beginning_of_its_id_and_takes_node_settings()
    {
        await StartAsync("alpha", "beta");
        _coin.Engine.Journals["alpha"] = Snapshots.Of(1);

        Assert.Equal(0, await _coin.InvokeAsync("resume", "alp", "--set", "node.trainer-threads=3"));
        Assert.Equal("resume alpha", _coin.Engine.Asked[^1]);
        Assert.Equal(3, _coin.Engine.Ticket!.Node.TrainerThreads);
    }

    [Fact]
    public async Task A_run_killed_before_its_first_event_is_started_by_resume()
    {
        await StartAsync("early");

        Assert.Equal(0, await _coin.InvokeAsync("resume", "early"));
        Assert.Equal(["run early", "run early"], _coin.Engine.Asked);
        Assert.Equal("mine", _coin.Engine.Options!.Name);
    }

    [Fact]
    public async Task A_completed_run_is_not_resumed_but_has_its_reports_written()
    {
        await StartAsync("done");
        _coin.Engine.Journals["done"] = Snapshots.Completed();

        Assert.Equal(0, await _coin.InvokeAsync("resume", "done"));
        Assert.Contains("nothing to resume", _coin.Out);
        Assert.DoesNotContain("resume done", _coin.Engine.Asked);
        Assert.Contains("report done", _coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_that_is_not_there_or_not_unique_is_an_error()
    {
        await StartAsync("aa1", "aa2");

        Assert.Equal(1, await _coin.InvokeAsync("status", "x"));
        Assert.Contains("There is no run x in", _coin.Error);
        Assert.Equal(1, await _coin.InvokeAsync("status", "aa"));
        Assert.Contains("Several runs begin with aa", _coin.Error);
    }

    [Fact]
    public async Task Runs_are_listed_with_status_stages_and_metrics()
    {
        await StartAsync("one", "two", "three");
        _coin.Engine.Journals["one"] = Snapshots.Completed();
        _coin.Engine.Journals["two"] = Snapshots.Of(3, RunStatus.Stopped);

        Assert.Equal(0, await _coin.InvokeAsync("runs"));
        Assert.Matches(@"one +completed +8/8 +71\.2[89] +-10\.8[78]", _coin.Out);
        Assert.Matches(@"MAA +BWT +\(Truth Alignment, published rules\)", _coin.Out);
        Assert.Matches(@"two +stopped +3/8", _coin.Out);
        Assert.Matches(@"three +not begun", _coin.Out);
    }

    [Fact]
    public async Task A_folder_without_runs_says_so()
    {
        Assert.Equal(0, await _coin.InvokeAsync("runs", "--runs", "elsewhere"));
        Assert.Contains(_coin.Folder.PathOf("elsewhere"), _coin.Out);
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_folder_of_runs_is_called_so()
    {
        _coin.Folder.Write("file", "");

        Assert.Equal(1, await _coin.InvokeAsync("runs", "--runs", "file"));
        Assert.Contains($"{_coin.Folder.PathOf("file")}, but that is a file", _coin.Error);
    }

    [Fact]
    public async Task Status_shows_the_matrix_so_far_and_report_the_files()
    {
        await StartAsync("one");
        _coin.Engine.Journals["one"] = Snapshots.Training(3, 60);

        Assert.Equal(0, await _coin.InvokeAsync("status"));
        Assert.Contains("Training stage 3/8 ImageNet: step 60/120", _coin.Out);
        Assert.Contains("1 ScienceQA", _coin.Out);
        Assert.Equal(0, await _coin.InvokeAsync("report", "one"));
        Assert.Contains(Path.Combine(_coin.Runs, "one", "report.md"), _coin.Out);
    }

    [Fact]
    public async Task Validate_says_what_would_run_or_what_is_wrong()
    {
        _coin.WriteConfiguration();

        Assert.Equal(0, await _coin.InvokeAsync("validate", "a.hocon"));
        Assert.Contains("a.hocon: valid.", _coin.Out);
        Assert.Equal(1, await _coin.InvokeAsync("validate", "a.hocon", "--set", "lora.rnk=1"));
        Assert.Contains("nearest known key is coin.lora.rank", _coin.Error);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("plan")]
    [InlineData("run")]
    public async Task What_is_wrong_with_the_model_is_listed_with_what_is_wrong_with_the_settings(string verb)
    {
        _coin.WriteConfiguration();
        _coin.Engine.ModelFaults.AddRange(["the weights are a pointer", "cuda:0 is not there"]);

        Assert.Equal(1, await _coin.InvokeAsync(verb, "a.hocon", "--set", "lora.rank=0"));
        Assert.All(new[] { "3 problems", "coin.lora.rank is 0", "the weights are a pointer", "cuda:0 is not there" }, problem => Assert.Contains(problem, _coin.Error));
    }

    [Fact]
    public async Task Validate_lists_problems_of_configuration_model_and_data_at_once()
    {
        _coin.WriteConfiguration();
        _coin.Engine.ModelFaults.Add("the tokenizer is of another model");
        _coin.Engine.DataFaults.AddRange(["line 3 has no answer", "line 4 has\ntwo faults"]);

        Assert.Equal(1, await _coin.InvokeAsync("validate", "a.hocon", "--set", "lora.rank=0", "--set", "data.prepare=maxi"));
        Assert.Contains("has 5 problems:", _coin.Error);
        Assert.All(
            ["coin.lora.rank is 0", "the tokenizer is of another model", "coin.data.prepare is maxi", "line 3 has", "line 4 has\n    two faults"],
            part => Assert.Contains("\n  - " + part, _coin.Error));
    }

    [Fact]
    public async Task A_run_tells_problems_of_configuration_and_model_at_once_and_makes_no_folder()
    {
        _coin.WriteConfiguration();
        _coin.Engine.ModelFaults.Add("the tokenizer is of another model");

        Assert.Equal(1, await _coin.InvokeAsync("run", "a.hocon", "--set", "lora.rank=0"));
        Assert.Contains("has 2 problems:", _coin.Error);
        Assert.False(Directory.Exists(_coin.Runs));
    }

    [Fact]
    public async Task The_miniatures_options_are_parsed()
    {
        Assert.Equal(0, await _coin.InvokeAsync("mini", "generate", "--out", "d", "--seed", "3", "--train-samples", "10"));
        Assert.Equal(new MiniGeneration(_coin.Folder.PathOf("d"), 3, 10, null), _coin.Engine.Generation);
        Assert.Equal(0, await _coin.InvokeAsync("mini", "generate", "--out", "d", "--seed", "3", "--force"));
        Assert.Equal(new MiniGeneration(_coin.Folder.PathOf("d"), 3, null, null, Force: true), _coin.Engine.Generation);
        Assert.Equal(0, await _coin.InvokeAsync("mini", "pretrain", "--out", "m", "--steps", "5", "--threads", "2"));
        Assert.Equal(new MiniPretraining(_coin.Folder.PathOf("m"), 42, 5, 2, null), _coin.Engine.Pretraining);
        Assert.Equal(2, await _coin.InvokeAsync("mini", "pretrain", "--steps", "0"));
        Assert.Contains("--steps 0", _coin.Error);
    }

    private async Task StartAsync(params string[] ids)
    {
        _coin.WriteConfiguration();
        var age = ids.Length;
        foreach (var id in ids)
        {
            await _coin.InvokeAsync("run", "a.hocon", "--run-id", id);
            File.SetLastWriteTimeUtc(Path.Combine(_coin.Runs, id, "settings.conf"), DateTime.UtcNow.AddMinutes(-age--));
        }
    }
}
