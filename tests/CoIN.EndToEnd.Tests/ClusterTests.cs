using CoIN.Actors.Hosting;
using CoIN.Benchmark.Reports;
using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests;

/// <summary>
/// Nodes that join late, leave, are killed or stand still: whatever happens to them, a run ends with the bits of one that nothing
/// disturbed.
/// </summary>
public sealed class ClusterTests(ClusterLaboratory whole) : IClassFixture<ClusterLaboratory>
{
    private const string Worker = "trainer,evaluator,judge";
    private const string Everything = "supervisor,trainer,evaluator,judge";

    [Fact]
    public async Task A_run_goes_on_while_nobody_looks_a_node_joins_and_the_one_that_trains_leaves()
    {
        const string Id = "leaver";

        // Nobody sees another one's files, and everybody shows a certificate.
        using var cluster = await whole.ClusterAsync(own: true, certified: true);
        var supervisor = await cluster.StartAsync(0, "supervisor");
        await cluster.SaysAsync(supervisor, "The cluster has no trainer, evaluator");
        var first = await cluster.StartAsync(1, Worker, "first-runs");
        using (var submit = cluster.Submit(Id))
        {
            await cluster.OneSaysAsync("Checkpoint of stage 1 at step 3", supervisor);
            submit.Interrupt();
            await submit.EndAsync(TimeSpan.FromSeconds(15));
            Assert.True(submit.ExitCode == 130, submit.Output);
            Assert.Contains("goes on in the cluster", submit.Output, StringComparison.Ordinal);
        }

        var second = await cluster.StartAsync(null, Worker, "second-runs");
        await cluster.SaysAsync(first, "[leaver stage 2 GQA]", "Training begins at step 0");
        await cluster.OneSaysAsync("Checkpoint of stage 2 at step 3", supervisor);
        first.Terminate();
        await first.EndAsync(TimeSpan.FromSeconds(30));
        Assert.True(first.ExitCode == 0, first.Output);
        Assert.Contains("handed back", first.Output, StringComparison.Ordinal);

        using var again = CoinProcess.Start(["resume", Id, .. cluster.Way]);
        await cluster.CompletesAsync(again);

        // Checkpoints go to the supervisor's node, and from there to the one that goes on; the first may have come to the stage's end
        // before it was told to leave.
        Assert.Contains("Fetched stages/2-GQA/checkpoints/step-", supervisor.Output, StringComparison.Ordinal);
        Assert.Equal(
            second.Output.Contains("stage 2 GQA] Training begins", StringComparison.Ordinal),
            second.Output.Contains("Fetched stages/2-GQA/checkpoints/step-", StringComparison.Ordinal)
        );
        Assert.Contains("Fetched stages/", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("stage 2 GQA] Training begins at step 0", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("its work goes on elsewhere", cluster.Output, StringComparison.Ordinal);
        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence(Id));

        var (code, output) = await CoinProcess.RunAsync(["status", .. cluster.Way]);
        Assert.True(code == 0, output);
        Assert.Contains("2 nodes:", output, StringComparison.Ordinal);
        Assert.Contains("completed", output, StringComparison.Ordinal);
        var json = JObject.Parse(await CoinProcess.PrintedAsync(["status", "--json", .. cluster.Way]));
        Assert.Equal(
            (2, "completed"),
            (json["nodes"]!.Count(node => (bool)node["answers"]!), (string?)json.SelectToken("runs[?(@.run == 'leaver')].status"))
        );

        // The runs of an experiment are runs of the cluster: what they have in common is computed once, and when the last has ended they
        // stand side by side, although nobody looks.
        using (
            var several = cluster.Submit(
                "several",
                "method=zero-shot",
                "order=[GQA]",
                "data.max-test-samples=10",
                "experiment.vary.seed=[1,2]"
            )
        )
        {
            Assert.True(
                await several.UntilAsync(
                    () => several.Output.Contains("They go on when this command ends", StringComparison.Ordinal),
                    TimeSpan.FromMinutes(1)
                ),
                several.Output
            );
            await several.KillAsync();
        }

        await cluster.SaysAsync(supervisor, "The runs of several have ended", whole.Lab.PathOf("several"));
        var (offline, text) = await CoinProcess.RunAsync("compare", "several", "--runs", whole.Lab.Runs);
        Assert.True(offline == 0, text);
        Assert.True(File.Exists(whole.Lab.PathOf("several", "comparison.html")));
        var compared = JObject.Parse(File.ReadAllText(whole.Lab.PathOf("several", "comparison.json")));
        Assert.Equal(2, compared["runs"]!.Count());
        var taken = new[] { 1, 2 }
            .Where(seed => Report(seed).Contains("the same as in other runs, taken over", StringComparison.Ordinal))
            .ToList();
        Assert.Single(taken);
        Assert.Contains(
            $"A test is the same as that of several-seed{3 - taken[0]}: taken over",
            supervisor.Output,
            StringComparison.Ordinal
        );
        (code, output) = await CoinProcess.RunAsync(["status", "several", .. cluster.Way]);
        Assert.True(code == 0, output);
        Assert.Contains("Experiment several: 2 of 2 runs completed", output, StringComparison.Ordinal);
        using var resumed = CoinProcess.Start(["resume", "several", .. cluster.Way]);
        await cluster.CompletesAsync(resumed);
        Assert.Contains(whole.Lab.PathOf("several", "comparison.html"), resumed.Output, StringComparison.Ordinal);

        // The supervisor's folder tells everything by itself too.
        Assert.Contains("completed", (await CoinProcess.RunAsync("status", Id, "--runs", whole.Lab.Runs)).Output, StringComparison.Ordinal);

        string Report(int seed) => File.ReadAllText(whole.Lab.PathOf($"several-seed{seed}", "report.md"));
    }

    [Fact]
    public async Task Nodes_with_another_folder_of_runs_or_another_build_are_refused_by_name_and_the_others_go_on()
    {
        using var cluster = await whole.ClusterAsync();
        var first = await cluster.StartAsync(0, Everything);
        var runs = Path.Combine(whole.Lab.Folder, "other-runs");
        var version = ProductVersion.Current;
        var other = $"{version[..^1]}{(version[^1] == '9' ? '8' : '9')}";
        var build = ProgramFolder.MakeBuild(Path.Combine(whole.Lab.Folder, "other-build"), other);
        var strangers = new[]
        {
            (cluster.Begin(null, Worker, runs), $"the folder of the runs is {runs} here"),
            (cluster.Begin(null, Worker, program: build), $"the program's version is {other} here and {version} there"),
        };
        foreach (var (stranger, why) in strangers)
        {
            await stranger.EndAsync(TimeSpan.FromMinutes(2));
            Assert.True(stranger.ExitCode == 1 && stranger.Output.Contains(why, StringComparison.Ordinal), $"{why}\n{cluster.Output}");
        }

        await cluster.SaysAsync(first, "is not taken into this cluster", "the folder of the runs is");
        await cluster.SaysAsync(first, "is not taken into this cluster", $"the program's version is {version} here and {other} there");
        await cluster.SaysAsync(first, "has left the cluster");
        Assert.False(first.HasExited);
    }

    [Fact]
    public async Task Of_two_nodes_that_train_stages_together_one_is_killed_and_the_other_goes_on_from_the_last_checkpoint()
    {
        const string Id = "team";
        string[] together =
        [
            "order=[ImageNet,GQA]",
            "data.max-test-samples=10",
            "training.batch-size=4",
            "training.gradient-accumulation=2",
            "training.world-size=2",
            "training.max-steps=24",
        ];

        // Nobody sees another one's files, and everybody shows a certificate.
        using var cluster = await whole.ClusterAsync(own: true, certified: true);
        var supervisor = cluster.Begin(0, "supervisor,evaluator,judge");
        CoinProcess[] trainers =
        [
            cluster.Begin(1, "trainer", Path.Combine(whole.Lab.Folder, "trainer-1-runs")),
            cluster.Begin(null, "trainer", Path.Combine(whole.Lab.Folder, "trainer-2-runs")),
        ];
        foreach (var node in trainers.Prepend(supervisor))
        {
            await cluster.IsThereAsync(node);
        }

        using var submit = cluster.Submit(Id, together);
        var victim = await cluster.OneSaysAsync("stage 2 GQA] Training begins at step 0 of 24 on cpu, by 2 trainers", trainers);
        var other = trainers.Single(node => node != victim);
        await cluster.OneSaysAsync("Checkpoint of stage 2 at step 3", supervisor);
        await victim.KillAsync();

        // While the cluster finds out: the same in one process.
        var (code, output) = await CoinProcess.RunAsync(
            whole.Lab.Run("pair", [.. together, "node.trainers-per-device=2", "node.trainer-threads=1", "node.evaluator-threads=1"])
        );
        Assert.True(code == 0, output);
        Assert.Contains(", by 2 trainers", File.ReadAllText(whole.Lab.PathOf("pair", "log.clef")), StringComparison.Ordinal);
        await cluster.CompletesAsync(submit);

        // Rank 1 had what it began with from others, and so had the one that was left and did the shares of both.
        Assert.Contains("stage 2 GQA] Rank 1 of 2 trains from step 0", other.Output, StringComparison.Ordinal);
        Assert.Contains("Fetched stages/1-ImageNet/adapter", trainers[0].Output + trainers[1].Output, StringComparison.Ordinal);
        Assert.Contains("1 of 2 trainers are there", supervisor.Output, StringComparison.Ordinal);
        Assert.Contains("Fetched stages/2-GQA/checkpoints/step-", other.Output, StringComparison.Ordinal);
        Assert.Contains("stage 2 GQA] Training begins at step", other.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("stage 2 GQA] Training begins at step 0", other.Output, StringComparison.Ordinal);
        Laboratory.AssertSame(whole.Lab.Essence("pair"), whole.Lab.Essence(Id));
    }

    [Fact]
    public async Task The_oldest_node_with_supervisor_and_scheduler_is_killed_and_the_training_under_way_goes_on()
    {
        const string Id = "oldest";

        // The worker has model and data in other folders than the others, and the data are where the configuration says on no host.
        var (model, other) = (Path.Combine(Repository.Root, "src", "CoIN.Mini", "Model"), Path.Combine(whole.Lab.Folder, "other"));
        Laboratory.Copy(model, Path.Combine(other, "model"));
        Laboratory.Copy(whole.Lab.Data, Path.Combine(other, "data"));
        var usual = $"node.paths=[\"/far/data = {whole.Lab.Data}\"]";

        // What the oldest has had is nowhere else but where it was made.
        using var cluster = await whole.ClusterAsync(own: true);
        var oldest = await cluster.StartAsync(0, "supervisor", "oldest-runs", settings: usual);
        var worker = await cluster.StartAsync(
            null,
            Worker,
            "worker-runs",
            settings: $"node.paths=[\"/far/data = {other}/data\", \"{model} = {other}/model\"]"
        );
        using var submit = cluster.Submit(
            Id,
            "data.prepare=null",
            "data.instructions=/far/data/Instructions_Original",
            "data.images=/far/data/images"
        );
        await cluster.OneSaysAsync("Checkpoint of stage 1 at step 3", oldest);
        var heir = await cluster.StartAsync(1, "supervisor", settings: usual);
        await cluster.SaysAsync(worker, "stage 2 GQA] Training begins");
        await oldest.KillAsync();
        await cluster.CompletesAsync(submit);
        Assert.Contains(
            "Not checked: coin.data.images, /far/data/images, is not on this computer",
            submit.Output,
            StringComparison.Ordinal
        );
        await cluster.SaysAsync(heir, "The run is taken up on");
        Assert.Single(worker.Output.Split('\n'), line => line.Contains("stage 2 GQA] Training begins", StringComparison.Ordinal));
        Laboratory.AssertSame(
            whole.Essence,
            [.. whole.Lab.Essence(Id).Select(line => line.Replace("/far/data", whole.Lab.Data, StringComparison.Ordinal))]
        );
    }

    [Fact]
    public async Task All_nodes_are_killed_and_when_they_are_started_again_the_run_goes_on_by_itself()
    {
        const string Id = "all";
        using var cluster = await whole.ClusterAsync();
        var nodes = new[] { cluster.Begin(0, Everything), cluster.Begin(1, Everything) };
        foreach (var node in nodes)
        {
            await cluster.IsThereAsync(node);
        }

        using (var submit = cluster.Submit(Id))
        {
            await cluster.OneSaysAsync("Checkpoint of stage 2 at step 3", nodes);
            await Task.WhenAll(nodes.Select(node => node.KillAsync()));
            await submit.KillAsync();
        }

        foreach (var node in new[] { cluster.Begin(0, Everything), cluster.Begin(1, Everything) })
        {
            await cluster.IsThereAsync(node);
        }

        using var again = CoinProcess.Start("resume", Id, "--cluster", cluster.Contacts);
        await cluster.CompletesAsync(again);
        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence(Id));

        // What the nodes logged of the run, by time.
        var (code, logged) = await CoinProcess.RunAsync("logs", Id, "--runs", whole.Lab.Runs, "--actor", "trainer", "--stage", "2");
        Assert.True(code == 0, logged);
        Assert.Matches(@"(?s)\[all stage 2 GQA\] Training begins at step 0 of.*\[all stage 2 GQA\] Training begins at step [1-9]", logged);
    }

    [Fact]
    public async Task A_node_that_stands_still_for_15_seconds_is_waited_for_and_so_is_a_database_that_is_away_for_30()
    {
        const string Id = "still";
        using var cluster = await whole.ClusterAsync(patience: new ClusterSettings().Patience);
        var supervisor = await cluster.StartAsync(0, "supervisor");
        var worker = await cluster.StartAsync(1, Worker);
        using var submit = cluster.Submit(Id);
        await cluster.OneSaysAsync("Checkpoint of stage 1 at step 3", supervisor);
        worker.Stop();
        await Task.Delay(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
        worker.Continue();
        await cluster.OneSaysAsync("Checkpoint of stage 2 at step 3", supervisor);
        await whole.Database.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await whole.Database.StartAgainAsync();
        await cluster.CompletesAsync(submit);
        Assert.DoesNotContain("its work goes on elsewhere", supervisor.Output, StringComparison.Ordinal);
        foreach (var stage in new[] { "1 ImageNet", "2 GQA", "3 OCR-VQA" })
        {
            Assert.Single(worker.Output.Split('\n'), line => line.Contains($"stage {stage}] Training begins", StringComparison.Ordinal));
        }

        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence(Id));
    }

    [Fact]
    public async Task Nodes_that_nobody_answers_say_so_and_can_be_ended()
    {
        using var cluster = await whole.ClusterAsync();
        var node = cluster.Begin(null, Worker);
        await cluster.SaysAsync(node, "has let this node into its cluster for 5 s");
        var (code, output) = await CoinProcess.RunAsync("status", "--cluster", cluster.Contacts);
        Assert.Equal(1, code);
        Assert.Contains("has answered for", output, StringComparison.Ordinal);
        node.Warn();
        await node.EndAsync(TimeSpan.FromSeconds(20));
        Assert.True(node.ExitCode == 0, node.Output);
    }
}
