using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Families;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;

namespace CoIN.Models.Tests.Planning;

public sealed class ExperimentPlannerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public ExperimentPlannerTests() => TinyLlava.WriteHub(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void On_a_CPU_the_host_itself_is_the_device_and_mallocs_gaps_count()
    {
        var plan = Plan("cpu", "float32");
        Assert.Equal(HeapPolicy.Allocator() == "malloc", plan.Memory.Any(part => part.Name.StartsWith("gaps", StringComparison.Ordinal)));
        Assert.DoesNotContain(plan.Memory, part => part.Name.StartsWith("oneDNN", StringComparison.Ordinal));
        Assert.Empty(plan.Host);
        Assert.Contains(Plan("cpu", "bfloat16").Memory, part => part.Name.StartsWith("oneDNN", StringComparison.Ordinal));
    }

    [Fact]
    public void On_a_GPU_the_host_has_its_own_part()
    {
        var plan = Plan("cuda:0", "bfloat16");
        Assert.DoesNotContain(plan.Memory, part =>
            part.Name.StartsWith("gaps", StringComparison.Ordinal) || part.Name.StartsWith("oneDNN", StringComparison.Ordinal)
        );
        Assert.Contains(plan.Memory, part => part.Name.StartsWith("CUDA", StringComparison.Ordinal));
        Assert.NotEmpty(plan.Host);
    }

    [Fact]
    public void An_evaluator_keeps_no_more_positions_than_there_is_room_for()
    {
        Assert.SkipUnless(CpuKernels.Available, "The processor has no AVX-512.");
        long Cache(int batchSize, string device) =>
            Plan(device, "float32", evaluators: 1, batchSize)
                .Memory.Single(part => part.Name == "evaluators beside: keys, values, pictures")
                .Bytes;

        // Beyond, only pictures make the difference, which a GPU has as well.
        Assert.True(Cache(2000, "cpu") - Cache(1000, "cpu") < Cache(2000, "cuda:0") - Cache(1000, "cuda:0"));
        Assert.Equal(1, KernelDecodingBatch.Rows(16, 5000));
        Assert.Equal(4, KernelDecodingBatch.Rows(16, 1000));
        Assert.Equal(16, KernelDecodingBatch.Rows(16, 100));
    }

    [Fact]
    public void An_evaluator_whose_adapter_is_folded_in_takes_a_copy_of_the_layers()
    {
        long Beside(string dtype, AdapterMerging merging, BaseQuantization quantization = BaseQuantization.None) =>
            Plan("cuda:0", dtype, evaluators: 1, change: options =>
                options with
                {
                    Model = options.Model with { Quantization = quantization },
                    Evaluation = options.Evaluation with { MergeAdapter = merging },
                }
            )
                .Memory.Single(part => part.Name == "evaluators beside: adapters or merged weights")
                .Bytes;
        var shape = ModelFamilies.Of(new ModelOptions { Path = folder.Path }).Shape(new ModelOptions { Path = folder.Path });
        var layers = ParameterCounts.Of(shape, 128).Language - (2L * shape.Text.VocabularySize * shape.Text.HiddenSize);
        var adapter = Beside("float32", AdapterMerging.Exact) - (4 * layers);
        Assert.InRange(adapter, 1, long.MaxValue);
        Assert.Equal(adapter + (2 * layers), Beside("bfloat16", AdapterMerging.Rounded));
        Assert.InRange(Beside("bfloat16", AdapterMerging.Exact), adapter + 1, (2 * adapter) - 1);
        Assert.Equal(
            Beside("bfloat16", AdapterMerging.Exact, BaseQuantization.Nf4),
            Beside("bfloat16", AdapterMerging.Rounded, BaseQuantization.Nf4)
        );
    }

    [Fact]
    public void Tasks_learned_at_once_are_one_stage_of_all_their_samples_with_the_experiments_batch_size()
    {
        var stage = Plan("cpu", "float32", method: "multi-task", tasks: ["A", "B"]).Stages.Single();
        Assert.Equal(("multi-task", 8, 2, 4), (stage.Task, stage.Samples, stage.BatchSize, stage.Steps));
        Assert.Equal([1, 1], Plan("cpu", "float32", tasks: ["A", "B"]).Stages.Select(one => one.BatchSize));
    }

    [Fact]
    public void A_tasks_own_accumulation_gives_its_steps_and_what_is_advised_keeps_them()
    {
        var plan = Plan("cpu", "float32", tasks: ["A", "B"], change: options =>
            options with
            {
                Training = options.Training with { GradientAccumulation = 3, WorldSize = 2 },
                Tasks = [options.Tasks[0] with { GradientAccumulation = 4 }, options.Tasks[1] with { BatchSize = 2 }],
            }
        );
        Assert.Equal([(1, 4, 1), (2, 3, 1)], plan.Stages.Select(stage => (stage.BatchSize, stage.Accumulation, stage.Steps!.Value)));
        Assert.Equal(2, plan.Team!.MicroBatches);
        Assert.Contains(plan.Remedies, one =>
            one.Keys
            == "training.batch-size=1 tasks.A.batch-size=1 tasks.A.gradient-accumulation=4 tasks.B.batch-size=1 tasks.B.gradient-accumulation=6 training.gradient-accumulation=6"
        );
    }

    [Theory]
    [InlineData("cpu", "float32")]
    [InlineData("cuda:0", "bfloat16")]
    public void Micro_batches_by_tokens_are_planned_as_they_will_be(string device, string dtype)
    {
        ExperimentPlan Of(int? tokens, int batch = 4) =>
            Plan(device, dtype, change: options =>
                options with
                {
                    Training = options.Training with { BatchSize = batch, MicroBatchTokens = tokens },
                }
            );
        var whole = Of(null);
        var each = whole.Stages[0].LargestMicroBatch / 4;
        Assert.Null(whole.Stages[0].MicroBatches);
        var one = Of((int)each);
        Assert.Equal((each, 4, 4), (one.Stages[0].LargestMicroBatch, one.Stages[0].MicroBatches, one.Stages[0].GlobalBatch));
        var two = Of((int)(3 * each) - 1);
        Assert.Equal((2 * each, 2), (two.Stages[0].LargestMicroBatch, two.Stages[0].MicroBatches));
        Assert.Equal(Of(null, batch: 1).DeviceBytes, one.DeviceBytes);
        Assert.True(one.DeviceBytes < two.DeviceBytes && two.DeviceBytes < whole.DeviceBytes);
        Assert.Equal(one.DeviceBytes, whole.Remedies.Single(remedy => remedy.Keys == $"training.micro-batch-tokens={each}").DeviceBytes);
        Assert.DoesNotContain(one.Remedies, remedy => remedy.Keys.Contains("micro-batch-tokens", StringComparison.Ordinal));
        Assert.DoesNotContain(two.Remedies, remedy => remedy.Keys.Contains("batch-size=1", StringComparison.Ordinal));

        // Two shares of two samples each; and where no sample is known, as if all were as long as they may be.
        ExperimentOptions Shared(ExperimentOptions options, int tokens) =>
            options with
            {
                Training = options.Training with { GradientAccumulation = 2, WorldSize = 2, MicroBatchTokens = tokens },
            };
        Assert.Equal(2, Plan(device, dtype, change: options => Shared(options, (int)each)).Team!.MicroBatches);
        Assert.Equal(1, Plan(device, dtype, change: options => Shared(options, (int)(2 * each))).Team!.MicroBatches);
        var unknown = Plan(device, dtype, change: options => Shared(options with { Method = "replay" }, 100), unread: true);
        Assert.Equal((100, 2), (unknown.Stages[0].LargestMicroBatch, unknown.Team!.MicroBatches));
    }

    [Fact]
    public void Where_each_trainer_keeps_a_part_of_the_moments_a_device_needs_less_by_the_others_parts()
    {
        ExperimentPlan Of(OptimizerState state) =>
            Plan("cuda:0", "float32", change: options =>
                options with
                {
                    Training = options.Training with { GradientAccumulation = 4, WorldSize = 4, OptimizerState = state },
                }
            );
        var (whole, sharded) = (Of(OptimizerState.Whole), Of(OptimizerState.Sharded));
        var less = whole.TrainedParameters * 2 * sizeof(float) * 3 / 4;
        Assert.Equal((0, less), (whole.Team!.ShardedBytes, sharded.Team!.ShardedBytes));
        Assert.Equal(whole.DeviceBytes - less, sharded.DeviceBytes);
        Assert.Equal(sharded.DeviceBytes, whole.Remedies.Single(one => one.Keys == "training.optimizer-state=sharded").DeviceBytes);
        Assert.True(sharded.Host.Sum(part => part.Bytes) > whole.Host.Sum(part => part.Bytes));
    }

    [Fact]
    public void Thirteen_billion_parameters_are_planned_from_their_configuration_alone()
    {
        foreach (var file in Directory.EnumerateFiles(folder.Path))
        {
            File.Delete(file);
        }

        File.WriteAllText(folder.Of("config.json"), PublishedModels.LlavaThirteenBillion);
        var plan = Plan("cuda:0", "bfloat16");

        // In billions: 13.02 of Vicuna with 64 more words, 0.03 of the projector, 0.29 of CLIP below its last layer; rank 128 on seven
        // matrices of 40 layers.
        Assert.Equal(13_338_896_384, plan.BaseParameters);
        Assert.InRange(plan.Memory[0].Bytes / 1e9, 26.6, 26.8);
        Assert.Equal(
            (128L * 40 * ((8 * 5120) + (3 * (5120 + 13824)))) + (1024 * 5120) + (5120 * 5120) + (2 * 5120),
            plan.TrainedParameters
        );

        // Without a tokenizer both samples of a micro-batch are as long as they may be.
        Assert.All(plan.Stages, stage => Assert.Equal((4, 200L), (stage.Samples, stage.LargestMicroBatch)));
    }

    [Fact]
    public void What_a_method_keeps_and_computes_is_planned()
    {
        var plain = OfTwo("sequential-lora");
        long trained = plain.TrainedParameters * 4,
            tokens = plain.Stages[0].Tokens!.Value;
        long Memory(ExperimentPlan plan) => plan.Memory.Concat(plan.Host).Sum(part => part.Bytes);
        Assert.Null(plain.MethodPasses);

        // Fisher information and anchors, and squares that are summed; on a GPU they may lie in the host's memory.
        var ewc = OfTwo("ewc", new EwcOptions { Samples = 4 });
        Assert.Equal((3 * trained, 8 * trained), (Memory(ewc) - Memory(plain), ewc.CheckpointBytes - plain.CheckpointBytes));
        Assert.Equal(2 * tokens, ewc.MethodTokens);
        Assert.Equal(2 * trained, Memory(OfTwo("ewc", new EwcOptions { Samples = 4, StateDtype = "bfloat16" })) - Memory(plain));
        var onHost = OfTwo("ewc", new EwcOptions { Samples = 4, StateOn = "host" }, "cuda:0");
        Assert.Equal(OfTwo("sequential-lora", device: "cuda:0").DeviceBytes, onHost.DeviceBytes);
        Assert.Equal(3 * trained, onHost.Host.Where(part => part.Name.StartsWith("EWC", StringComparison.Ordinal)).Sum(part => part.Bytes));

        Assert.Equal(trained, Memory(OfTwo("ema")) - Memory(plain));

        // What the first task learned stays beside the second's, and is saved once more with it. The projector is one.
        var apart = OfTwo("o-lora");
        var lora =
            4
            * ParameterCounts
                .Of(ModelFamilies.Of(new ModelOptions { Path = folder.Path }).Shape(new ModelOptions { Path = folder.Path }), 128)
                .Lora;
        Assert.InRange(lora, 1, trained - 1);
        Assert.Equal((lora, lora), (Memory(apart) - Memory(plain), apart.CheckpointBytes - plain.CheckpointBytes));
        Assert.Equal(plain.TrainedParameters, apart.TrainedParameters);
        Assert.NotNull(apart.MethodPasses);

        // And where it acts most: a fifth of each map's elements, and one map at a time in full.
        var regularized = OfTwo("reg-lora", new RegLoraOptions { KeyElements = 0.2 });
        var text = ModelFamilies.Of(new ModelOptions { Path = folder.Path }).Shape(new ModelOptions { Path = folder.Path }).Text;
        long Fifth(long size) => (long)(0.2 * size);
        long h = text.HiddenSize,
            i = text.IntermediateSize,
            kv = text.KeyValueSize;
        long[] sizes = [h * h, h * kv, h * kv, h * h, h * i, h * i, h * i];
        Assert.Equal(
            (text.Layers * sizes.Sum(Fifth) * 4) + sizes.Max(size => (8 * size) + (12 * Fifth(size))),
            Memory(regularized) - Memory(apart)
        );
        Assert.Equal(apart.CheckpointBytes, regularized.CheckpointBytes);

        var replay = OfTwo("replay", new ReplayOptions { Samples = 3 });
        Assert.Equal([4, 7], replay.Stages.Select(stage => stage.Samples));
        Assert.Equal([2, 4], replay.Stages.Select(stage => stage.Steps));

        var lwf = OfTwo("lwf", new LwfOptions { Samples = 4, PerStep = 1 });
        var logits = lwf.Memory.Single(part => part.Name.StartsWith("LwF", StringComparison.Ordinal)).Bytes;
        Assert.Equal(
            logits / 2,
            OfTwo("lwf", new LwfOptions { Samples = 4, LogitsDtype = "float16" })
                .Memory.Single(part => part.Name.StartsWith("LwF", StringComparison.Ordinal))
                .Bytes
        );
        Assert.Equal(logits * 7 / 2, lwf.CheckpointBytes - plain.CheckpointBytes);
        Assert.True(lwf.MethodTokens > 0);
        var words = ModelFamilies
            .Of(new ModelOptions { Path = folder.Path })
            .Shape(new ModelOptions { Path = folder.Path })
            .Text.VocabularySize;
        long Highest(int k) =>
            OfTwo(
                "lwf",
                new LwfOptions
                {
                    Samples = 4,
                    PerStep = 1,
                    TopK = k,
                }
            )
                .Memory.Single(part => part.Name.StartsWith("LwF", StringComparison.Ordinal))
                .Bytes;
        Assert.Equal(logits * ((3 * 8) + 4) / (4 * words), Highest(3));
        Assert.Equal(logits * ((8 * words) + 4) / (4 * words), Highest(int.MaxValue));
        var classic = OfTwo("lwf", new LwfOptions { Teacher = LwfTeacher.NewTask });
        Assert.Equal((2 * trained, tokens / 3), (Memory(classic) - Memory(plain), classic.MethodTokens));
    }

    private ExperimentPlan OfTwo(string method, object? own = null, string device = "cpu") =>
        Plan(device, "float32", change: options =>
            options with
            {
                Method = method,
                MethodOptions = own is null ? null : MethodOptions.Of(method, own),
                Tasks = [options.Tasks[0], options.Tasks[0] with { Name = "B" }],
            }
        );

    private ExperimentPlan Plan(
        string device,
        string dtype,
        int evaluators = 0,
        int batchSize = 16,
        string method = "sequential-lora",
        Func<ExperimentOptions, ExperimentOptions>? change = null,
        bool unread = false,
        params IReadOnlyList<string> tasks
    )
    {
        var samples = Enumerable
            .Range(0, 4)
            .Select(i => new TrainingSample($"{i}", "a.png", [new Turn("human", "<image>\nab"), new Turn("gpt", "cd")]))
            .ToList();
        var options = new ExperimentOptions
        {
            Name = "plan",
            Method = method,
            Tasks =
                tasks.Count == 0
                    ?
                    [
                        new TaskOptions
                        {
                            Name = "A",
                            Folder = "",
                            Scorer = "gqa",
                        },
                    ]
                    :
                    [
                        .. tasks.Select(task => new TaskOptions
                        {
                            Name = task,
                            Folder = "",
                            Scorer = "gqa",
                            BatchSize = 1,
                        }),
                    ],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions
            {
                Path = folder.Path,
                Dtype = dtype,
                MaxLength = 100,
                Conversation = "vicuna_v1_no_system",
            },
            Training = new TrainingOptions { BatchSize = 2 },
            Evaluation = new EvaluationOptions { BatchSize = batchSize },
        };
        return ExperimentPlanner.Plan(change?.Invoke(options) ?? options, device, evaluators, _ => unread ? null : samples);
    }
}
