using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters;
using CoIN.Models.Generation;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;

namespace CoIN.Models.Tests.Learning;

/// <summary>Training and answering through the interfaces of the benchmark, on a tiny untrained model folder.</summary>
public sealed class SessionTests : IDisposable
{
    private static readonly TaskOptions Task = TinyRun.Task;

    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];
    private readonly LearnerFactory factory;

    public SessionTests()
    {
        factory = new LearnerFactory(warnings.Add);
        TinyLlava.WriteHub(folder.Of("model"));
        for (var i = 0; i < 6; i++)
        {
            File.WriteAllBytes(folder.Of($"{i}.png"), ImageBytes.Plain(20, 16, (byte)(40 * i)));
        }
    }

    public void Dispose()
    {
        factory.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Training_from_a_checkpoint_ends_with_the_bytes_of_training_without_one()
    {
        var options = Options() with
        {
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.1,
            },
        };
        Train(options, "whole", 5, null);
        Train(options, "half", 2, null);
        Train(options, "rest", 5, folder.Of("half-checkpoint"));
        foreach (var file in Directory.GetFiles(folder.Of("whole")))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(folder.Of("rest", Path.GetFileName(file))));
        }

        Assert.NotEqual(
            File.ReadAllBytes(folder.Of("whole", AdapterFiles.Weights)),
            File.ReadAllBytes(folder.Of("half", AdapterFiles.Weights))
        );
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("float32", "sequential-lora")]
    [InlineData("bfloat16", "sequential-lora")]
    [InlineData("float32", "moelora")]
    [InlineData("float32", "o-lora")]
    public void A_base_in_four_bits_trains_resumes_to_the_same_bits_and_answers_alike_in_any_batch(string dtype, string method)
    {
        var options = Options() with
        {
            Method = method,
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.1,
            },
            Model = Options().Model with { Dtype = dtype, Quantization = BaseQuantization.Nf4 },
            Training = Options().Training with { GradientCheckpointing = true },
        };
        Train(options, "whole", 5, null);
        Train(options, "half", 2, null);
        Train(options, "rest", 5, folder.Of("half-checkpoint"));
        var files = Directory.GetFiles(folder.Of("whole"));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(folder.Of("rest", Path.GetFileName(file)))));
        Assert.Contains(AdapterFiles.Weights, files.Select(Path.GetFileName));

        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(folder.Of("whole"));
        List<TestSample> questions = [new("1", "0.png", "a b", "a"), new("2", null, "c d e f g h", "a"), new("3", "3.png", "h", "a")];
        if (dtype == "float32")
        {
            Assert.Equal(questions.SelectMany(question => session.Answer([question], 6)), session.Answer(questions, 6));
        }

        // Another base, and so another adapter.
        Train(options with { Model = options.Model with { Quantization = BaseQuantization.None } }, "unquantized", 5, null);
        Assert.NotEqual(
            File.ReadAllBytes(folder.Of("whole", AdapterFiles.Weights)),
            File.ReadAllBytes(folder.Of("unquantized", AdapterFiles.Weights))
        );
    }

    [Fact]
    public void A_checkpoint_amid_a_step_is_that_of_the_last_full_step()
    {
        Train(Options(), "full", 2, null);
        using var learner = factory.Open(Options(), "cpu", 1);
        using var session = learner.OpenTraining(new StageTraining(1, Task.Name, 2, Samples(), null, null));
        var reports = Enumerable.Range(0, 5).Select(_ => session.Next()).ToList();
        Assert.Equal(2, session.MicroBatches);
        Assert.Equal([1, 2, 1, 2, 1], reports.Select(report => report.Number));
        Assert.Equal([null, 1, null, 2, null], reports.Select(report => report.Step?.Step));
        Assert.Equal(reports[2].Tokens + reports[3].Tokens, reports[3].Step!.Tokens);

        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of("amid")).FullName);
        foreach (var file in Directory.GetFiles(folder.Of("full-checkpoint")))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(folder.Of("amid", Path.GetFileName(file))));
        }
    }

    [Fact]
    public void With_token_mean_an_accumulated_step_is_that_of_one_large_micro_batch()
    {
        // Answers of one to six tokens: then the mean of means is another number.
        List<TrainingSample> samples =
        [
            .. Enumerable
                .Range(0, 6)
                .Select(i => new TrainingSample($"s{i}", null, [new("human", "ab"), new("gpt", "abcdefabcdef"[..((2 * i) + 1)])])),
        ];
        (double Loss, double Norm) Step(int batch, int accumulation, LossMean loss)
        {
            var options = Options() with
            {
                Training = new TrainingOptions
                {
                    Loss = loss,
                    BatchSize = batch,
                    GradientAccumulation = accumulation,
                    MaxSteps = 2,
                    WarmupRatio = 0,
                },
            };
            using var learner = factory.Open(options, "cpu", 1);
            using var session = learner.OpenTraining(new StageTraining(1, Task.Name, batch, samples, null, null));
            var step = session.NextStep();
            return (step.Loss, step.GradNorm);
        }

        var whole = Step(6, 1, LossMean.MicroBatchMean);
        var parts = Step(2, 3, LossMean.TokenMean);
        Assert.Equal(whole.Loss, parts.Loss, 1e-5);
        Assert.Equal(whole.Norm, parts.Norm, 1e-5 * whole.Norm);
        Assert.NotEqual(whole.Norm, Step(2, 3, LossMean.MicroBatchMean).Norm, 1e-3 * whole.Norm);
        Assert.Equal(whole, Step(6, 1, LossMean.TokenMean));
    }

    [Fact]
    public void Micro_batches_by_tokens_are_as_many_as_a_step_needs_and_held_out_samples_go_by_tokens_too()
    {
        ValidationReport Validated(int? tokens, List<int> pieces)
        {
            var options = Options() with { Training = Options().Training with { MicroBatchTokens = tokens } };
            using var learner = factory.Open(options, "cpu", 1);
            using var session = learner.OpenTraining(new StageTraining(1, Task.Name, 2, Samples(), null, null) { Validation = Samples() });
            ValidationReport done;
            do
            {
                done = session.Validate();
                pieces.Add(done.Done);
            } while (done.Loss is null);
            for (var step = 0; step < 2; step++)
            {
                var expected = session.MicroBatches;
                var reports = new List<MicroBatchReport>();
                do
                {
                    reports.Add(session.Next());
                    Assert.True(tokens is null || reports[^1].Tokens <= tokens);
                } while (reports[^1].Step is null);
                Assert.Equal(Enumerable.Range(1, expected), reports.Select(report => report.Number));
                Assert.Equal(4, reports[^1].Step!.Samples);
                Assert.Equal(tokens is null ? 2 : 4, expected);
            }

            return done;
        }

        List<int> counted = [],
            byTokens = [];
        var (one, other) = (Validated(null, counted), Validated(50, byTokens));
        Assert.Equal([2, 4, 6], counted);
        Assert.Equal([1, 2, 3, 4, 5, 6], byTokens);
        Assert.Equal((one.Samples, one.Tokens), (other.Samples, other.Tokens));
        Assert.Equal(one.Loss!.Value, other.Loss!.Value, 1e-6);
    }

    [Fact]
    public void A_stages_own_accumulation_trains_to_the_bits_of_an_experiment_that_has_it()
    {
        (string, int) Trained(int experiment, int? own, string name)
        {
            var options = Options() with
            {
                Training = Options().Training with { BatchSize = 2, GradientAccumulation = experiment, MaxSteps = 0, Epochs = 3 },
            };
            using var learner = factory.Open(options, "cpu", 1);
            using var session = learner.OpenTraining(
                new StageTraining(1, Task.Name, 2, Samples(), null, null) { GradientAccumulation = own }
            );
            while (session.Step < session.TotalSteps)
            {
                session.NextStep();
            }

            session.SaveAdapter(Directory.CreateDirectory(folder.Of(name)).FullName);
            return (Convert.ToHexString(File.ReadAllBytes(Path.Combine(folder.Of(name), AdapterFiles.Weights))), session.TotalSteps);
        }

        var three = Trained(3, null, "three");
        Assert.Equal(three, Trained(1, 3, "own"));
        Assert.NotEqual(three, Trained(1, null, "one"));
    }

    [Fact]
    public void A_checkpoint_of_another_stage_is_refused()
    {
        Train(Options(), "half", 2, null);
        using var learner = factory.Open(Options(), "cpu", 1);
        var fault = Assert.Throws<CoinException>(() =>
            learner.OpenTraining(new StageTraining(2, Task.Name, 2, Samples(), null, folder.Of("half-checkpoint")))
        );
        Assert.Contains(folder.Of("half-checkpoint"), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_the_stage_by_name()
    {
        var options = Options() with
        {
            Training = new TrainingOptions
            {
                LearningRate = 1e30,
                WarmupRatio = 0,
                BatchSize = 2,
                MaxSteps = 5,
            },
        };
        var fault = Assert.Throws<CoinException>(() => Train(options, "nan", 5, null));
        Assert.Contains("Stage 1 (T), step 2 of 5", fault.Message, StringComparison.Ordinal);
        Assert.Contains("training.learning-rate", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_of_a_batch_are_those_one_by_one_with_and_without_an_adapter()
    {
        Train(Options(), "adapter", 5, null);
        foreach (var adapter in new[] { null, folder.Of("adapter") })
        {
            using var learner = factory.Open(Options(), "cpu", 1);
            using var session = learner.OpenGeneration(adapter);
            List<TestSample> questions = [new("1", "0.png", "a b", "a"), new("2", null, "c d e f g h", "a"), new("3", "3.png", "h", "a")];
            Assert.Equal(questions.SelectMany(question => session.Answer([question], 6)), session.Answer(questions, 6));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1024)]
    public void Prepared_known_and_new_pictures_give_the_same_answers(int cache)
    {
        var options = Options() with { Evaluation = new EvaluationOptions { FeatureCache = cache } };
        List<TestSample> questions = [new("1", "0.png", "a b", "a"), new("2", "0.png", "c", "a"), new("3", "3.png", "h", "a")];
        using var learner = factory.Open(options, "cpu", 1);
        using var first = learner.OpenGeneration(null);
        var answers = first.Answer(questions, 6);
        Assert.Equal(answers, first.Answer(questions, 6));
        using var second = learner.OpenGeneration(null);
        second.Prepare([.. questions, new("4", "4.png", "never asked", "a")]);
        Assert.Equal(answers, second.Answer(questions, 6));
    }

    [Fact]
    public void A_picture_whose_file_has_changed_is_looked_at_anew()
    {
        using var learner = factory.Open(Options(), "cpu", 1);
        using var session = learner.OpenGeneration(null);
        TestSample question = new("1", "0.png", "a b", "a");
        var before = session.Answer([question], 6);
        File.Copy(folder.Of("5.png"), folder.Of("0.png"), overwrite: true);
        File.SetLastWriteTimeUtc(folder.Of("0.png"), DateTime.UtcNow.AddMinutes(1));
        Assert.Equal(session.Answer([question with { Image = "5.png" }], 6), session.Answer([question], 6));
        Assert.NotEqual(before, session.Answer([question], 6));
    }

    [Fact]
    public void A_base_in_bfloat16_trains_and_answers()
    {
        var options = Options() with { Model = Options().Model with { Dtype = "bfloat16" } };
        Train(options, "short", 3, null);
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(folder.Of("short"));
        Assert.Single(session.Answer([new TestSample("1", "0.png", "a", "a")], 3));
    }

    [Fact]
    public void In_bfloat16_an_adapter_answers_beside_the_weights_or_as_the_merged_model_does()
    {
        var options = Options() with { Model = Options().Model with { Dtype = "bfloat16" } };
        Train(options, "adapter", 5, null);
        List<TestSample> questions = [new("1", "0.png", "a b", "a"), new("2", null, "c d e f g h", "a"), new("3", "3.png", "h", "a")];
        (IReadOnlyList<Prediction> Answers, int Operators) Answer(ExperimentOptions of, string? adapter)
        {
            using var learner = factory.Open(of, "cpu", 1);
            using var session = learner.OpenGeneration(adapter);
            IReadOnlyList<Prediction> answers = [];
            var operators = OperatorCounter.Of(() => answers = session.Answer(questions, 6)).Values.Sum();
            return (answers, operators);
        }

        var rounded = options with { Evaluation = options.Evaluation with { MergeAdapter = AdapterMerging.Rounded } };
        var (folded, beside) = (Answer(rounded, folder.Of("adapter")), Answer(options, folder.Of("adapter")));
        Assert.True(folded.Operators < beside.Operators);
        ModelMerge.Write(folder.Of("adapter"), options.Model, folder.Of("merged"), "bfloat16", _ => { });
        var merged = Answer(options with { Model = options.Model with { Path = folder.Of("merged") } }, null);
        Assert.Equal(merged.Answers, folded.Answers);
        Assert.NotEqual(Answer(options, null).Answers, folded.Answers);
    }

    [Fact]
    public void Pictures_that_cannot_be_read_are_named_with_their_samples()
    {
        File.WriteAllText(folder.Of("no.png"), "no picture");
        File.WriteAllBytes(folder.Of("cut.png"), File.ReadAllBytes(folder.Of("0.png"))[..60]);
        using var learner = factory.Open(Options(), "cpu", 1);
        using var session = learner.OpenGeneration(null);
        foreach (var name in new[] { "gone.png", "no.png", "cut.png" })
        {
            var fault = Assert.Throws<CoinException>(() => session.Answer([new TestSample("q7", name, "a", "a")], 3));
            Assert.Contains("q7", fault.Message, StringComparison.Ordinal);
            Assert.Contains(folder.Of(name), fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Samples_without_an_answer_within_the_longest_length_are_named_and_left_out()
    {
        var samples = Samples().Append(new TrainingSample("long", null, [new("human", new string('a', 300)), new("gpt", "b")])).ToList();
        using var learner = factory.Open(Options(), "cpu", 1);
        using var session = learner.OpenTraining(new StageTraining(1, Task.Name, 2, samples, null, null));
        Assert.Contains("long", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_folder_whose_files_do_not_fit_together_is_refused_before_it_is_loaded()
    {
        var config = folder.Of("model", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"vocab_size\": 280", "\"vocab_size\": 100", StringComparison.Ordinal));
        Assert.Contains("tokenizer.model has 270 pieces", ProblemsOf(Options()), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_wrong_with_a_model_folder_is_told_at_once()
    {
        File.Delete(folder.Of("model", "tokenizer.model"));
        File.WriteAllText(folder.Of("model", "preprocessor_config.json"), "[");
        File.WriteAllText(folder.Of("model", "model.safetensors.index.json"), "{}");
        File.Delete(folder.Of("model", "model.safetensors"));
        var options = Options() with { Model = Options().Model with { Conversation = "vicuna_v9" } };
        var message = ProblemsOf(options);
        Assert.Contains("has 4 problems", message, StringComparison.Ordinal);
        Assert.All(["vicuna_v9", "tokenizer.model", "preprocessor_config.json", "model.safetensors.index.json"], part =>
            Assert.Contains(part, message, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_model_whose_key_is_wrong_is_not_looked_at()
    {
        var problems = new Problems();
        problems.Add("coin.model.path: the folder nowhere does not exist.", "coin.model.path");
        ModelCheck.Check(Options() with { Model = Options().Model with { Path = "nowhere" } }, ["cpu"], problems, warnings.Add);
        Assert.Equal(1, problems.Count);
    }

    [Fact]
    public void Without_training_the_adapter_that_the_options_name_is_the_one_that_answers()
    {
        Train(Options(), "adapter", 5, null);
        var zeroShot = Options() with { Method = ZeroShot.Name };
        List<TestSample> questions = [new("1", null, "ab c", "a"), new("2", null, "d e f", "a"), new("3", null, "h g", "a")];
        IReadOnlyList<Prediction> Answers(ExperimentOptions options, string? adapter)
        {
            using var learner = factory.Open(options, "cpu", 1);
            using var session = learner.OpenGeneration(adapter);
            return session.Answer(questions, 8);
        }

        var given = Answers(zeroShot with { Lora = zeroShot.Lora with { From = folder.Of("adapter") } }, null);
        Assert.Equal(Answers(zeroShot, folder.Of("adapter")), given);
        Assert.NotEqual(Answers(zeroShot, null), given);
    }

    [Fact]
    public void The_first_stage_begins_with_the_adapter_that_the_options_name_and_a_later_one_with_its_own()
    {
        Train(Options(), "adapter", 2, null);
        Train(Options() with { Seed = 9 }, "other", 2, null);
        var options = Options() with { Lora = Options().Lora with { From = folder.Of("adapter") } };
        using var learner = factory.Open(options, "cpu", 1);
        foreach (
            var (stage, expected) in new[]
            {
                (new StageTraining(1, Task.Name, 2, Samples(), null, null), "adapter"),
                (new StageTraining(2, Task.Name, 2, Samples(), folder.Of("other"), null), "other"),
            }
        )
        {
            using var session = learner.OpenTraining(stage);
            session.SaveAdapter(Directory.CreateDirectory(folder.Of($"start-{stage.Stage}")).FullName);
            Assert.Equal(
                File.ReadAllBytes(folder.Of(expected, AdapterFiles.Weights)),
                File.ReadAllBytes(folder.Of($"start-{stage.Stage}", AdapterFiles.Weights))
            );
            Assert.Equal(
                File.ReadAllBytes(folder.Of(expected, AdapterFiles.Projector)),
                File.ReadAllBytes(folder.Of($"start-{stage.Stage}", AdapterFiles.Projector))
            );
        }
    }

    [Theory]
    [InlineData("llama", "model.safetensors")]
    [InlineData("clip", "model.safetensors")]
    [InlineData("clip", "preprocessor_config.json")]
    [InlineData("", "mm_projector.safetensors")]
    public void The_sum_of_a_model_of_parts_changes_with_every_part(string part, string file)
    {
        TinyLlava.WriteParts(folder.Of("parts"), 280);
        string Sum()
        {
            using var fresh = new LearnerFactory(warnings.Add);
            using var learner = fresh.Open(
                Options() with
                {
                    Model = Options().Model with
                    {
                        Path = "",
                        Language = folder.Of("parts", "llama"),
                        VisionTower = folder.Of("parts", "clip"),
                        Projector = folder.Of("parts", "mm_projector.safetensors"),
                    },
                },
                "cpu",
                1
            );
            return learner.BaseModelSha256;
        }

        var before = Sum();
        Assert.Equal(before, Sum());
        var path = folder.Of("parts", part, file);
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(
            path,
            file.EndsWith(".json", StringComparison.Ordinal) ? [.. bytes, (byte)' '] : [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]
        );
        Assert.NotEqual(before, Sum());
    }

    [Fact]
    public void A_damaged_adapter_is_named()
    {
        Train(Options(), "adapter", 2, null);
        var path = folder.Of("adapter", AdapterFiles.Weights);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..200]);
        using var learner = factory.Open(Options(), "cpu", 1);
        Assert.Contains(
            path,
            Assert.Throws<CoinException>(() => learner.OpenGeneration(folder.Of("adapter"))).Message,
            StringComparison.Ordinal
        );
    }

    private ExperimentOptions Options() =>
        TinyRun.Options(folder, dropout: 0) with
        {
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                BatchSize = 2,
                GradientAccumulation = 2,
                MaxSteps = 5,
            },
        };

    private string ProblemsOf(ExperimentOptions options)
    {
        var problems = new Problems();
        ModelCheck.Check(options, ["cpu"], problems, warnings.Add);
        return Assert.Throws<CoinException>(() => problems.ThrowIfAny("x")).Message;
    }

    private static List<TrainingSample> Samples() =>
        [
            .. Enumerable
                .Range(0, 6)
                .Select(i => new TrainingSample(
                    $"s{i}",
                    i == 2 ? null : $"{i}.png",
                    [new("human", i == 2 ? "ab" : "<image>\nab c"), new("gpt", $"{"abcdef"[i]}")]
                )),
        ];

    /// <summary>Trains to a step, then writes the adapter and, beside it, a checkpoint.</summary>
    private void Train(ExperimentOptions options, string name, int steps, string? checkpoint)
    {
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenTraining(new StageTraining(1, Task.Name, 2, Samples(), null, checkpoint));
        while (session.Step < steps)
        {
            session.NextStep();
        }

        session.SaveAdapter(Directory.CreateDirectory(folder.Of(name)).FullName);
        session.SaveCheckpoint(Directory.CreateDirectory(folder.Of($"{name}-checkpoint")).FullName);
    }
}
