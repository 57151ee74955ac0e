using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Backends;
using CoIN.Models.Cpu;
using CoIN.Models.Families;
using CoIN.Models.Methods;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using CoIN.Models.Training;
using TorchSharp;

namespace CoIN.Models.Planning;

/// <summary>
/// Works out an experiment's stages and memory from its configuration, the model's config.json and tokenizer, and the samples; no weights
/// are read.
/// </summary>
public static class ExperimentPlanner
{
    private const long Megabyte = 1_000_000;

    // Not measured: what a CUDA context, cuBLAS and the gaps of a caching allocator commonly take.
    private const long CudaOverhead = 1000 * Megabyte;

    // Measured (`./run.sh bench memory`): a process with libtorch in it, and what it gathers while it trains (kernels, garbage that waits
    // for its collector).
    private const long ProgramOverhead = 310 * Megabyte,
        ProgramOverheadOfKernels = 260 * Megabyte;

    // Fitted to the same measurements with glibc 2.36, in parts of what a step takes. With checkpointing the inputs that are kept lie
    // between what comes and goes.
    private const double GapsOfMalloc = 0.75,
        GapsWithCheckpointing = 1.5,
        GapsOfKernels = 0.4,
        GapsOfKernelsWithCheckpointing = 0.7;

    /// <summary>Plans.</summary>
    /// <param name="device">The device that trains, e.g. <c>cpu</c> or <c>cuda:0</c>.</param>
    /// <param name="evaluators">Evaluators that work on the same device meanwhile.</param>
    /// <param name="samples">A task's training samples, or null where they are not there yet.</param>
    /// <exception cref="Benchmark.CoinException">The model folder's settings or a sample cannot be used.</exception>
    public static ExperimentPlan Plan(
        ExperimentOptions options,
        string device,
        int evaluators,
        Func<TaskOptions, IReadOnlyList<TrainingSample>?> samples
    )
    {
        var family = ModelFamilies.Of(options.Model);
        var (shape, prompts) = (family.Shape(options.Model), family.PromptsIfThere(options.Model));

        // What training begins with, be it named or among the model's own files.
        options = options with { Lora = options.Lora with { From = options.Lora.From ?? family.AdapterWithin(options.Model) } };
        prompts = prompts is null ? null : PlacedPrompts.Of(prompts, family.SizedPictures(options.Model), options.Data.Images);
        var stages = options.Curriculum().Trained;
        var trains = stages.Count > 0;
        var sets = stages
            .Select(stage =>
            {
                var read = stage.Learns.Select(place => samples(options.Tasks[place])).ToList();
                return new Stage(
                    stage.Number,
                    stage.Name,
                    stage.Learns.Count == 1 ? options.Tasks[stage.Learns[0]].BatchSize : null,
                    stage.Learns.Count == 1 ? options.Tasks[stage.Learns[0]].GradientAccumulation : null,
                    read.Contains(null)
                        ? null
                        : Sizes([.. read.SelectMany(task => task!)], prompts, shape, options.Model.MaxLength, stage.Name)
                );
            })
            .ToList();
        var own = sets.Select(stage => stage.Sizes).ToList();
        sets = Replayed(sets, options);
        var settings = Settings(shape, options, device);
        var trained = trains ? MemoryModel.Trained(settings) : 0;
        var planned = sets.Select(stage => Describe(stage, settings, options)).ToList();
        var method = MethodCosts.Of(options, trained, Frozen(), shape, settings.Targets, own, planned);
        var shares = trains ? options.Training.WorldSize : 1;
        var elsewhere = settings.Shards == 1 ? 0 : (2 * trained * sizeof(float)) - MemoryModel.ShardOfMoments(settings);

        // A gradient, and the parameters that go out or come in.
        List<MemoryPart> exchanged = shares > 1 ? [new("gradients and parameters between trainers", trained * 2 * sizeof(float))] : [];
        if (elsewhere > 0)
        {
            exchanged.Add(new("the others' moments for checkpoints", 2 * trained * sizeof(float)));
        }

        List<MemoryPart> onDevice = [.. method.Device, .. device == "cpu" ? [.. method.Host, .. exchanged] : (IReadOnlyList<MemoryPart>)[]];
        IReadOnlyList<MemoryPart> memory = [.. Device(settings, options, sets, device, evaluators), .. onDevice];
        var further = onDevice.Sum(part => part.Bytes);
        return new ExperimentPlan(
            planned,
            trained,
            ParameterCounts.Of(shape, options.Lora.Rank).Base,
            memory,
            device == "cpu"
                ? []
                :
                [
                    new("program and libtorch", ProgramOverhead),
                    new("decoded pictures", Waiting(settings, options, sets)),
                    .. method.Host,
                    .. exchanged,
                ],
            (trained * 4 * (6 + sets.Count)) + method.Disk,
            trains
                ?
                [
                    .. Remedies(shape, options, sets, device, evaluators)
                        .Select(one => one with { DeviceBytes = one.DeviceBytes + further }),
                ]
                : []
        )
        {
            MethodPasses = method.Passes,
            MethodTokens = method.PassedTokens,
            Team =
                shares == 1
                    ? null
                    : new PlannedTeam(
                        shares,
                        sets.Max(stage => MicroBatchesOfShare(stage, options)),
                        trained * sizeof(float),
                        trained * sizeof(float)
                    )
                    {
                        ShardedBytes = elsewhere,
                    },
        };

        // What each stage holds fixed, in the stages' order.
        IReadOnlyList<long> Frozen() =>
            settings.FrozenRank == 0
                ? []
                :
                [
                    .. stages.Select(
                        (_, place) =>
                            MemoryModel.Frozen(
                                settings with
                                {
                                    FrozenRank = settings.FrozenRank - ((stages.Count - 1 - place) * settings.Rank),
                                }
                            )
                    ),
                ];
    }

