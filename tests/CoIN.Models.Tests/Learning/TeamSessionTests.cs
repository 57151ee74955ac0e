using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Support;

namespace CoIN.Models.Tests.Learning;

/// <summary>
/// Stages that several trainers do together, each on a thread of its own, by every method: the bits are those of one trainer that does
/// all shares.
/// </summary>
public sealed class TeamSessionTests : IDisposable
{
    private static readonly TaskOptions Task = TinyRun.Task;

    private readonly TemporaryFolder folder = new();
    private readonly LearnerFactory factory = new(_ => { });

    public TeamSessionTests() => TinyLlava.WriteHub(folder.Of("model"));

    public void Dispose()
    {
        factory.Dispose();
        folder.Dispose();
    }

    private static readonly IReadOnlyList<TrainingSample> Samples =
    [
        .. Enumerable
            .Range(0, 12)
            .Select(i => new TrainingSample($"s{i}", null, [new("human", $"a{"abcdef"[i % 6]} b"), new("gpt", $"{"fedcbafedcba"[i..]}")])),
    ];

    public static TheoryData<string> Methods =>
        [
            "sequential-lora",
            "sequential-lora in bfloat16",
            "moelora",
            "moelora in bfloat16",
            "ewc",
            "lwf",
            "lwf of the new task",
            "replay",
            "ema",
            "o-lora",
            "reg-lora",
            "sequential-lora in four bits",
            "sequential-lora by layers again",
            "sequential-lora by tokens",
            "lwf of the new task by tokens",
            "ewc by tokens",
        ];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Two_stages_of_every_method_are_the_same_bits_by_one_trainer_and_by_more(string method)
    {
        var key = method.Split(' ')[0];
        var options = Options(3) with { Method = key, MethodOptions = OptionsOf(method) is { } own ? MethodOptions.Of(key, own) : null };
        const string ByTokens = " by tokens";
        if (method.EndsWith(ByTokens, StringComparison.Ordinal))
        {
            method = method[..^ByTokens.Length];
            options = options with
            {
                MethodOptions = OptionsOf(method) is { } same ? MethodOptions.Of(key, same) : null,
                Training = options.Training with { BatchSize = 2, MicroBatchTokens = 60 },
            };
        }

        if (method.EndsWith("bfloat16", StringComparison.Ordinal))
        {
            options = options with { Model = options.Model with { Dtype = "bfloat16" } };
        }
        else if (method.EndsWith("four bits", StringComparison.Ordinal))
        {
            options = options with { Model = options.Model with { Quantization = BaseQuantization.Nf4 } };
        }
        else if (method.EndsWith("by layers again", StringComparison.Ordinal))
        {
            options = options with { Training = options.Training with { GradientCheckpointing = true } };
        }

        foreach (var trainers in new[] { 1, 2, 3 })
        {
            Train(options, $"{trainers}-1", trainers, 1, null, null);
            Train(options, $"{trainers}-2", trainers, 2, $"{trainers}-1", null);
        }

        foreach (var other in new[] { 2, 3 })
        {
            AssertSame("1-1", $"{other}-1");
            AssertSame("1-2", $"{other}-2");
        }

        Train(Sharded(options), "sharded-2", 3, 2, "1-1", null);
        AssertSame("1-2", "sharded-2");
    }

