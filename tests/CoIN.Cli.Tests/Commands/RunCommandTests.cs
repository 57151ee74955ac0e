using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

public sealed class RunCommandTests : IDisposable
{
    private readonly CommandLine _coin = new();

    public RunCommandTests() => _coin.WriteConfiguration();

    public void Dispose() => _coin.Dispose();

    [Fact]
    public async Task A_run_is_named_by_time_name_and_seed_and_drives_the_engine_with_the_options()
    {
        var code = await _coin.InvokeAsync("run", "a.hocon", "--set", "seed=7", "--set", "coin.lora.rank=4");

        Assert.Equal(0, code);
        Assert.Equal(["run 20261124-090807-mine-s7"], _coin.Engine.Asked);
        Assert.Equal((7, 4), (_coin.Engine.Options!.Seed, _coin.Engine.Options.Lora.Rank));
        Assert.Equal(Path.Combine(_coin.Runs, "20261124-090807-mine-s7"), _coin.Engine.Ticket!.RunFolder);
        Assert.Contains("seed = \"7\"", File.ReadAllText(Path.Combine(_coin.Engine.Ticket.RunFolder, "settings.conf")));
    }

    [Fact]
    public async Task Two_runs_of_the_same_second_have_different_ids()
    {
        await _coin.InvokeAsync("run", "a.hocon");
        await _coin.InvokeAsync("run", "a.hocon");

        Assert.Equal(["run 20261124-090807-mine-s42", "run 20261124-090807-mine-s42-2"], _coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_id_can_be_chosen_but_not_twice()
    {
        Assert.Equal(0, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "first"));
        Assert.Equal(1, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "first"));
        Assert.Contains("./run.sh resume first", _coin.Error);
        Assert.Equal(2, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "../x"));
        Assert.Contains("--run-id ../x", _coin.Error);
    }

    [Fact]
    public async Task The_end_shows_matrix_metrics_and_files_without_control_characters()
    {
        await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r");

        Assert.Contains("completed after 6 min 00 s", _coin.Out);
        Assert.Matches(@"MAA\), published rules  71\.2[89] %", _coin.Out);
        Assert.Matches(@"BWT\), published rules      -10\.8[78] %", _coin.Out);
        Assert.Contains("Files: " + Path.Combine(_coin.Runs, "r"), _coin.Out);
        Assert.DoesNotContain(_coin.Out, c => char.IsControl(c) && c is not '\n' and not '\r');
    }

    [Fact]
    public async Task A_stopped_run_ends_with_130_and_says_how_to_resume()
    {
        _coin.Engine.Drive = (_, stop) =>
        {
            _coin.Signals!.Raise();
            return Snapshots.Training(2, 5) with { Status = stop.IsCancellationRequested ? RunStatus.Stopped : RunStatus.Completed };
        };

        Assert.Equal(130, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.Contains("stopping after this step", _coin.Out);
        Assert.Contains("./run.sh resume r", _coin.Error);
        Assert.False(_coin.ExitedAtOnce);
    }

    [Fact]
    public async Task A_second_signal_ends_the_process_at_once()
    {
        _coin.Engine.Drive = (_, _) =>
        {
            _coin.Signals!.Raise();
            _coin.Signals.Raise();
            return Snapshots.Completed();
        };

        await _coin.InvokeAsync("run", "a.hocon");

        Assert.True(_coin.ExitedAtOnce);
    }

    [Fact]
    public async Task A_fault_the_user_can_mend_is_one_message_with_its_exit_code()
    {
        _coin.Engine.Drive = (_, _) => throw new CoinException("sample 7 has no image. Fetch it.") { ExitCode = 3 };

        Assert.Equal(3, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.StartsWith("sample 7 has no image. Fetch it.\n", _coin.Error.ReplaceLineEndings("\n"));
        Assert.DoesNotContain("   at ", _coin.Error);
    }

    [Fact]
    public async Task A_fault_is_red_at_a_terminal()
    {
        _coin.Terminal = _coin.Terminal with { ErrorColour = true };

        await _coin.InvokeAsync("run", "none.hocon");

        Assert.StartsWith("\u001b[31mConfiguration file", _coin.Error);
    }

    [Fact]
    public async Task An_unexpected_fault_points_to_the_log_which_holds_the_stack_trace()
    {
        _coin.Engine.Drive = (_, _) => throw new InvalidOperationException("broken");

        Assert.Equal(1, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));

        var log = Path.Combine(_coin.Runs, "r", "log.clef");
        Assert.Contains($"Unexpected fault: InvalidOperationException: broken", _coin.Error);
        Assert.Contains(log, _coin.Error);
        Assert.DoesNotContain("   at ", _coin.Error);
        var last = JObject.Parse(File.ReadLines(log).Last());
        Assert.Contains("   at ", last.Value<string>("@x"));
        Assert.Equal("r", last.Value<string>("RunId"));
    }

    [Fact]
    public async Task A_failed_run_ends_with_1_and_its_message()
    {
        _coin.Engine.Drive = (_, _) => Snapshots.Of(1, RunStatus.Failed) with { Message = "the loss is not finite" };

        Assert.Equal(1, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.Contains("the loss is not finite", _coin.Error);
    }

    [Fact]
    public async Task The_miniatures_data_are_drawn_before_files_are_looked_for()
    {
        Directory.Delete(_coin.Folder.PathOf("data"), recursive: true);
        _coin.Engine.Prepare = _ => _coin.Folder.Complete();

        Assert.Equal(0, await _coin.InvokeAsync("run", "a.hocon", "--run-id", "r", "--set", "data.prepare=mini"));
        Assert.Equal(["prepare", "run r"], _coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_without_a_configuration_shows_how_to_name_one()
    {
        Assert.Equal(2, await _coin.InvokeAsync("run"));
        Assert.Contains("hocon/mini.hocon", _coin.Error);
    }
}