    /// <summary>The stages with the samples of finished tasks that replay mixes in: those that a run would draw.</summary>
    private static List<Stage> Replayed(List<Stage> stages, ExperimentOptions options)
    {
        if (options.Method != ReplayOptions.Key)
        {
            return stages;
        }

        var count = options.OptionsOf<ReplayOptions>().Samples;
        return
        [
            .. stages.Select(
                (stage, place) =>
                    stage with
                    {
                        Sizes = stages.Take(place + 1).Any(one => one.Sizes is null)
                            ? null
                            :
                            [
                                .. stage.Sizes!,
                                .. stages.Take(place).SelectMany(one => KeptSamples.DrawOf(one.Sizes!, count, options.Seed, one.Number)),
                            ],
                    }
            ),
        ];
    }

    /// <summary>The samples' sizes; without a tokenizer all of them are as long as they may be.</summary>
    private static IReadOnlyList<SequenceSize> Sizes(
        IReadOnlyList<TrainingSample> samples,
        IPrompts? prompts,
        ModelShape shape,
        int maxLength,
        string stage
    ) =>
        prompts is null
            ?
            [
                .. samples.Select(sample =>
                    sample.Image is null
                        ? new SequenceSize(maxLength, maxLength - 1, 0)
                        : new SequenceSize(
                            maxLength,
                            Math.Max(maxLength - (sample.Images.Count * shape.ImageTokens), 1),
                            sample.Images.Count
                        )
                ),
            ]
            : TrainingSet.Measure(samples, prompts, shape.ImageTokens, maxLength).NotEmpty(stage).Sizes;

    private static MemorySettings Settings(ModelShape shape, ExperimentOptions options, string device)
    {
        var dtype = TorchNames.Dtype(options.Model.Dtype);
        var type = device == "cpu" ? DeviceType.CPU : DeviceType.CUDA;
        var backend = Backend.For(dtype, type);
        return new MemorySettings(
            shape,
            dtype == torch.ScalarType.Float32 ? sizeof(float) : sizeof(short),
            options.Lora.Rank,
            options.Lora.TrainProjector,
            options.Lora.Dropout > 0,
            options.Training.GradientCheckpointing,
            backend is CpuBackend
        )
        {
            Nf4 = ModelFiles.Nf4Of(options.Model),
            PicturesTogether = backend.PicturesTogether(shape.Vision, type),
            MergesRounded = options.MergesRounded(),
            Experts = options.Method == MoeLoraOptions.Key ? options.OptionsOf<MoeLoraOptions>().Experts : 0,
            Targets = AdapterTargets.Planned(options.Lora, options.Lora.From, shape.Names),
            FrozenRank = options.Method is OLoraOptions.Key or RegLoraOptions.Key ? FrozenRank(options) : 0,
            Shards = options.Training.OptimizerState == OptimizerState.Sharded ? options.Training.WorldSize : 1,
        };
    }

    /// <summary>What earlier tasks' LoRA has in the last stage, where every task has its own.</summary>
    private static int FrozenRank(ExperimentOptions options) =>
        ((options.Curriculum().Trained.Count - 1) * options.Lora.Rank) + GivenRank(options);