    [Theory]
    [InlineData(LossMean.MicroBatchMean)]
    [InlineData(LossMean.TokenMean)]
    public void Steps_are_counted_as_by_one_trainer_without_shares_and_differ_from_its_in_rounding_alone(LossMean loss)
    {
        var whole = Train(Options(1) with { Training = Options(1).Training with { Loss = loss } }, "whole", 1, 1, null, null)[0];
        foreach (var (shares, trainers) in new[] { (2, 2), (4, 3), (5, 4) })
        {
            var reports = Train(
                Options(shares) with
                {
                    Training = Options(shares).Training with { Loss = loss },
                },
                $"{shares}",
                trainers,
                1,
                null,
                null
            );
            Assert.All(reports, steps => Assert.Equal(reports[0], steps));
            Assert.Equal(whole[0].Loss, reports[0][0].Loss);
            Assert.All(whole.Zip(reports[0]), pair =>
            {
                Assert.Equal(
                    (pair.First.Step, pair.First.Samples, pair.First.Tokens, pair.First.LearningRate),
                    (pair.Second.Step, pair.Second.Samples, pair.Second.Tokens, pair.Second.LearningRate)
                );
                Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-4);
                Assert.Equal(pair.First.GradNorm, pair.Second.GradNorm, 1e-3 * pair.First.GradNorm);
            });
        }
    }

    [Fact]
    public void A_stage_goes_on_from_a_checkpoint_with_fewer_trainers_to_the_same_bits()
    {
        var options = Options(3);
        Train(options, "whole", 3, 1, null, null);
        Train(options, "half", 3, 1, null, null, steps: 2);
        Train(options, "rest", 2, 1, null, "half-checkpoint");
        AssertSame("whole", "rest");
        Assert.NotEqual(Contents("whole"), Contents("half"));
    }

    [Theory]
    [InlineData("sequential-lora", LossMean.MicroBatchMean, "float32")]
    [InlineData("sequential-lora", LossMean.TokenMean, "float32")]
    [InlineData("sequential-lora", LossMean.MicroBatchMean, "bfloat16")]
    [InlineData("lwf of the new task", LossMean.MicroBatchMean, "float32")]
    [InlineData("lwf", LossMean.MicroBatchMean, "float32")]
    [InlineData("ewc", LossMean.MicroBatchMean, "float32")]
    [InlineData("replay", LossMean.TokenMean, "float32")]
    public void Micro_batches_by_tokens_make_the_steps_of_counted_ones_but_for_rounding_and_resume_to_the_same_bits(
        string method,
        LossMean loss,
        string dtype
    )
    {
        var key = method.Split(' ')[0];
        var counted = Options(2) with
        {
            Method = key,
            MethodOptions = OptionsOf(method) is { } own ? MethodOptions.Of(key, own) : null,
            Model = Options(2).Model with { Dtype = dtype },
            Lora = Options(2).Lora with { Dropout = 0 },
            Training = Options(2).Training with { BatchSize = 2, GradientAccumulation = 3, LearningRate = 1e-3, Loss = loss },
        };
        var byTokens = counted with { Training = counted.Training with { MicroBatchTokens = 75 } };
        Train(counted, "1", 1, 1, null, null);
        var one = Train(counted, "counted", 2, 2, "1", null)[0];
        var other = Train(byTokens, "tokens", 2, 2, "1", null)[0];
        var tolerance = dtype == "float32" ? 1e-4 : 2e-2;
        Assert.NotEqual(Contents("counted"), Contents("tokens"));
        Assert.All(one.Zip(other), pair =>
        {
            Assert.Equal(
                (pair.First.Step, pair.First.Samples, pair.First.Tokens, pair.First.LearningRate),
                (pair.Second.Step, pair.Second.Samples, pair.Second.Tokens, pair.Second.LearningRate)
            );
            Assert.Equal(pair.First.Loss, pair.Second.Loss, tolerance);
            Assert.Equal(pair.First.GradNorm, pair.Second.GradNorm, 10 * tolerance * pair.First.GradNorm);
        });

        Train(byTokens, "half", 2, 2, "1", null, steps: 2);
        Train(byTokens, "rest", 1, 2, "1", "half-checkpoint");
        AssertSame("tokens", "rest");
    }

    [Fact]
    public void A_checkpoint_has_all_moments_where_each_trainer_keeps_a_part_and_goes_on_by_others_to_the_same_bits()
    {
        var whole = Options(3) with { Training = Options(3).Training with { CheckpointEvery = 2 } };
        var sharded = Sharded(whole);
        Train(whole, "whole", 3, 1, null, null);
        Train(whole, "half", 1, 1, null, null, steps: 2);
        Train(sharded, "half-sharded", 3, 1, null, null, steps: 2);
        Assert.Equal(Contents("half-checkpoint"), Contents("half-sharded-checkpoint"));
        Train(whole, "by-one", 1, 1, null, "half-sharded-checkpoint");
        Train(sharded, "by-two", 2, 1, null, "half-sharded-checkpoint");
        Train(sharded, "by-three", 3, 1, null, "half-checkpoint");
        Assert.All(["by-one", "by-two", "by-three"], name => AssertSame("whole", name));
    }

    [Fact]
    public void Between_checkpoints_rank_0_has_not_the_whole_state_where_each_trainer_keeps_a_part()
    {
        var options = Sharded(Options(2) with { Training = Options(2).Training with { CheckpointEvery = 2 } });
        var whole = new List<bool>();
        Train(options, "sharded", 2, 1, null, null, seen: session => whole.Add(session.IsWhole));
        Assert.Equal([false, true, false, true], whole);
    }

    [Theory]
    [InlineData("all")]
    [InlineData("rank 0")]
    [InlineData("rank 1")]
    [InlineData("rank 2")]
    public void Who_leaves_a_stage_hands_its_moments_over_so_that_rank_0_writes_the_checkpoint_of_the_last_full_step(string who)
    {
        var options = Options(3);
        foreach (var steps in Enumerable.Range(1, 4))
        {
            Train(options, $"{steps}", 1, 1, null, null, steps: steps);
        }

        var seen = new SortedDictionary<int, int>();
        foreach (var pieces in Enumerable.Range(3, 9))
        {
            // Each is somewhere else in its work.
            var step = Part(Sharded(options), $"parted-{pieces}", rank => who == "all" ? pieces - rank
                : who == $"rank {rank}" ? pieces
                : null);
            if (step > 0)
            {
                Assert.Equal(Contents($"{step}-checkpoint"), Contents($"parted-{pieces}"));
                seen[pieces] = step;
            }
        }

        Assert.True(seen.Values.Distinct().Count() > 1, string.Join(", ", seen));
        Train(Sharded(options), "rest", 2, 1, null, $"parted-{seen.Keys.Last(pieces => seen[pieces] < 4)}");
        AssertSame("4", "rest");
    }

    [Fact]
    public void Where_one_is_lost_rank_0_does_not_wait_for_its_moments()
    {
        var options = Sharded(Options(2));
        var (first, second) = LocalLink.Pair();
        using var learner = factory.Open(options, "cpu", 1);
        using var session = Open(learner, new TrainingTeam(0, 2, [first]), 1, null, null);
        var other = new Thread(() =>
        {
            using var own = factory.Open(options, "cpu", 1);
            using var gone = Open(own, new TrainingTeam(1, 2, [second]), 1, null, null);
            gone.NextStep();
        });
        other.Start();
        session.NextStep();
        Assert.False(Assert.Throws<TrainerLostException>(() => session.NextStep()).Leaves);
        Assert.Null(session.Part(TimeSpan.FromHours(1)));
        Assert.False(session.IsWhole);
        other.Join();
    }

    [Fact]
    public void Where_nothing_is_dealt_out_or_nothing_was_trained_nobody_waits()
    {
        foreach (var options in new[] { Options(2), Sharded(Options(2)) })
        {
            var (first, second) = LocalLink.Pair();
            using var learner = factory.Open(options, "cpu", 1);
            using var session = Open(learner, new TrainingTeam(0, 2, [first]), 1, null, null);
            using var other = Open(learner, new TrainingTeam(1, 2, [second]), 1, null, null);
            Assert.Null(session.Part(TimeSpan.FromHours(1)));
            Assert.Null(other.Part(TimeSpan.FromHours(1)));
        }
    }

    [Fact]
    public void Rank_0_keeps_the_last_full_step_when_another_trainer_is_gone_in_the_middle_of_one()
    {
        var options = Options(2);
        Train(options, "two", 1, 1, null, null, steps: 2);
        var (first, second) = LocalLink.Pair();
        using var learner = factory.Open(options, "cpu", 1);
        using var session = Open(learner, new TrainingTeam(0, 2, [first]), 1, null, null);
        var other = new Thread(() =>
        {
            using var own = factory.Open(options, "cpu", 1);
            using var gone = Open(own, new TrainingTeam(1, 2, [second]), 1, null, null);
            gone.NextStep();
            gone.NextStep();
            gone.Next();
        });
        other.Start();
        session.NextStep();
        session.NextStep();
        Assert.Throws<TrainerLostException>(() => session.NextStep());
        other.Join();
        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of("amid")).FullName);
        Assert.Equal(Contents("two-checkpoint"), Contents("amid"));
    }

    /// <summary>Three trainers begin a stage and part; rank 0 writes the checkpoint, where there is one to write.</summary>
    /// <param name="pieces">After how many pieces of its work a trainer leaves; null for one that does when another has.</param>
    /// <returns>Steps done.</returns>
    private int Part(ExperimentOptions options, string name, Func<int, int?> pieces)
    {
        var links = Enumerable.Range(1, 2).Select(_ => LocalLink.Pair()).ToList();
        var step = 0;
        Exception? fault = null;
        var threads = Enumerable
            .Range(0, 3)
            .Select(rank => new Thread(() =>
            {
                try
                {
                    using var learner = factory.Open(options, "cpu", 1);
                    using var session = Open(
                        learner,
                        new TrainingTeam(rank, 3, rank == 0 ? [.. links.Select(link => link.First)] : [links[rank - 1].Second]),
                        1,
                        null,
                        null
                    );
                    try
                    {
                        for (var piece = 0; session.Step < session.TotalSteps && piece < (pieces(rank) ?? int.MaxValue); piece++)
                        {
                            session.Next();
                        }
                    }
                    catch (TrainerLostException)
                    {
                        // Another one was first.
                    }

                    session.Part(TimeSpan.FromHours(1));
                    if (rank == 0 && session.Step > 0)
                    {
                        step = session.Step;
                        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of(name)).FullName);
                    }
                }
                catch (Exception e)
                {
                    fault ??= e;
                    links.ForEach(link => link.First.Dispose());
                }
            }))
            .ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Null(fault);
        return step;
    }

    private static ExperimentOptions Sharded(ExperimentOptions options) =>
        options with
        {
            Training = options.Training with { OptimizerState = OptimizerState.Sharded },
        };

    private ExperimentOptions Options(int shares) =>
        TinyRun.Options(folder) with
        {
            Tasks = [Task, Task with { Name = "U" }],
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                BatchSize = 1,
                GradientAccumulation = 5,
                MaxSteps = 4,
                WorldSize = shares,
            },
        };

    /// <summary>Trains a stage with a thread for each trainer, and writes its adapter and checkpoint.</summary>
    /// <returns>What each trainer reported of its steps.</returns>
    private IReadOnlyList<IReadOnlyList<StepReport>> Train(
        ExperimentOptions options,
        string name,
        int trainers,
        int stage,
        string? adapter,
        string? checkpoint,
        int steps = 4,
        Action<ITrainingSession>? seen = null
    )
    {
        var links = Enumerable.Range(1, trainers - 1).Select(_ => LocalLink.Pair()).ToList();
        var reports = Enumerable.Range(0, trainers).Select(_ => (IReadOnlyList<StepReport>)[]).ToArray();
        Exception? fault = null;
        var threads = Enumerable
            .Range(0, trainers)
            .Select(rank => new Thread(() =>
            {
                try
                {
                    using var learner = factory.Open(options, "cpu", 1);
                    using var session = Open(
                        learner,
                        new TrainingTeam(rank, trainers, rank == 0 ? [.. links.Select(link => link.First)] : [links[rank - 1].Second]),
                        stage,
                        adapter,
                        checkpoint,
                        options.Training.BatchSize
                    );
                    var done = new List<StepReport>();
                    while (session.Step < steps)
                    {
                        done.Add(session.NextStep());
                        if (rank == 0)
                        {
                            seen?.Invoke(session);
                        }
                    }

                    reports[rank] = done;
                    session.Awaited?.Wait();
                    if (rank == 0)
                    {
                        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of($"{name}-checkpoint")).FullName);
                        session.SaveAdapter(Directory.CreateDirectory(folder.Of(name)).FullName);
                    }
                }
                catch (Exception e)
                {
                    // The others wait for this one.
                    fault ??= e;
                    links.ForEach(link => link.First.Dispose());
                }
            }))
            .ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Null(fault);
        return reports;
    }

    private ITrainingSession Open(ILearner learner, TrainingTeam team, int stage, string? adapter, string? checkpoint, int batchSize = 1) =>
        learner.OpenTraining(
            new StageTraining(
                stage,
                Task.Name,
                batchSize,
                Samples,
                adapter is null ? null : folder.Of(adapter),
                checkpoint is null ? null : folder.Of(checkpoint)
            )
            {
                Team = team,
            }
        );

    private static object? OptionsOf(string method) =>
        method switch
        {
            "ewc" => new EwcOptions { Samples = 4, Lambda = 100 },
            "lwf" => new LwfOptions { Samples = 4, Lambda = 1 },
            "lwf of the new task" => new LwfOptions { Teacher = LwfTeacher.NewTask, Lambda = 1 },
            "moelora" or "moelora in bfloat16" => new MoeLoraOptions { Experts = 2 },
            "replay" => new ReplayOptions { Samples = 4 },
            _ => null,
        };

    private void AssertSame(string one, string other)
    {
        Assert.Equal(Contents(one), Contents(other));
        Assert.Equal(Contents($"{one}-checkpoint"), Contents($"{other}-checkpoint"));
    }

    private SortedDictionary<string, string> Contents(string name) =>
        new(
            Directory
                .GetFiles(folder.Of(name))
                .ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexString(File.ReadAllBytes(file)))
        );
}
