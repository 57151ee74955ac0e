using System.Collections.Concurrent;
using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using CoIN.Benchmark.Work;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

public sealed class RunHostTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_run_goes_to_its_end_and_fills_the_lower_triangle()
    {
        var witness = new Witness();
        var last = await Run("a", TinyExperiments.Of(3), new FakeLearners(), witness: witness);
        Assert.True(last.Status == RunStatus.Completed, last.Message);
        Assert.Equal([1, 2, 3], last.Cells.Select(row => row.Count));
        Assert.All(last.Cells.SelectMany(row => row), cell => Assert.NotNull(cell));
        Assert.Contains(witness.Seen, snapshot => snapshot.Training is { TotalSteps: 12 });
        Assert.Equal("Completed", File.ReadAllText(folder.Of("a/report.txt")));
        Assert.Equal(6, Directory.GetFiles(folder.Of("a/predictions"), "*", SearchOption.AllDirectories).Length);
        Assert.Equal(6, Directory.GetFiles(folder.Of("a/scores"), "*.jsonl", SearchOption.AllDirectories).Length);
        Assert.Empty(Directory.GetDirectories(folder.Of("a/stages"), "checkpoints", SearchOption.AllDirectories));
        Assert.Equal(last.Cells.SelectMany(row => row), RunJournal.Read(folder.Of("a"))!.ToSnapshot().Cells.SelectMany(row => row));
    }

    [Fact]
    public async Task Stopped_at_any_point_and_resumed_it_ends_with_the_same_bytes()
    {
        await Run("whole", TinyExperiments.Of(3), new FakeLearners());
        var random = new Random(7);
        var status = RunStatus.Starting;
        var rounds = 0;
        for (; status != RunStatus.Completed; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var after = random.Next(4, 14);
            var seen = 0;
            var last = await Run(
                "pieces",
                rounds == 0 ? TinyExperiments.Of(3) : null,
                new FakeLearners(stepMilliseconds: 20),
                new Witness(_ =>
                {
                    if (++seen == after)
                    {
                        stop.Cancel();
                    }
                }),
                stop.Token
            );
            status = last.Status;
            Assert.True(status is RunStatus.Completed or RunStatus.Stopped, last.Message);
        }

        Assert.InRange(rounds, 3, 100);
        Assert.Equal(Contents("whole"), Contents("pieces"));
        foreach (var stage in Enumerable.Range(1, 3))
        {
            var steps = StepsFile.Read(folder.Of($"pieces/{RunPaths.Steps(stage, $"Task{stage}")}"));
            Assert.Equal(Enumerable.Range(1, 12), steps.Select(step => step.Step));
            Assert.All(steps, step => Assert.True(step is { Of: 12, Samples: 4, Tokens: 100, Seconds: > 0, Memory: > 0 }, $"{step}"));
        }
    }

    [Fact]
    public async Task Losses_of_held_out_samples_are_in_the_journal_once_for_every_checkpoint_and_stage_however_often_the_run_was_stopped()
    {
        var options = TinyExperiments.Of(2) with { Data = TinyExperiments.Of(2).Data with { Validation = 3 } };
        await Run("whole", options, new FakeLearners());
        var whole = RunJournal.Read(folder.Of("whole"))!;
        var every = options.Training.CheckpointEvery;
        int[] steps = [.. Enumerable.Range(1, 12).Where(step => step % every == 0 || step == 12)];
        Assert.Equal(new[] { 1, 2 }.SelectMany(stage => steps.Select(step => (stage, step))), whole.Validations.Keys);
        Assert.All(whole.Validations, one =>
            Assert.True(one.Value is { Samples: 3, Tokens: 15 } && one.Value.Step == one.Key.Step, $"{one}")
        );
        Assert.Equal(steps, whole.Trained[1].Validation!.Select(point => point.Step));
        Assert.Equal(steps.Length, whole.Validations.Values.Select(point => point.Loss).Distinct().Count() / 2);

        var status = RunStatus.Starting;
        var rounds = 0;
        for (; status != RunStatus.Completed; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var (after, seen) = (4 + (rounds % 5), 0);
            var last = await Run(
                "pieces",
                rounds == 0 ? options : null,
                new FakeLearners(stepMilliseconds: 20),
                new Witness(_ =>
                {
                    if (++seen == after)
                    {
                        stop.Cancel();
                    }
                }),
                stop.Token
            );
            status = last.Status;
            Assert.True(status is RunStatus.Completed or RunStatus.Stopped, last.Message);
        }

        Assert.InRange(rounds, 3, 100);
        Assert.Equal(whole.Validations, RunJournal.Read(folder.Of("pieces"))!.Validations);
    }

    [Fact]
    public async Task How_long_the_answers_of_a_cell_took_is_told_from_the_journal()
    {
        await Run("efforts", TinyExperiments.Of(2), new FakeLearners());
        var efforts = RunJournal.Read(folder.Of("efforts"))!.Efforts;
        Assert.Equal([(1, 0), (2, 0), (2, 1)], efforts.Keys.Order());
        Assert.All(efforts.Values, effort => Assert.True(effort is { Samples: 7, Seconds: > 0 }, $"{effort}"));
    }

    [Fact]
    public async Task Whom_experts_served_is_kept_of_every_cell_with_every_answer_once_however_often_the_run_was_stopped()
    {
        var status = RunStatus.Starting;
        var rounds = 0;
        for (; status != RunStatus.Completed; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var seen = 0;
            var last = await Run(
                "pieces",
                rounds == 0 ? TinyExperiments.Of(2) : null,
                new FakeLearners { Experts = true },
                new Witness(_ =>
                {
                    if (++seen == 3 + (4 * rounds))
                    {
                        stop.Cancel();
                    }
                }),
                stop.Token
            );
            status = last.Status;
            Assert.True(status is RunStatus.Completed or RunStatus.Stopped, last.Message);
        }

        Assert.InRange(rounds, 2, 100);
        foreach (var (stage, task) in new[] { (1, "Task1"), (2, "Task1"), (2, "Task2") })
        {
            var routing = RoutingFile.Read(folder.Of($"pieces/{RunPaths.Routing(stage, task)}"))!;
            Assert.Equal(7, routing.Layers[0].Linears[0].Positions);
            Assert.Equal([0.25, 0.75], routing.Means);
        }

        // What the shards had is in the cells.
        Assert.Empty(Directory.GetFiles(folder.Of("pieces"), "*.routing.json", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_fault_in_work_fails_the_run_by_name_and_a_resume_tries_again()
    {
        var fail = true;
        var learners = new FakeLearners(
            atStep: (stage, step) =>
            {
                if (fail && (stage, step) == (2, 7))
                {
                    throw TinyExperiments.NaN;
                }
            }
        );
        var last = await Run("nan", TinyExperiments.Of(2), learners);
        Assert.Equal((RunStatus.Failed, TinyExperiments.NaN.Message), (last.Status, last.Message));
        Assert.Equal(RunStatus.Failed, RunJournal.Read(folder.Of("nan"))!.Status);

        fail = false;
        Assert.Equal(RunStatus.Completed, (await Run("nan", null, learners)).Status);
        await Run("whole", TinyExperiments.Of(2), new FakeLearners());
        Assert.Equal(Contents("whole"), Contents("nan"));
    }

    [Fact]
    public async Task A_zero_shot_run_tests_the_base_model_on_every_task()
    {
        var last = await Run("zero", TinyExperiments.Of(3, ZeroShot.Name), new FakeLearners());
        Assert.Equal(RunStatus.Completed, last.Status);
        Assert.Equal(3, last.ZeroShot.Count(accuracy => accuracy is not null));
        Assert.False(Directory.Exists(folder.Of("zero/stages")));
    }

    [Fact]
    public async Task A_completed_run_is_not_done_again()
    {
        await Run("done", TinyExperiments.Of(1), new FakeLearners());
        var learners = new FakeLearners();
        Assert.Equal(RunStatus.Completed, (await Run("done", null, learners)).Status);
        Assert.Equal(0, learners.Opened);
    }

    [Fact]
    public async Task A_second_process_is_told_who_drives_the_run()
    {
        using var held = RunLock.Take(folder.Of("held"));
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("held", TinyExperiments.Of(1), new FakeLearners()));
        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changed_files_data_models_and_settings_are_refused_by_name()
    {
        await StopInStage2("changed");
        var other = await Assert.ThrowsAsync<CoinException>(() => Run("changed", TinyExperiments.Of(3), new FakeLearners()));
        Assert.Contains("other settings", other.Message, StringComparison.Ordinal);

        var data = await Assert.ThrowsAsync<CoinException>(() =>
            Run("changed", null, new FakeLearners(), work: new FakeWork { DataSha256 = "d1" })
        );
        Assert.Contains("train.json has changed", data.Message, StringComparison.Ordinal);

        var model = await Run("changed", null, new FakeLearners(stepMilliseconds: 500) { BaseModel = new string('c', 64) });
        Assert.Equal(RunStatus.Failed, model.Status);
        Assert.Contains("base model", model.Message, StringComparison.Ordinal);

        var checkpoint = Directory.GetFiles(folder.Of("changed/stages"), "state", SearchOption.AllDirectories).Single();
        File.AppendAllText(checkpoint, "x");
        var damaged = await Assert.ThrowsAsync<CoinException>(() => Run("changed", null, new FakeLearners()));
        Assert.Contains(Path.GetDirectoryName(checkpoint)!, damaged.Message, StringComparison.Ordinal);
        Assert.Contains("SHA-256 differs", damaged.Message, StringComparison.Ordinal);
        Assert.Contains("./run.sh resume changed --redo", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shards_of_scored_cells_that_a_killed_process_left_or_that_came_late_are_removed()
    {
        await StopInStage2("spent");
        var scored = Directory
            .GetFiles(folder.Of("spent/predictions"), "*.jsonl", SearchOption.AllDirectories)
            .First(path => !path.Contains(".shard-", StringComparison.Ordinal));
        var (shard, other) = (
            Path.ChangeExtension(scored, ".shard-1-of-2.jsonl"),
            Path.Combine(Path.GetDirectoryName(scored)!, "Other.shard-1-of-2.jsonl")
        );
        File.Copy(scored, shard);
        File.Copy(scored, other);

        // One that comes late, as of an evaluator that was too slow.
        var (late, came) = (Path.ChangeExtension(scored, ".shard-1-of-2-t1.9.jsonl"), 0);
        await Run(
            "spent",
            null,
            new FakeLearners(),
            new Witness(_ =>
            {
                if (Interlocked.Exchange(ref came, 1) == 0)
                {
                    File.Copy(scored, late);
                }
            })
        );
        Assert.False(File.Exists(late));
        Assert.False(File.Exists(shard));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_the_end_of_a_step_and_loses_none_that_is_done()
    {
        await Run("whole", TinyExperiments.Of(1), new FakeLearners());
        using var stop = new CancellationTokenSource();
        var at = 0;
        var last = await Run(
            "within",
            TinyExperiments.Of(1),
            new FakeLearners(stepMilliseconds: 4000, microBatches: 200),
            new Witness(snapshot =>
            {
                if (snapshot.Training is { Step: > 0 and var step, MicroBatch: > 5 and < 100 } && at == 0)
                {
                    at = step;
                    stop.Cancel();
                }
            }),
            stop.Token
        );
        Assert.Equal(RunStatus.Stopped, last.Status);
        Assert.Equal(
            $"step-{at:000000}",
            Path.GetFileName(Assert.Single(Directory.GetDirectories(folder.Of("within/stages/1-Task1/checkpoints"))))
        );

        Assert.Equal(RunStatus.Completed, (await Run("within", null, new FakeLearners())).Status);
        Assert.Equal(Contents("whole"), Contents("within"));
    }

    [Fact]
    public async Task A_trained_stage_is_no_longer_in_training()
    {
        var shown = new ConcurrentQueue<RunSnapshot>();
        var begun = false;
        await Run("ended", TinyExperiments.Of(2), new FakeLearners(stepMilliseconds: 5, atStep: (_, step) =>
            {
                // However busy the computer is, the beginning is shown before the first step is done.
                begun |=
                    step == 1
                    && SpinWait.SpinUntil(
                        () => shown.Any(snapshot => snapshot.Training is { Stage: 1, Step: 0, Last: null }),
                        TimeSpan.FromSeconds(30)
                    );
            }), new Witness(shown.Enqueue));
        Assert.True(begun);
        Assert.DoesNotContain(shown, snapshot => snapshot.Training is { } training && training.Stage <= snapshot.StagesTrained);
    }

    [Fact]
    public async Task Checkpoints_of_trained_stages_that_a_killed_process_left_are_removed()
    {
        await StopInStage2("trained");
        var spent = folder.Of("trained/stages/1-Task1/checkpoints/step-000012");
        Directory.CreateDirectory(spent);
        File.WriteAllText(Path.Combine(spent, "state"), "of a stage that is trained");
        await Run("trained", null, new FakeLearners());
        Assert.False(Directory.Exists(Path.GetDirectoryName(spent)));
    }

    [Fact]
    public async Task What_an_unfinished_write_left_is_removed()
    {
        await StopInStage2("left");
        var rest = folder.Of("left/stages/2-Task2/checkpoints/step-000011.partial-abcd1234");
        Directory.CreateDirectory(rest);
        await Run("left", null, new FakeLearners());
        Assert.False(Directory.Exists(rest));
    }

    [Fact]
    public void A_damaged_journal_is_named()
    {
        Directory.CreateDirectory(folder.Of("bad"));
        File.WriteAllText(folder.Of("bad/journal.db"), new string('x', 5000));
        Assert.Contains(
            "journal.db",
            Assert.Throws<CoinException>(() => RunJournal.Read(folder.Of("bad"))).Message,
            StringComparison.Ordinal
        );
    }

    private async Task StopInStage2(string id)
    {
        using var stop = new CancellationTokenSource();
        var last = await Run(
            id,
            TinyExperiments.Of(2),
            new FakeLearners(stepMilliseconds: 100),
            new Witness(snapshot =>
            {
                if (snapshot.Training is { Stage: 2, Step: > 2 })
                {
                    stop.Cancel();
                }
            }),
            stop.Token
        );
        Assert.Equal(RunStatus.Stopped, last.Status);
    }

    [Fact]
    public async Task Two_trainers_of_a_process_do_stages_together_and_a_run_that_is_stopped_amid_them_ends_with_the_same_bytes()
    {
        var options = TinyExperiments.Of(2) with
        {
            Training = TinyExperiments.Of(2).Training with { GradientAccumulation = 2, WorldSize = 2 },
        };
        var two = new NodeSettings { TrainersPerDevice = 2 };
        await Run("alone", options, new FakeLearners());
        var witness = new Witness();
        await Run("together", options, new FakeLearners(stepMilliseconds: 30), witness, node: two);
        Assert.Contains(witness.Seen, seen =>
            seen.Workers.Count(one => one.Doing.Contains("trains stage 1", StringComparison.Ordinal)) == 2
        );
        Assert.Equal(Contents("alone"), Contents("together"));

        var status = RunStatus.Starting;
        for (var round = 0; status != RunStatus.Completed; round++)
        {
            using var stop = new CancellationTokenSource();
            var (after, seen) = (4 + (round % 5), 0);
            var last = await Run(
                "pieces",
                round == 0 ? options : null,
                new FakeLearners(stepMilliseconds: 20),
                new Witness(_ =>
                {
                    if (++seen == after)
                    {
                        stop.Cancel();
                    }
                }),
                stop.Token,
                node: two
            );
            status = last.Status;
            Assert.True(status is RunStatus.Completed or RunStatus.Stopped, last.Message);
        }

        Assert.Equal(Contents("alone"), Contents("pieces"));
    }

    [Fact]
    public async Task Trainers_of_which_each_has_a_part_of_the_optimizer_s_state_part_before_a_checkpoint_is_written_for_a_stop()
    {
        var options = TinyExperiments.Of(1);
        options = options with
        {
            Training = options.Training with
            {
                GradientAccumulation = 2,
                WorldSize = 2,
                OptimizerState = OptimizerState.Sharded,
                CheckpointEvery = 0,
            },
        };
        using var stop = new CancellationTokenSource();
        var learners = new FakeLearners(stepMilliseconds: 20, atStep: (_, step) =>
        {
            if (step == 3)
            {
                stop.Cancel();
            }
        });
        var last = await Run("dealt", options, learners, null, stop.Token, node: new NodeSettings { TrainersPerDevice = 2 });
        Assert.Equal(RunStatus.Stopped, last.Status);
        Assert.Equal([0, 1], learners.Parted.Distinct().Order());
        Assert.True(Assert.Single(RunJournal.Read(folder.Of("dealt"))!.Checkpoints).Value.Step >= 2);
    }

    [Fact]
    public async Task A_stage_is_trained_with_its_tasks_own_accumulation_and_the_report_says_it()
    {
        var of = TinyExperiments.Of(2);
        var learners = new FakeLearners();
        await Run(
            "own",
            of with
            {
                Training = of.Training with { BatchSize = 4, GradientAccumulation = 2 },
                Tasks = [of.Tasks[0] with { GradientAccumulation = 3 }, of.Tasks[1]],
            },
            learners
        );
        Assert.Equal([3, 2], learners.Stages.Select(stage => stage.GradientAccumulation));
        Assert.Equal(
            [12, 8],
            new BenchmarkWork().Describe(RunJournal.Read(folder.Of("own"))!).Stages.Select(stage => stage.Schedule.GlobalBatchSize)
        );
    }

    [Fact]
    public async Task A_fault_of_one_trainer_of_a_team_ends_the_run_with_its_message()
    {
        var options = TinyExperiments.Of(1) with
        {
            Training = TinyExperiments.Of(1).Training with { GradientAccumulation = 2, WorldSize = 2 },
        };
        var faults = 0;
        var last = await Run(
            "fault",
            options,
            new FakeLearners(
                atStep: (_, step) =>
                {
                    if (step == 7 && Interlocked.Increment(ref faults) == 1)
                    {
                        throw TinyExperiments.NaN;
                    }
                }
            ),
            node: new NodeSettings { TrainersPerDevice = 2 }
        );
        Assert.Equal((RunStatus.Failed, TinyExperiments.NaN.Message), (last.Status, last.Message));
    }

    [Fact]
    public async Task A_process_with_too_few_trainers_is_refused_where_it_would_wait_for_more()
    {
        var options = TinyExperiments.Of(1) with
        {
            Training = TinyExperiments.Of(1).Training with { GradientAccumulation = 2, WorldSize = 2, OnLostTrainer = LostTrainer.Wait },
        };
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("few", options, new FakeLearners()));
        Assert.Contains("training.world-size is 2, this process has 1 trainer", fault.Message, StringComparison.Ordinal);
    }

    private Task<RunSnapshot> Run(
        string id,
        ExperimentOptions? options,
        FakeLearners learners,
        Witness? witness = null,
        CancellationToken stop = default,
        FakeWork? work = null,
        NodeSettings? node = null
    ) =>
        RunHost
            .RunAsync(
                new RunRequest(id, folder.Of(id), options, node ?? new NodeSettings()),
                learners,
                new FakeJudges(),
                work ?? new FakeWork(),
                witness ?? new Witness(),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>Every adapter and prediction of a run, and its matrix.</summary>
    private List<string> Contents(string id) =>
        [
            .. Directory
                .GetFiles(folder.Of(id), "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder.Of(id), path))
                .Where(path => new[] { "stages", "predictions", "scores" }.Any(part => path.StartsWith(part, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
                .Select(path => $"{path}: {File.ReadAllText(Path.Combine(folder.Of(id), path))}"),
            .. RunJournal.Read(folder.Of(id))!.ToSnapshot().Cells.SelectMany(row => row).Select(cell => $"{cell}"),
            .. RunJournal
                .Read(folder.Of(id))!
                .Cells.OrderBy(cell => cell.Key)
                .Select(cell => $"{cell.Value with { Number = 0, At = default }}"),
        ];
}
