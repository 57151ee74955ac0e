using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Actors.Tests.Support;
using CoIN.Actors.Workers;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Tests.Workers;

/// <summary>What a worker believes, and what it does not.</summary>
public sealed class AdmissionTests : IAsyncLifetime
{
    private static readonly JudgeOptions Judge = new()
    {
        Name = "judge",
        Kind = JudgeKind.OpenAi,
        Endpoint = "https://own.example/v1",
        Model = "m",
        ApiKeyEnv = "OWN_KEY",
    };

    private static readonly ExperimentOptions Options = TinyExperiments.Of(2) with { Judge = Judge };
    private static readonly JudgeCell Cell = new(1, 0, "judge", "identity", "predictions/stage-1/Task1.jsonl", "00");

    private readonly TemporaryFolder folder = new();

    private string Run => folder.Of("runs/own");

    public async ValueTask InitializeAsync() => await BeginAsync(Run, "own", Options);

    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Work_as_the_runs_supervisor_gives_it_is_begun()
    {
        foreach (var admission in new[] { Admission.OnlyTo(Run), Admission.ToRunsIn(folder.Of("runs")) })
        {
            admission.Check(Assigned(Cell));
            admission.Check(
                Assigned(
                    new TrainStage(2, "stages/1-Task1/adapter", "stages/2-Task2/checkpoints/step-000003"),
                    Options with
                    {
                        Judge = null,
                    }
                )
            );
            admission.Check(Assigned(new AnswerShard(0, 1, 0, 3, null)));
        }
    }

