using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

public sealed class RunCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public RunCommandTests() => coin.WriteConfiguration();

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task A_run_is_named_by_time_name_and_seed_and_drives_the_engine_with_the_options()
    {
        var code = await coin.InvokeAsync("run", "a.hocon", "--set", "seed=7", "--set", "coin.lora.rank=4");

        Assert.Equal(0, code);
        Assert.Equal(["run 20261124-090807-mine-s7"], coin.Engine.Asked);
        Assert.Equal((7, 4), (coin.Engine.Options!.Seed, coin.Engine.Options.Lora.Rank));
        Assert.Equal(Path.Combine(coin.Runs, "20261124-090807-mine-s7"), coin.Engine.Ticket!.RunFolder);
        Assert.Contains("seed = \"7\"", File.ReadAllText(Path.Combine(coin.Engine.Ticket.RunFolder, "settings.conf")));
    }

    [Fact]
    public async Task Two_runs_of_the_same_second_have_different_ids()
    {
        await coin.InvokeAsync("run", "a.hocon");
        await coin.InvokeAsync("run", "a.hocon");

        Assert.Equal(["run 20261124-090807-mine-s42", "run 20261124-090807-mine-s42-2"], coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_id_can_be_chosen_but_not_twice()
    {
        Assert.Equal(0, await coin.InvokeAsync("run", "a.hocon", "--run-id", "first"));
        Assert.Equal(1, await coin.InvokeAsync("run", "a.hocon", "--run-id", "first"));
        Assert.Contains("./run.sh resume first", coin.Error);
        Assert.Equal(2, await coin.InvokeAsync("run", "a.hocon", "--run-id", "../x"));
        Assert.Contains("--run-id ../x", coin.Error);
    }

    [Fact]
    public async Task The_end_shows_matrix_metrics_and_files_without_control_characters()
    {
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "r");

        Assert.Contains("completed after 6 min 00 s", coin.Out);
        Assert.Matches(@"MAA\), published rules  71\.2[89] %", coin.Out);
        Assert.Matches(@"BWT\), published rules      -10\.8[78] %", coin.Out);
        Assert.Contains("Files: " + Path.Combine(coin.Runs, "r"), coin.Out);
        Assert.DoesNotContain(coin.Out, c => char.IsControl(c) && c is not '\n' and not '\r');
    }

    [Fact]
    public async Task A_stopped_run_ends_with_130_and_says_how_to_resume()
    {
        coin.Engine.Drive = (_, stop) =>
        {
            coin.Signals!.Raise();
            return Snapshots.Training(2, 5) with { Status = stop.IsCancellationRequested ? RunStatus.Stopped : RunStatus.Completed };
        };

        Assert.Equal(130, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.Contains("stopping after this step", coin.Out);
        Assert.Contains("./run.sh resume r", coin.Error);
        Assert.False(coin.ExitedAtOnce);
    }

    [Fact]
    public async Task A_second_signal_ends_the_process_at_once()
    {
        coin.Engine.Drive = (_, _) =>
        {
            coin.Signals!.Raise();
            coin.Signals.Raise();
            return Snapshots.Completed();
        };

        await coin.InvokeAsync("run", "a.hocon");

        Assert.True(coin.ExitedAtOnce);
    }

    [Fact]
    public async Task A_fault_the_user_can_mend_is_one_message_with_its_exit_code()
    {
        coin.Engine.Drive = (_, _) => throw new CoinException("sample 7 has no image. Fetch it.") { ExitCode = 3 };

        Assert.Equal(3, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.StartsWith("sample 7 has no image. Fetch it.\n", coin.Error.ReplaceLineEndings("\n"));
        Assert.DoesNotContain("   at ", coin.Error);
    }

    [Fact]
    public async Task A_fault_is_red_at_a_terminal()
    {
        coin.Terminal = coin.Terminal with { ErrorColour = true };

        await coin.InvokeAsync("run", "none.hocon");

        Assert.StartsWith("\u001b[31mConfiguration file", coin.Error);
    }

    [Fact]
    public async Task An_unexpected_fault_points_to_the_log_which_holds_the_stack_trace()
    {
        coin.Engine.Drive = (_, _) => throw new InvalidOperationException("broken");

        Assert.Equal(1, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));

        var log = Path.Combine(coin.Runs, "r", "log.clef");
        Assert.Contains($"Unexpected fault: InvalidOperationException: broken", coin.Error);
        Assert.Contains(log, coin.Error);
        Assert.DoesNotContain("   at ", coin.Error);
        var last = JObject.Parse(File.ReadLines(log).Last());
        Assert.Contains("   at ", last.Value<string>("@x"));
        Assert.Equal("r", last.Value<string>("RunId"));
    }

    [Fact]
    public async Task A_failed_run_ends_with_1_and_its_message()
    {
        coin.Engine.Drive = (_, _) => Snapshots.Of(1, RunStatus.Failed) with { Message = "the loss is not finite" };

        Assert.Equal(1, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.Contains("the loss is not finite", coin.Error);
    }

    [Fact]
    public async Task The_miniatures_data_are_drawn_before_files_are_looked_for()
    {
        Directory.Delete(coin.Folder.PathOf("data"), recursive: true);
        coin.Engine.Prepare = _ => coin.Folder.Complete();

        Assert.Equal(0, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r", "--set", "data.prepare=mini"));
        Assert.Equal(["prepare", "run r"], coin.Engine.Asked);
    }

    [Fact]
    public async Task A_run_without_a_configuration_shows_how_to_name_one()
    {
        Assert.Equal(2, await coin.InvokeAsync("run"));
        Assert.Contains("hocon/mini.hocon", coin.Error);
    }
}