    private static int GivenRank(ExperimentOptions options)
    {
        using var given = options.Lora.From is { } path ? PeftWeights.Open(path, options.Lora.Alpha) : null;
        return given?.Config.Rank ?? 0;
    }

    private static List<MemoryPart> Device(
        MemorySettings settings,
        ExperimentOptions options,
        List<Stage> stages,
        string device,
        int evaluators
    )
    {
        var parts = new List<MemoryPart>();
        MicroBatchShape? worst = null;
        if (stages.Count > 0)
        {
            worst = stages.Select(stage => Worst(stage, settings, options)).MaxBy(batch => MemoryModel.Peak(settings, batch))!;
            parts.AddRange(MemoryModel.Resident(settings));
            parts.AddRange(MemoryModel.AtPeak(settings, worst));
        }
        else
        {
            parts.AddRange(MemoryModel.Resident(settings).TakeWhile(part => part.Name != MemoryModel.AdapterPart));
        }

        if (evaluators > 0)
        {
            var longest = Math.Min(
                options.Model.MaxLength,
                stages.Select(stage => Worst(stage, settings, options).Longest).DefaultIfEmpty(options.Model.MaxLength).Max()
            );
            var cache = options.Tasks.Max(task =>
                MemoryModel.KeyValueCache(
                    settings,
                    settings.Kernels
                        ? KernelDecodingBatch.Rows(options.Evaluation.BatchSize, longest + task.MaxNewTokens)
                        : options.Evaluation.BatchSize,
                    longest + task.MaxNewTokens
                )
            );
            parts.Add(
                new(
                    "evaluators beside: adapters or merged weights",
                    stages.Count > 0 ? evaluators * MemoryModel.EvaluatorWeights(settings) : 0
                )
            );
            parts.Add(
                new(
                    "evaluators beside: keys, values, pictures",
                    evaluators * (cache + MemoryModel.Vision(settings, options.Evaluation.BatchSize))
                )
            );
        }

        if (device == "cpu")
        {
            parts.Add(new("decoded pictures", Waiting(settings, options, stages)));
            if (worst is not null)
            {
                parts.AddRange(OnCpu(settings, worst));
            }
        }

        parts.Add(
            device == "cpu"
                ? new("program and libtorch", settings.Kernels ? ProgramOverheadOfKernels : ProgramOverhead)
                : new("CUDA context and workspaces (assumed)", CudaOverhead)
        );
        return parts;
    }

    /// <summary>What training takes on a CPU besides its tensors.</summary>
    private static IEnumerable<MemoryPart> OnCpu(MemorySettings settings, MicroBatchShape worst)
    {
        if (settings.Bytes < sizeof(float))
        {
            yield return new("oneDNN's packed matrices", MemoryModel.ShortNumberScratch(settings));
        }

        if (HeapPolicy.Allocator() == HeapPolicy.Malloc)
        {
            // What goes and comes in every step is what leaves gaps.
            var passing = MemoryModel.Peak(settings, worst);
            var gaps = (settings.Kernels, settings.Checkpointing) switch
            {
                (false, false) => GapsOfMalloc,
                (false, true) => GapsWithCheckpointing,
                (true, false) => GapsOfKernels,
                (true, true) => GapsOfKernelsWithCheckpointing,
            };
            yield return new("gaps in malloc's heap (tcmalloc leaves fewer)", (long)(passing * gaps));
        }
    }

    private static long Waiting(MemorySettings settings, ExperimentOptions options, List<Stage> stages) =>
        stages
            .Select(stage =>
                MemoryModel.Waiting(
                    settings,
                    options.Training.MicroBatchTokens is null
                        ? BatchSize(stage, options)
                        : MicroBatches(stage, settings.Shape, options).Max(batch => batch.Pictures)
                )
            )
            .DefaultIfEmpty(0)
            .Max();

    private static PlannedStage Describe(Stage stage, MemorySettings settings, ExperimentOptions options)
    {
        options = OfStage(stage, options);
        var batchSize = options.Training.BatchSize;
        var known = stage.Sizes is not null || options.Training.MaxSteps > 0;
        var schedule = known ? LearningRateSchedule.For(options.Training, batchSize, stage.Sizes?.Count ?? 0) : null;
        var accumulation = options.Training.GradientAccumulation;
        var mean = stage.Sizes is { Count: > 0 } sizes ? sizes.Average(size => size.Positions) : (double?)null;
        return new PlannedStage(
            stage.Name,
            stage.Sizes?.Count,
            schedule?.TotalSteps,
            schedule?.WarmupSteps,
            batchSize,
            accumulation,
            (long?)(mean * schedule?.TotalSteps * Math.Min(batchSize * accumulation, Math.Max(stage.Sizes?.Count ?? 0, batchSize))),
            Worst(stage, settings, options).Positions
        )
        {
            MicroBatches =
                options.Training.MicroBatchTokens is null || stage.Sizes is not { Count: > 0 }
                    ? null
                    : Cuts(stage, options).Average(step => step.Count),
        };
    }