    [Fact]
    public void A_judge_that_the_journal_does_not_name_gets_no_key()
    {
        foreach (
            var forged in new[]
            {
                Judge with
                {
                    Endpoint = "https://thief.example/v1",
                },
                Judge with
                {
                    Model = "other",
                },
                Judge with
                {
                    ApiKeyEnv = "AWS_SECRET_ACCESS_KEY",
                },
                null,
            }
        )
        {
            Assert.Contains(
                "is not the one in the run's journal",
                Refusal(Assigned(Cell, Options with { Judge = forged })),
                StringComparison.Ordinal
            );
        }

        Assert.Contains("is not the one", Refusal(Assigned(Cell with { Judge = "unknown" })), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_judge_that_was_appointed_later_is_found()
    {
        var admission = Admission.OnlyTo(Run);
        admission.Check(Assigned(Cell));
        var second = Judge with { Name = "second", Endpoint = "https://second.example/v1" };
        await JournalAppender.AppendAsync("own", Run, [new JudgeAppointed(second)]);
        admission.Check(Assigned(Cell with { Judge = "second" }, Options with { Judge = second }));
    }

    [Fact]
    public void Settings_that_the_journal_does_not_hold_are_refused()
    {
        var forged = Options with { Data = Options.Data with { Instructions = "/home/victim" } };
        Assert.Contains("settings are not those", Refusal(Assigned(new AnswerShard(0, 0, 0, 1, null), forged)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_elsewhere_is_refused_whatever_it_holds()
    {
        await BeginAsync(folder.Of("loot/own"), "own", Options);
        var forged = Assigned(Cell) with { RunFolder = folder.Of("loot/own") };
        Assert.Contains("where this node's runs are", Refusal(forged), StringComparison.Ordinal);
        Assert.Contains(
            "of the run that this process drives",
            Assert.Throws<CoinException>(() => Admission.OnlyTo(Run).Check(forged)).Message,
            StringComparison.Ordinal
        );
        foreach (var disguised in new[] { $"{Run}/../../loot/own", $"{folder.Of("runs")}/own/stages", folder.Of("runs") })
        {
            Assert.Contains("where this node's runs are", Refusal(forged with { RunFolder = disguised }), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_run_of_another_name_and_a_folder_without_journal_are_refused()
    {
        await BeginAsync(folder.Of("runs/other"), "other", Options);
        Assert.Contains(
            "holds the run other",
            Refusal(Assigned(Cell) with { RunFolder = folder.Of("runs/other") }),
            StringComparison.Ordinal
        );
        Directory.CreateDirectory(folder.Of("runs/empty"));
        Assert.Contains("holds no journal", Refusal(Assigned(Cell) with { RunFolder = folder.Of("runs/empty") }), StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_that_lead_out_of_the_run_are_refused()
    {
        foreach (
            var item in new WorkItem[]
            {
                new TrainStage(1, "../x", null),
                new TrainStage(1, null, "/x"),
                new AnswerShard(1, 0, 0, 1, "../x"),
                new ScoreCell(1, 0, new(["a", "../x"])),
                Cell with
                {
                    File = "../x",
                },
            }
        )
        {
            Assert.Contains("leads out", Refusal(Assigned(item)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_path_of_a_result_is_known()
    {
        var (stage, shard, cell) = (new TrainStage(1, null, null), new AnswerShard(1, 0, 0, 1, null), new ScoreCell(1, 0, new([])));
        foreach (
            var report in new IMessage[]
            {
                new CheckpointWritten(1, 1, "../x", ""),
                new AdapterWritten(stage, "../x", "", null, 1, 0, 0, 0),
                new ShardWritten(shard, "../x", "", 1, 0),
                new CellWritten(cell, 0, 1, "../x", ""),
                new CellWritten(cell, 0, 1, "x", "") { ScoresFile = "../x" },
                new CheckpointLost(1, "../x", ""),
                new CellWritten(cell with { Files = new(["../x"]) }, 0, 1, "x", ""),
                new JudgementsWritten(Cell, 0, null, 1, 0, "../x", ""),
            }
        )
        {
            Assert.Contains("../x", MessagePaths.Of(report));
        }
    }

    /// <summary>A worker of another host: what it is given must be here what the journal says.</summary>
    [Fact]
    public async Task Data_and_adapters_that_are_others_on_this_host_are_told_with_its_name()
    {
        var (task, name) = (Options.Tasks[1], $"{Options.Tasks[1].Folder}/{Options.Tasks[1].TrainFile}");
        var data = folder.Of($"data/{name}");
        Directory.CreateDirectory(Path.GetDirectoryName(data)!);
        File.WriteAllText(data, "the run's");
        var adapter = folder.Of("runs/shared/stages/1-Task1/adapter");
        Directory.CreateDirectory(adapter);
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Weights), "weights");
        var options = Options with { Data = Options.Data with { Instructions = folder.Of("data") } };
        Directory.CreateDirectory(folder.Of("runs/shared"));
        await JournalAppender.AppendAsync(
            "shared",
            folder.Of("runs/shared"),
            [
                new RunStarted("shared", options, new Dictionary<string, string> { [name] = Durable.Sha256(data) }, [10, 10], [7, 7]),
                new StageTrained(
                    1,
                    "Task1",
                    "stages/1-Task1/adapter",
                    Durable.Sha256(Path.Combine(adapter, AdapterFiles.Weights)),
                    null,
                    1,
                    1,
                    1,
                    1
                )
                {
                    FolderSha256 = Durable.Sha256OfFolder(adapter),
                },
            ]
        );
        Assert.Equal(task, options.Tasks[1]);
        var given = new Assignment(
            new Turn("shared", 1),
            folder.Of("runs/shared"),
            options,
            new TrainStage(2, "stages/1-Task1/adapter", null)
        );
        var admission = Admission.ToRunsIn(folder.Of("runs"));
        admission.Check(given);

        File.WriteAllText(data, "another one");
        var fault = Assert.Throws<CoinException>(() => admission.Check(given)).Message;
        Assert.Contains($"On {Environment.MachineName}, {data} is not the file that the run began with", fault, StringComparison.Ordinal);
        File.Delete(data);
        Assert.Contains("does not exist", Assert.Throws<CoinException>(() => admission.Check(given)).Message, StringComparison.Ordinal);
        File.WriteAllText(data, "the run's");
        admission.Check(given);

        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Weights), "others");
        Assert.Contains(AdapterFiles.Weights, Assert.Throws<CoinException>(() => admission.Check(given)).Message, StringComparison.Ordinal);
    }

    /// <summary>A host that has data, models and given adapters in other folders than the run's configuration says.</summary>
    [Fact]
    public async Task What_a_run_names_is_looked_for_where_this_host_has_it_and_told_by_that_name()
    {
        var (task, run) = (Options.Tasks[0], folder.Of("runs/far"));
        string[] files = [task.TrainFile, task.TestFile, "references.json", "held.json"];
        foreach (var file in files)
        {
            Durable.WriteText(folder.Of($"mnt/data/{task.Folder}/{file}"), file);
        }

        Durable.WriteText(folder.Of($"mnt/adapter/{AdapterFiles.Config}"), "{}");
        Durable.WriteText(folder.Of($"mnt/adapter/{AdapterFiles.Weights}"), "weights");
        var options = Options with
        {
            Tasks = [task with { ReferencesFile = files[2], ValidationFile = files[3] }, Options.Tasks[1]],
            Data = Options.Data with { Instructions = "/far/data" },
            Model = new ModelOptions { Path = "/far/model" },
            Lora = new LoraOptions { From = "/far/adapter" },
        };
        Directory.CreateDirectory(run);
        await JournalAppender.AppendAsync(
            "far",
            run,
            [
                new RunStarted(
                    "far",
                    options,
                    files.ToDictionary(
                        file => $"{task.Folder}/{file}",
                        file => Durable.Sha256(folder.Of($"mnt/data/{task.Folder}/{file}"))
                    ),
                    [10, 10],
                    [7, 7]
                )
                {
                    GivenAdapterSha256 = AdapterFiles.Sha256(folder.Of("mnt/adapter")),
                },
                new BaseModelLoaded(new string('a', 64)),
            ]
        );
        var admission = Admission.ToRunsIn(folder.Of("runs"), LocalPaths.Parse([$"/far = {folder.Of("mnt")}"]));
        Assignment Given(WorkItem item) => new(new Turn("far", 1), run, options, item);
        var (train, shard, cell, judge) = (
            Given(new TrainStage(1, null, null)),
            Given(new AnswerShard(0, 0, 0, 1, null)),
            Given(new ScoreCell(0, 0, new([]))),
            Given(Cell)
        );
        foreach (var item in new[] { train, shard, cell, judge })
        {
            Assert.Null(admission.Check(item));
        }

        // Each file is looked at by whoever reads it.
        foreach (
            var (file, readers) in new[]
            {
                (files[0], new[] { train }),
                (files[1], [shard, cell, judge]),
                (files[2], [shard, cell, judge]),
                (files[3], [train]),
            }
        )
        {
            var path = folder.Of($"mnt/data/{task.Folder}/{file}");
            File.Delete(path);
            Assert.All(readers, item =>
                Assert.Contains(
                    $"On {Environment.MachineName}, {path} does not exist. All hosts need the same data: copy the file there, or say in this host's coin.node.paths",
                    Assert.Throws<CoinException>(() => admission.Check(item)).Message,
                    StringComparison.Ordinal
                )
            );
            Durable.WriteText(path, file);
        }

        admission.CheckBase(train, new string('a', 64));
        Assert.Contains(
            $"On {Environment.MachineName}, the base model in {folder.Of("mnt/model")} is not the one that the run began with",
            Assert.Throws<CoinException>(() => admission.CheckBase(train, new string('b', 64))).Message,
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            $"On {Environment.MachineName}, {folder.Of("mnt/model")} does not exist (coin.model.path of the run is /far/model). Copy it there, or say",
            admission.Told($"{folder.Of("mnt/model")} holds nothing.", train),
            StringComparison.Ordinal
        );
        Assert.Equal("another fault", admission.Told("another fault", train));

        Durable.WriteText(folder.Of($"mnt/adapter/{AdapterFiles.Weights}"), "others");
        foreach (var item in new[] { train, shard })
        {
            Assert.Contains(
                $"On {Environment.MachineName}, the adapter {folder.Of("mnt/adapter")} (lora.from) is not the one that the run began with",
                Assert.Throws<CoinException>(() => admission.Check(item)).Message,
                StringComparison.Ordinal
            );
        }

        Directory.Delete(folder.Of("mnt/adapter"), recursive: true);
        Assert.Contains("does not exist", Assert.Throws<CoinException>(() => admission.Check(train)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_that_is_missing_or_damaged_is_found_before_it_is_gone_on_with()
    {
        var run = folder.Of("runs/saved");
        const string Checkpoint = "stages/1-Task1/checkpoints/step-000003";
        Durable.WriteText(Path.Combine(run, Checkpoint, "state"), "3");
        var started = new RunStarted("saved", Options, new Dictionary<string, string>(), [10, 10], [7, 7]);
        await JournalAppender.AppendAsync(
            "saved",
            run,
            [started, new CheckpointSaved(1, 3, Checkpoint, Durable.Sha256OfFolder(Path.Combine(run, Checkpoint)))]
        );
        var given = new Assignment(new Turn("saved", 1), run, Options, new TrainStage(1, null, Checkpoint));
        var admission = Admission.ToRunsIn(folder.Of("runs"));
        Assert.Null(admission.Check(given));
        Durable.WriteText(Path.Combine(run, Checkpoint, "state"), "of something else");
        Assert.Contains(
            $"On {Environment.MachineName}, the checkpoint {Path.Combine(run, Checkpoint)} is not as the journal says",
            admission.Check(given),
            StringComparison.Ordinal
        );
        Directory.Delete(Path.Combine(run, Checkpoint), recursive: true);
        Assert.EndsWith("is missing", admission.Check(given), StringComparison.Ordinal);
    }

    private static Task BeginAsync(string runFolder, string id, ExperimentOptions options)
    {
        Directory.CreateDirectory(runFolder);
        return JournalAppender.AppendAsync(
            id,
            runFolder,
            [new RunStarted(id, options, new Dictionary<string, string>(), [10, 10], [7, 7])]
        );
    }

    private Assignment Assigned(WorkItem item, ExperimentOptions? options = null) => new(new Turn("own", 1), Run, options ?? Options, item);

    private string Refusal(Assignment forged) =>
        Assert.Throws<CoinException>(() => Admission.ToRunsIn(folder.Of("runs")).Check(forged)).Message;
}
