using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Experiments of several runs on the command line.</summary>
public sealed class ExperimentCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public ExperimentCommandTests()
    {
        coin.WriteConfiguration();
        foreach (var seed in new[] { 1, 2 })
        {
            coin.Engine.Reports[$"e-seed{seed}"] = new RunReport
            {
                RunId = $"e-seed{seed}",
                Name = "mine",
                Method = SequentialLora.Name,
                Seed = seed,
                Status = "completed",
                Tasks = ["GQA"],
                BaseModelSha256 = "b",
                Cells = [new CellReport("GQA", new(1, 0, 50 + seed, 10, "p", "s"))],
            };
        }
    }

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task It_starts_its_runs_with_a_configuration_each_and_ends_in_their_comparison()
    {
        Assert.True(await StartAsync() == 0, coin.Error);

        Assert.Equal(["run e-seed1 e-seed2"], coin.Engine.Asked);
        Assert.Equal([1, 2], coin.Engine.Experiment!.Runs.Select(run => run.Options!.Seed));
        Assert.True(coin.Engine.Experiment.Reuse);
        Assert.Contains("seed = \"2\"", File.ReadAllText(Path.Combine(coin.Runs, "e-seed2", "settings.conf")), StringComparison.Ordinal);
        Assert.Contains("Follow it in a browser: ./run.sh watch e\n", coin.Out, StringComparison.Ordinal);
        Assert.Matches(@"seed1 +completed +8/8 +71\.2[89] +-10\.8[78]", coin.Out);
        Assert.Matches(@"all runs +2 +71\.2[89] ± 0\.00|mean ± deviation", coin.Out);

        // The page comes first, and it is there.
        var files = coin.Out[coin.Out.IndexOf("All runs side by side:", StringComparison.Ordinal)..].Split('\n')[1..];
        Assert.Equal(Path.Combine(coin.Runs, "e", "comparison.html"), files[0]);
        Assert.All(files.Where(file => file.Length > 0), file => Assert.True(File.Exists(file), file));
    }

    [Fact]
    public async Task A_run_that_failed_is_told_by_name_and_the_exit_code_is_1()
    {
        coin.Engine.Drive = (ticket, _) =>
            ticket.RunId == "e-seed2"
                ? Snapshots.Training(2, 5) with
                {
                    RunId = ticket.RunId,
                    Status = RunStatus.Failed,
                    Message = "the loss is NaN",
                }
                : Snapshots.Completed() with
                {
                    RunId = ticket.RunId,
                };

        Assert.Equal(1, await StartAsync());
        Assert.Contains("seed2: the loss is NaN", coin.Error, StringComparison.Ordinal);
        Assert.Contains("Go on with: ./run.sh resume e\n", coin.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("side by side", coin.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_it_ends_with_130_and_a_resume_goes_on_with_what_has_begun()
    {
        coin.Engine.Drive = (ticket, _) => Snapshots.Training(2, 5) with { RunId = ticket.RunId, Status = RunStatus.Stopped };
        Assert.Equal(130, await StartAsync());
        Assert.Contains("Go on with: ./run.sh resume e\n", coin.Error, StringComparison.Ordinal);

        // The first has a journal, the second never began.
        coin.Folder.Write("runs/e-seed1/journal.db", "");
        coin.Engine.Drive = (ticket, _) => Snapshots.Completed() with { RunId = ticket.RunId };
        Assert.True(await coin.InvokeAsync("resume", "e") == 0, coin.Error);
        Assert.Equal("run e-seed1 again e-seed2", coin.Engine.Asked[^1]);
        Assert.Contains("Resuming e, an experiment of 2 runs.", coin.Out, StringComparison.Ordinal);

        Assert.Equal(0, await coin.InvokeAsync("resume", "e", "--redo"));
        Assert.StartsWith("redo ", coin.Engine.Asked[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_has_a_row_for_each_run_for_people_and_for_programs()
    {
        coin.Engine.Drive = (ticket, _) => Snapshots.Training(2, 5) with { RunId = ticket.RunId, Status = RunStatus.Stopped };
        await StartAsync();
        coin.Engine.Journals["e-seed1"] = Snapshots.Training(4, 30) with { RunId = "e-seed1" };
        coin.Engine.Unreadable.Add("e-seed2");
        coin.Engine.Driven.Add("e");

        Assert.Equal(0, await coin.InvokeAsync("status", "e"));
        Assert.Contains("Experiment e: 0 of 2 runs completed", coin.Out, StringComparison.Ordinal);
        Assert.Contains("seed1: trains GQA 30/120 · tests ImageNet 120/500", coin.Out, StringComparison.Ordinal);
        Assert.Matches(@"seed2 +fault", coin.Out);
        Assert.DoesNotContain(
            "Go on with",
            coin.Out[coin.Out.IndexOf("Experiment e: 0 of 2", StringComparison.Ordinal)..],
            StringComparison.Ordinal
        );

        var before = coin.Out.Length;
        Assert.Equal(0, await coin.InvokeAsync("status", "e", "--json"));
        var status = JObject.Parse(coin.Out[before..]);
        Assert.Equal("e True", $"{status["experiment"]} {status["driven"]}");
        Assert.Equal(
            "seed1 running 30",
            $"{status["runs"]![0]!["name"]} {status["runs"]![0]!["status"]} {status["runs"]![0]!["training"]!["step"]}"
        );
        Assert.Equal(
            "seed2 unreadable The journal is damaged.",
            $"{status["runs"]![1]!["name"]} {status["runs"]![1]!["status"]} {status["runs"]![1]!["message"]}"
        );
    }

    [Fact]
    public async Task Its_reports_are_written_anew_all_of_them()
    {
        await StartAsync();
        coin.Engine.Asked.Clear();
        File.Delete(Path.Combine(coin.Runs, "e", "comparison.html"));
        Assert.True(await coin.InvokeAsync("report", "e") == 0, coin.Error);
        Assert.Equal(["report e-seed1", "report e-seed2"], coin.Engine.Asked);
        Assert.True(File.Exists(Path.Combine(coin.Runs, "e", "comparison.html")));

        Assert.Equal(0, await coin.InvokeAsync("report", "e", "--out", "elsewhere"));
        Assert.True(File.Exists(coin.Folder.PathOf("elsewhere", "comparison.html")));
    }

    private Task<int> StartAsync() => coin.InvokeAsync("run", "a.hocon", "--run-id", "e", "--set", "experiment.vary.seed=[1,2]");
}