    private static int BatchSize(Stage stage, ExperimentOptions options) => stage.BatchSize ?? options.Training.BatchSize;

    private static int Accumulation(Stage stage, ExperimentOptions options) => stage.Accumulation ?? options.Training.GradientAccumulation;

    /// <summary>With the stage's own numbers in the place of the experiment's.</summary>
    private static ExperimentOptions OfStage(Stage stage, ExperimentOptions options) =>
        options with
        {
            Training = options.Training with { BatchSize = BatchSize(stage, options), GradientAccumulation = Accumulation(stage, options) },
        };

    /// <summary>
    /// The very micro-batch of the stage that needs most memory; where the samples are unknown, one of the longest sequences.
    /// </summary>
    private static MicroBatchShape Worst(Stage stage, MemorySettings settings, ExperimentOptions options) =>
        MicroBatches(stage, settings.Shape, options).MaxBy(batch => MemoryModel.Peak(settings, batch))!;

    /// <summary>The stage's micro-batches; where the samples are unknown, one of the longest sequences.</summary>
    private static IEnumerable<MicroBatchShape> MicroBatches(Stage stage, ModelShape shape, ExperimentOptions options)
    {
        if (stage.Sizes is { Count: > 0 } sizes)
        {
            return Cuts(stage, options)
                .SelectMany(step => step.Select(cut => cut.Samples))
                .Select(batch => new MicroBatchShape(
                    batch.Count,
                    batch.Sum(i => (long)sizes[i].Positions),
                    batch.Max(i => sizes[i].Positions),
                    batch.Sum(i => (long)sizes[i].Labelled),
                    batch.Sum(i => (long)sizes[i].Pictures)
                ));
        }

        long longest = options.Model.MaxLength;
        var training = OfStage(stage, options).Training;
        var count = training.MicroBatchTokens is { } tokens
            ? StepCut.Fitting(Enumerable.Repeat(options.Model.MaxLength, SamplesOfShare(training)), tokens)
            : training.BatchSize;
        return [new MicroBatchShape(count, count * longest, longest, count * Math.Max(longest - shape.ImageTokens, 1), count)];
    }

    /// <summary>Micro-batches of the share of a step that has most.</summary>
    private static int MicroBatchesOfShare(Stage stage, ExperimentOptions options)
    {
        var training = OfStage(stage, options).Training;
        return training.MicroBatchTokens switch
        {
            null => (training.GradientAccumulation + training.WorldSize - 1) / training.WorldSize,
            { } when stage.Sizes is not null => Cuts(stage, options).Max(step => step.CountBy(cut => cut.Share).Max(share => share.Value)),
            { } tokens => (int)Math.Ceiling(SamplesOfShare(training) / (double)Math.Max(tokens / options.Model.MaxLength, 1)),
        };
    }

    private static int SamplesOfShare(TrainingOptions training) =>
        training.BatchSize * ((training.GradientAccumulation + training.WorldSize - 1) / training.WorldSize);

    /// <summary>The very micro-batches of the steps of a stage's first epoch; its samples are known.</summary>
    private static IEnumerable<IReadOnlyList<MicroBatchCut>> Cuts(Stage stage, ExperimentOptions options)
    {
        options = OfStage(stage, options);
        var (batchSize, sizes) = (options.Training.BatchSize, stage.Sizes!);
        var cut = new StepCut(DataOrder.For(options, stage.Number, batchSize, sizes), sizes, options.Training);
        var steps = Math.Min(
            LearningRateSchedule.For(options.Training, batchSize, sizes.Count).TotalSteps,
            LearningRateSchedule.StepsPerEpoch(options.Training, batchSize, sizes.Count)
        );
        return Enumerable.Range(0, Math.Max(steps, 1)).Select(cut.Of);
    }

