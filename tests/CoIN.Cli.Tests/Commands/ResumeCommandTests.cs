using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Which run is meant, and what is said where going on is no use.</summary>
public sealed class ResumeCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task Without_a_name_a_run_that_got_somewhere_comes_before_later_ones_that_did_not_and_it_says_why()
    {
        Make("stopped", "failed", "bare", "driven", "broken", "done");
        coin.Engine.Journals["stopped"] = Snapshots.Of(1, RunStatus.Stopped);
        coin.Engine.Journals["failed"] = Snapshots.Of(0, RunStatus.Failed);
        coin.Engine.Journals["driven"] = Snapshots.Of(3);
        coin.Engine.Journals["done"] = Snapshots.Completed();
        coin.Engine.Driven.Add("driven");
        coin.Engine.Unreadable.Add("broken");

        Assert.Equal(0, await coin.InvokeAsync("resume"));
        Assert.Equal("resume stopped", coin.Engine.Asked[^1]);
        Assert.Contains("Resuming stopped, which was stopped.", coin.Out);
        Assert.Contains(
            "Passed over, although later: failed, which failed before its first stage was trained. To take it: ./run.sh resume failed",
            coin.Out
        );
        Assert.Contains("Passed over, although later: bare, which has not begun.", coin.Out);
        Assert.Contains("Passed over, although later: broken, which cannot be read", coin.Out);
        Assert.DoesNotContain("although later: done", coin.Out);
    }

    [Theory]
    [InlineData(RunStatus.Interrupted, "was interrupted")]
    [InlineData(RunStatus.Failed, "failed before its first stage was trained")]
    public async Task A_run_that_failed_at_its_start_is_taken_where_there_is_no_better_one(RunStatus status, string how)
    {
        Make("only");
        coin.Engine.Journals["only"] = Snapshots.Of(0, status);
        Assert.Equal(0, await coin.InvokeAsync("resume"));
        Assert.Contains($"Resuming only, which {how}.", coin.Out);
    }

    [Fact]
    public async Task Where_no_run_can_be_resumed_it_says_why_of_each()
    {
        Make("driven", "broken", "done");
        coin.Engine.Driven.Add("driven");
        coin.Engine.Unreadable.Add("broken");
        coin.Engine.Journals["done"] = Snapshots.Completed();
        Assert.Equal(1, await coin.InvokeAsync("resume"));
        Assert.Contains("driven another process drives.", coin.Error);
        Assert.Contains("broken cannot be read", coin.Error);
    }

    [Fact]
    public async Task What_was_lost_is_done_again_when_asked_also_of_a_completed_run()
    {
        Make("done");
        coin.Engine.Journals["done"] = Snapshots.Completed();
        Assert.Equal(0, await coin.InvokeAsync("resume", "done", "--redo"));
        Assert.Equal("resume done again", coin.Engine.Asked[^1]);
    }

    [Fact]
    public async Task A_copied_folder_is_said_to_go_on_as_what_it_is()
    {
        Make("copy");
        coin.Engine.Journals["copy"] = Snapshots.Of(1, RunStatus.Stopped) with { RunId = "first" };
        Assert.Equal(0, await coin.InvokeAsync("resume", "copy"));
        Assert.Contains("it goes on as first", coin.Out);
    }

    [Fact]
    public async Task Going_on_is_not_advised_where_it_cannot_help()
    {
        Make("r");
        coin.Engine.Journals["r"] = Snapshots.Of(1, RunStatus.Stopped);
        coin.Engine.Drive = (_, _) => throw new CoinException("The run is being driven by another.") { IsFinal = true };
        Assert.Equal(1, await coin.InvokeAsync("resume", "r"));
        Assert.DoesNotContain("Go on with", coin.Error);

        coin.Engine.Drive = (_, _) => throw new CoinException("The disk is full.");
        Assert.Equal(1, await coin.InvokeAsync("resume", "r"));
        Assert.Contains("Go on with: ./run.sh resume r", coin.Error);
    }

    [Fact]
    public async Task A_run_that_failed_before_it_began_or_after_its_end_is_told_so()
    {
        coin.WriteConfiguration();
        coin.Engine.Drive = (_, _) => throw new CoinException("sample 7 has no image.");
        Assert.Equal(1, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r"));
        Assert.DoesNotContain("Go on with", coin.Error);
        Assert.Contains("The run has not begun. When that is mended: ./run.sh resume r", coin.Error);

        coin.Engine.Journals["r"] = Snapshots.Completed();
        Assert.Equal(1, await coin.InvokeAsync("resume", "r", "--redo"));
        Assert.Contains("The run is completed; its reports: ./run.sh report r", coin.Error);
        Assert.DoesNotContain("Go on with", coin.Error);
    }

    [Fact]
    public async Task A_completed_run_that_lost_files_is_not_said_to_lack_nothing()
    {
        Make("done");
        coin.Engine.Journals["done"] = Snapshots.Completed();
        coin.Engine.Damage = new CoinException("predictions/stage-1/GQA.jsonl is missing.");

        Assert.Equal(1, await coin.InvokeAsync("resume", "done"));
        Assert.Contains("predictions/stage-1/GQA.jsonl is missing.", coin.Error);
        Assert.DoesNotContain("nothing to resume", coin.Out);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("report")]
    [InlineData("resume")]
    [InlineData("rescore")]
    [InlineData("judge dismiss", "gpt")]
    public async Task Every_verb_takes_a_run_as_the_shell_completes_it(string verb, params string[] rest)
    {
        Make("alpha", "beta");
        coin.Engine.Journals["alpha"] = Snapshots.Of(1, RunStatus.Stopped) with { RunId = "alpha" };
        foreach (
            var run in new[] { "alpha", "al", "runs/alpha", "runs/alpha/", "./runs/alpha/settings.conf", Path.Combine(coin.Runs, "alpha") }
        )
        {
            Assert.Equal(0, await coin.InvokeAsync([.. verb.Split(' '), run, .. rest]));
        }

        Assert.DoesNotContain(coin.Engine.Asked, asked => asked.Contains("beta", StringComparison.Ordinal));
        Assert.Equal(1, await coin.InvokeAsync([.. verb.Split(' '), "runs/gamma", .. rest]));
        Assert.Contains($"{Path.Combine(coin.Runs, "gamma")} is no run's folder: it does not exist.", coin.Error);
    }

    [Fact]
    public async Task A_run_elsewhere_is_named_by_its_path_in_what_is_advised()
    {
        coin.Folder.Write("elsewhere/x/settings.conf", "");
        coin.Engine.Journals["x"] = Snapshots.Of(1, RunStatus.Interrupted);
        Assert.Equal(0, await coin.InvokeAsync("status", "elsewhere/x"));
        Assert.Contains($"Go on with: ./run.sh resume {coin.Folder.PathOf("elsewhere", "x")}", coin.Out);
    }

    [Fact]
    public async Task A_run_that_is_interrupted_or_just_being_started_is_told_so()
    {
        Make("killed", "young");
        coin.Engine.Journals["killed"] = Snapshots.Of(1, RunStatus.Interrupted);
        coin.Engine.Driven.Add("young");
        Assert.Equal(0, await coin.InvokeAsync("runs"));
        Assert.Matches("killed +interrupted +1/8", coin.Out);
        Assert.Matches("young +starting", coin.Out);
        Assert.Equal(0, await coin.InvokeAsync("status", "young"));
        Assert.Contains("Run young is being started", coin.Out);
    }

    [Fact]
    public async Task Reports_go_elsewhere_and_that_is_the_remedy_where_the_run_may_only_be_read()
    {
        Make("r");
        coin.Engine.ReadOnly = true;
        Assert.Equal(1, await coin.InvokeAsync("report", "r"));
        Assert.Contains("Read-only file system. Write them elsewhere: ./run.sh report r --out DIR", coin.Error);
        Assert.Equal(0, await coin.InvokeAsync("report", "r", "--out", "here"));
        Assert.Contains(coin.Folder.PathOf("here", "report.md"), coin.Out);

        coin.Engine.Journals["r"] = Snapshots.Completed();
        Assert.Equal(1, await coin.InvokeAsync("resume", "r"));
        Assert.Contains("there is nothing to resume", coin.Out);
    }

    [Theory]
    [InlineData("seed=1", "Start a new run to change it")]
    [InlineData("judge.name=x", "./run.sh judge run <run> --set judge.…")]
    public async Task What_a_completed_run_cannot_be_given_is_said_there_too(string set, string remedy)
    {
        Make("r");
        coin.Engine.Journals["r"] = Snapshots.Completed();
        Assert.Equal(1, await coin.InvokeAsync("resume", "r", "--set", set));
        Assert.Contains(remedy, coin.Error);
        Assert.DoesNotContain("nothing to resume", coin.Out);

        Assert.Equal(0, await coin.InvokeAsync("resume", "r", "--set", "node.trainer-threads=1"));
        Assert.Contains("nothing to resume", coin.Out);
    }

    /// <summary>Folders of runs, the last one the latest.</summary>
    private void Make(params string[] ids)
    {
        coin.WriteConfiguration();
        var text = File.ReadAllText(coin.Folder.PathOf("a.hocon"));
        var age = ids.Length;
        foreach (var id in ids)
        {
            File.SetLastWriteTimeUtc(coin.Folder.Write($"runs/{id}/settings.conf", text), DateTime.UtcNow.AddMinutes(-age--));
        }
    }
}