    /// <summary>Changes that do not change what is learned come first, then those that do, then all that help together.</summary>
    private static List<PlannedRemedy> Remedies(
        ModelShape shape,
        ExperimentOptions options,
        List<Stage> stages,
        string device,
        int evaluators
    )
    {
        var remedies = new List<PlannedRemedy>();
        void Try(string keys, ExperimentOptions changed, List<Stage>? on = null) =>
            remedies.Add(
                new PlannedRemedy(
                    keys,
                    Device(Settings(shape, changed, device), changed, on ?? stages, device, evaluators).Sum(part => part.Bytes)
                )
            );

        var training = options.Training;
        var together = (Keys: new List<string>(), Options: options, Stages: stages);
        if (!training.GradientCheckpointing)
        {
            Try("training.gradient-checkpointing=true", options with { Training = training with { GradientCheckpointing = true } });
            together.Keys.Add("training.gradient-checkpointing=true");
            together.Options = together.Options with { Training = together.Options.Training with { GradientCheckpointing = true } };
        }

        if (training is { WorldSize: > 1, OptimizerState: OptimizerState.Whole })
        {
            Try("training.optimizer-state=sharded", options with { Training = training with { OptimizerState = OptimizerState.Sharded } });
            together.Keys.Add("training.optimizer-state=sharded");
            together.Options = together.Options with
            {
                Training = together.Options.Training with { OptimizerState = OptimizerState.Sharded },
            };
        }

        if (options.Model.Dtype == "float32")
        {
            Try("model.dtype=bfloat16", options with { Model = options.Model with { Dtype = "bfloat16" } });
            together.Keys.Add("model.dtype=bfloat16");
            together.Options = together.Options with { Model = together.Options.Model with { Dtype = "bfloat16" } };
        }

        if (options.Model.Quantization == BaseQuantization.None)
        {
            Try("model.quantization=nf4", options with { Model = options.Model with { Quantization = BaseQuantization.Nf4 } });
            together.Keys.Add("model.quantization=nf4");
            together.Options = together.Options with { Model = together.Options.Model with { Quantization = BaseQuantization.Nf4 } };
        }

        // As few at a time as the longest sample allows. What is learned stays, but for what dropout draws.
        var longest = stages.Max(stage => stage.Sizes?.Max(size => size.Positions) ?? options.Model.MaxLength);
        var budget = stages.Max(stage => Worst(stage, Settings(shape, options, device), options).Positions);
        if (longest < budget)
        {
            var tokens = FormattableString.Invariant($"training.micro-batch-tokens={longest}");
            Try(tokens, options with { Training = training with { MicroBatchTokens = longest } });
            if (training.MicroBatchTokens is not null)
            {
                together.Keys.Add(tokens);
                together.Options = together.Options with { Training = together.Options.Training with { MicroBatchTokens = longest } };
            }
        }

        // One sample at a time; a step keeps its number of samples. A budget of tokens has no use for it.
        var largest = stages.Max(stage => BatchSize(stage, options));
        if (largest > 1 && training.MicroBatchTokens is null)
        {
            var single = stages
                .Select(stage =>
                    stage with
                    {
                        BatchSize = 1,
                        Accumulation = stage is { BatchSize: null, Accumulation: null }
                            ? null
                            : BatchSize(stage, options) * Accumulation(stage, options),
                    }
                )
                .ToList();
            var accumulation = training.BatchSize * training.GradientAccumulation;
            var keys = string.Join(
                " ",
                single
                    .Where(stage => stage.Accumulation is not null)
                    .Select(stage =>
                        FormattableString.Invariant(
                            $"tasks.{stage.Name}.batch-size=1 tasks.{stage.Name}.gradient-accumulation={stage.Accumulation}"
                        )
                    )
                    .Prepend("training.batch-size=1")
                    .Append(FormattableString.Invariant($"training.gradient-accumulation={accumulation}"))
            );
            Try(keys, options with { Training = training with { BatchSize = 1, GradientAccumulation = accumulation } }, single);
            together = (
                [.. together.Keys, keys],
                together.Options with
                {
                    Training = together.Options.Training with { BatchSize = 1, GradientAccumulation = accumulation },
                },
                single
            );
        }

        if (options.Evaluation.BatchSize > 1 && evaluators > 0)
        {
            Try("evaluation.batch-size=1", options with { Evaluation = options.Evaluation with { BatchSize = 1 } });
            together.Keys.Add("evaluation.batch-size=1");
            together.Options = together.Options with { Evaluation = together.Options.Evaluation with { BatchSize = 1 } };
        }

        if (together.Keys.Count > 1)
        {
            Try(string.Join(" ", together.Keys), together.Options, together.Stages);
        }

        return remedies;
    }

    /// <param name="BatchSize">Of the single task that the stage learns, where it has its own.</param>
    /// <param name="Accumulation">The same of micro-batches per step.</param>
    private sealed record Stage(int Number, string Name, int? BatchSize, int? Accumulation, IReadOnlyList<SequenceSize>? Sizes);
}
