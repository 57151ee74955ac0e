using System.ComponentModel;
using CoIN.Benchmark.Methods;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Experiments;

/// <summary>Learning-rate schedules of the Hugging Face trainer, by their names there.</summary>
public enum Schedule
{
    /// <summary>Linear warmup from 0, then half a cosine to 0.</summary>
    Cosine,

    /// <summary>Linear warmup from 0, then constant.</summary>
    Constant,
}

/// <summary>What an optimizer step's loss is the mean over.</summary>
public enum LossMean
{
    /// <summary>Over micro-batches, of the means over their labelled tokens, as the Hugging Face trainer does up to version 4.45.</summary>
    MicroBatchMean,

    /// <summary>Over all labelled tokens of the step, however they are shared out among micro-batches.</summary>
    TokenMean,
}

/// <summary>Where the optimizer's state of a stage is that several trainers do.</summary>
public enum OptimizerState
{
    /// <summary>With the first trainer, which makes the whole update.</summary>
    Whole,

    /// <summary>
    /// Each trainer keeps the moments of a part of the parameters, and updates that part (ZeRO stage 1; Rajbhandari et al. 2020).
    /// </summary>
    Sharded,
}

/// <summary>What becomes of a stage that has fewer trainers than shares.</summary>
public enum LostTrainer
{
    /// <summary>Those that are left do the shares of the others too.</summary>
    Continue,

    /// <summary>It waits until there are enough.</summary>
    Wait,
}

/// <summary>Which of a task's test samples are asked where not all are.</summary>
public enum TestSubset
{
    /// <summary>The first ones of the file.</summary>
    First,

    /// <summary>Drawn by the experiment's seed; fewer are contained in more.</summary>
    Seeded,
}

/// <summary>How test questions are put.</summary>
public enum PromptKind
{
    /// <summary>As the model was trained.</summary>
    Trained,

    /// <summary>As the reference's evaluation code does, where that differs.</summary>
    Reference,
}

/// <summary>Which adapters answer as part of the weights instead of beside them, as far as their kind can be folded in.</summary>
public enum AdapterMerging
{
    /// <summary>Where nothing is lost: in float32.</summary>
    Exact,

    /// <summary>In shorter types too, where the sum is rounded to the type of the weights. Never in four bits.</summary>
    Rounded,
}

/// <summary>What becomes of samples whose image is missing or cannot be decoded.</summary>
public enum BadSamples
{
    /// <summary>The run ends at them.</summary>
    Fail,

    /// <summary>They are found before the run begins, left out, and named in its reports.</summary>
    Skip,
}

/// <summary>How the language model's frozen linear maps are held.</summary>
public enum BaseQuantization
{
    /// <summary>As they are, in <see cref="ModelOptions.Dtype"/>.</summary>
    None,

    /// <summary>In four bits each, NormalFloat (QLoRA, Dettmers et al. 2023), as bitsandbytes does it.</summary>
    Nf4,
}

/// <summary>By what a run knows that its images are still those with which it began.</summary>
public enum ImageIdentity
{
    /// <summary>Each file's size and the time of its last change, in whole seconds.</summary>
    SizeAndTime,

    /// <summary>SHA-256 of each file.</summary>
    Sha256,
}

/// <summary>
/// One experiment: everything that decides its numbers. Persisted with the run, so that a resume needs no configuration file.
/// </summary>
public sealed record ExperimentOptions
{
    private const int UsualRestarts = 5;

    /// <summary>A short name for people; it becomes part of the run id.</summary>
    [Example("my-experiment")]
    public required string Name { get; init; }

    /// <summary>How the tasks are learned: the key of one of the <see cref="LearningMethods"/>.</summary>
    [JsonConverter(typeof(MethodKeyConverter))]
    public string Method { get; init; } = SequentialLora.Name;

    /// <summary>The seed of data order, adapter initialisation and dropout.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>Work of runs with a higher one is begun first, where several share devices. It changes no result.</summary>
    [Bounds(AtLeast = -1000, AtMost = 1000)]
    [JsonProperty(DefaultValueHandling = DefaultValueHandling.Ignore)]
    public int Priority { get; init; }

    /// <summary>
    /// How often in a row a piece of work may break off, its workers or their connections lost, before the run ends. Counted anew whenever
    /// it comes further: a stage by a checkpoint. It changes no result.
    /// </summary>
    [Bounds(AtLeast = 0, AtMost = 1000)]
    [DefaultValue(UsualRestarts)]
    [JsonProperty(DefaultValueHandling = DefaultValueHandling.IgnoreAndPopulate)]
    public int MaxRestarts { get; init; } = UsualRestarts;

    /// <summary>The tasks in the order in which they are learned.</summary>
    public required IReadOnlyList<TaskOptions> Tasks { get; init; }

    public required DataOptions Data { get; init; }

    public required ModelOptions Model { get; init; }

    public LoraOptions Lora { get; init; } = new();

    public TrainingOptions Training { get; init; } = new();

    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Who gives marks for Reasoning Capability; null for nobody.</summary>
    public JudgeOptions? Judge { get; init; }

    /// <summary>What the method has for options of its own; null where it has none, and in runs that are older than them.</summary>
    [NoKey("The section of the method's key.")]
    public MethodOptions? MethodOptions { get; init; }

    /// <summary>The method's own options; the record's defaults where none were written down.</summary>
    /// <typeparam name="T">The record that <see cref="IMethod.Options"/> names.</typeparam>
    public T OptionsOf<T>()
        where T : class, new() => MethodOptions?.Get<T>(Method) ?? new T();

    /// <summary>Training samples that the method takes of every task that it has learned; 0 for none.</summary>
    /// <exception cref="CoinException">There is no such method.</exception>
    public int SamplesOfEachTask() =>
        LearningMethods.Known.Of(Method).Options is { } record && record.IsAssignableTo(typeof(ITakesSamples))
            ? ((ITakesSamples)(MethodOptions?.Get(Method, record) ?? Activator.CreateInstance(record)!)).OfEachTask
            : 0;

    /// <summary>
    /// Whether adapters answer folded into weights of a short type, as <see cref="AdapterMerging.Rounded"/> wishes: MoELoRA is never folded in,
    /// nor is anything into four bits.
    /// </summary>
    public bool MergesRounded() =>
        Evaluation.MergeAdapter == AdapterMerging.Rounded
        && Model.Dtype != "float32"
        && Model.Quantization == BaseQuantization.None
        && Method != MoeLoraOptions.Key;

    /// <summary>What is trained and tested, stage by stage.</summary>
    /// <exception cref="CoinException">There is no such method.</exception>
    public Curriculum Curriculum() => LearningMethods.Known.Of(Method).Curriculum([.. Tasks.Select(task => task.Name)]);

    /// <summary>Samples per micro-batch of a stage: its single task's own number, else the experiment's.</summary>
    public int BatchSizeOf(StageSpec stage) => (stage.Learns.Count == 1 ? Tasks[stage.Learns[0]].BatchSize : null) ?? Training.BatchSize;

    /// <summary>Micro-batches per optimizer step of a stage: its single task's own number, else the experiment's.</summary>
    public int AccumulationOf(StageSpec stage) =>
        (stage.Learns.Count == 1 ? Tasks[stage.Learns[0]].GradientAccumulation : null) ?? Training.GradientAccumulation;
}

/// <summary>One task: a folder of samples, and the rule by which its answers are scored.</summary>
public sealed record TaskOptions
{
    /// <summary>The paper's name, e.g. <c>OCR-VQA</c>.</summary>
    [NoKey("The name of the section.")]
    public required string Name { get; init; }

    /// <summary>Folder below the instructions folder, e.g. <c>OCRVQA</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>File of training samples in <see cref="Folder"/>.</summary>
    public string TrainFile { get; init; } = "train.json";

    /// <summary>File of test samples in <see cref="Folder"/>.</summary>
    public string TestFile { get; init; } = "test.json";

    /// <summary>
    /// File in <see cref="Folder"/> of samples like those of <see cref="TrainFile"/> whose loss is taken at every checkpoint, in the place
    /// of held-out ones (<see cref="DataOptions.Validation"/>); null for none.
    /// </summary>
    public string? ValidationFile { get; init; }

    /// <summary>
    /// File in <see cref="Folder"/> with all reference captions of the test images, in COCO's form; null where the test file has all
    /// answers.
    /// </summary>
    public string? ReferencesFile { get; init; }

    /// <summary>Folder below the image root to which the training samples' image paths are relative; null for the root itself.</summary>
    public string? TrainImages { get; init; }

    /// <summary>Folder below the image root to which the test samples' image paths are relative; null for the root itself.</summary>
    public string? TestImages { get; init; }

    /// <summary>Key of the Truth Alignment scorer, e.g. <c>scienceqa</c>.</summary>
    [Example("vqav2")]
    public required string Scorer { get; init; }

    /// <summary>Longest answer, in tokens.</summary>
    [Bounds(AtLeast = 1)]
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>Samples per micro-batch in training; null for <see cref="TrainingOptions.BatchSize"/>.</summary>
    [Bounds(AtLeast = 1, Null = "coin.training.batch-size")]
    public int? BatchSize { get; init; }

    /// <summary>Micro-batches per optimizer step in training; null for <see cref="TrainingOptions.GradientAccumulation"/>.</summary>
    [Bounds(AtLeast = 1, Null = "coin.training.gradient-accumulation")]
    public int? GradientAccumulation { get; init; }
}

/// <summary>Where samples and images are.</summary>
public sealed record DataOptions
{
    /// <summary>The folder that holds one folder per task (CoIN's <c>Instructions_Original</c>).</summary>
    [PathOption]
    public required string Instructions { get; init; }

    /// <summary>The folder to which the image paths of the samples are relative.</summary>
    [PathOption]
    [Example("/data/CoIN")]
    public required string Images { get; init; }

    /// <summary>At most so many training samples per task, drawn by the seed; 0 for all.</summary>
    [Bounds(AtLeast = 0, Zero = "all")]
    public int MaxTrainSamples { get; init; }

    /// <summary>At most so many test samples per task; 0 for all.</summary>
    [Bounds(AtLeast = 0, Zero = "all")]
    public int MaxTestSamples { get; init; }

    /// <summary>
    /// Part of each training set, greater than 0 and at most 1, drawn by the seed: a smaller volume is contained in every larger one.
    /// </summary>
    [Bounds(Above = 0, AtMost = 1)]
    public double Volume { get; init; } = 1;

    /// <summary>
    /// Training samples of each task that are held out of training for a loss at every checkpoint: a part of them below 1, their number
    /// from 1 on; 0 for none. Drawn by the seed of what <see cref="Volume"/> and <see cref="MaxTrainSamples"/> leave.
    /// </summary>
    [Bounds(AtLeast = 0, Zero = "none")]
    public double Validation { get; init; }

    /// <summary>Which test samples <see cref="MaxTestSamples"/> leaves.</summary>
    public TestSubset TestSubset { get; init; } = TestSubset.First;

    /// <summary>What becomes of samples whose image cannot be used.</summary>
    public BadSamples BadSamples { get; init; } = BadSamples.Fail;

    /// <summary>By what images are known again at a resume.</summary>
    public ImageIdentity ImageIdentity { get; init; } = ImageIdentity.SizeAndTime;

    /// <summary>The images whose samples are left out, found when the run began; null where nobody has looked.</summary>
    [NoKey("What the run found in its images.")]
    public IReadOnlyList<string>? SkippedImages { get; init; }
}

/// <summary>The base model.</summary>
public sealed record ModelOptions
{
    /// <summary>
    /// A folder with the whole model: Hugging Face's layout, LLaVA's own (which needs <see cref="VisionTower"/> too), or one that holds
    /// CoIN's parts as <c>llama</c>, <c>clip</c> and <c>mm_projector</c>. Empty where the parts are named one by one.
    /// </summary>
    [PathOption]
    public string Path { get; init; } = "";

    /// <summary>Folder of the language model (Vicuna), where the model consists of parts.</summary>
    [PathOption]
    public string? Language { get; init; }

    /// <summary>Folder of the CLIP vision tower, where it is a folder of its own; MiniGPT-v2's is a file.</summary>
    [PathOption]
    public string? VisionTower { get; init; }

    /// <summary>File of the projector, where the model consists of parts; MiniGPT-v2's is that of a stage.</summary>
    [PathOption]
    public string? Projector { get; init; }

    /// <summary>Name of a conversation template; null for the family's own.</summary>
    public string? Conversation { get; init; }

    /// <summary>float32, bfloat16 or float16: the type in which the frozen weights are held.</summary>
    [OneOf("float32", "bfloat16", "float16")]
    public string Dtype { get; init; } = "float32";

    /// <summary>
    /// How the frozen linear maps of the language model's layers are held; they are computed in <see cref="Dtype"/>. All else (embeddings,
    /// norms, head, vision tower, projector) is held in that type.
    /// </summary>
    public BaseQuantization Quantization { get; init; } = BaseQuantization.None;

    /// <summary>Numbers that share a scale: 64 to 4,096, a power of two.</summary>
    public int QuantizationBlockSize { get; init; } = 64;

    /// <summary>Whether the scales are held in eight bits themselves.</summary>
    public bool DoubleQuantization { get; init; } = true;

    /// <summary>Longest sequence in tokens, image tokens included; longer training samples are cut.</summary>
    [Bounds(AtLeast = 1)]
    public int MaxLength { get; init; } = 2048;

    /// <summary>
    /// Most pixels of a picture, for models whose pictures keep their size (Qwen2.5-VL); larger ones are made smaller. Null for what the
    /// model's files say.
    /// </summary>
    [Bounds(AtLeast = 1)]
    public int? MaxPixels { get; init; }

    /// <summary>The model for people: its folder, or that of its language model.</summary>
    public string Name() => Path.Length > 0 ? Path : Language ?? "";
}

/// <summary>Low-rank adapters on linear layers of the language model (Hu et al. 2021).</summary>
public sealed record LoraOptions
{
    /// <summary>Rank r.</summary>
    [Bounds(AtLeast = 1, AtMost = 65536)]
    public int Rank { get; init; } = 128;

    /// <summary>α; the update is scaled by α / r.</summary>
    [Bounds(Above = 0, AtMost = 1e6, Remedy = "The paper uses twice the rank.")]
    public double Alpha { get; init; } = 256;

    /// <summary>Probability with which an input of the low-rank path is zeroed in training.</summary>
    [Bounds(AtLeast = 0, Below = 1)]
    public double Dropout { get; init; } = 0.05;

    /// <summary>
    /// Folder of an adapter in PEFT's format, or file of a MiniGPT-v2 stage, with which the first stage begins; null for a fresh one, or
    /// for the one that the model's own files hold.
    /// </summary>
    [PathOption]
    public string? From { get; init; }

    /// <summary>Whether the projector between vision tower and language model is trained too, as CoIN does.</summary>
    public bool TrainProjector { get; init; } = true;

    /// <summary>
    /// Which linear maps of the language model are adapted: names or their ends, e.g. <c>q_proj</c>. Null where
    /// <see cref="TargetPattern"/> says it; if that is null too, those of the adapter <see cref="From"/>, or all.
    /// </summary>
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>The same as a regular expression for whole names, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    [NoKey("A text under lora.targets.")]
    public string? TargetPattern { get; init; }
}

/// <summary>One stage's optimization. Optimizer and schedule start afresh in every stage.</summary>
public sealed record TrainingOptions
{
    [Bounds(Above = 0, AtMost = 1000)]
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Learning rate of the projector; null for <see cref="LearningRate"/>, which is what CoIN's code really does.</summary>
    [Bounds(AtLeast = 0, AtMost = 1000, Null = "coin.training.learning-rate")]
    public double? ProjectorLearningRate { get; init; }

    public Schedule Schedule { get; init; } = Schedule.Cosine;

    /// <summary>
    /// Where <see cref="Schedule.Cosine"/> ends, at most <see cref="LearningRate"/>; the projector's rate ends at the same part of its
    /// highest.
    /// </summary>
    [Bounds(AtLeast = 0, AtMost = 1000)]
    public double MinLr { get; init; }

    /// <summary>How the labelled tokens of a step weigh.</summary>
    public LossMean Loss { get; init; } = LossMean.MicroBatchMean;

    /// <summary>Part of all steps in which the rate rises linearly from 0; the number of steps is rounded up.</summary>
    [Bounds(AtLeast = 0, AtMost = 1)]
    public double WarmupRatio { get; init; } = 0.03;

    [Bounds(AtLeast = 0, AtMost = 1000)]
    public double WeightDecay { get; init; }

    [Bounds(AtLeast = 0, Below = 1)]
    public double Beta1 { get; init; } = 0.9;

    [Bounds(AtLeast = 0, Below = 1)]
    public double Beta2 { get; init; } = 0.999;

    [Bounds(Above = 0, AtMost = 1)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Gradients are scaled down to this 2-norm; 0 for never.</summary>
    [Bounds(AtLeast = 0, Zero = "no clipping")]
    public double MaxGradNorm { get; init; } = 1.0;

    /// <summary>Samples per micro-batch.</summary>
    [Bounds(AtLeast = 1)]
    public int BatchSize { get; init; } = 16;

    /// <summary>Micro-batches per optimizer step.</summary>
    [Bounds(AtLeast = 1)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Most sequence positions (text and image) of a micro-batch: a step's samples are then put together by length instead of by number. A
    /// longer sample is a micro-batch by itself. Null for micro-batches of <see cref="BatchSize"/> samples. Changes last bits, and which
    /// inputs dropout zeroes.
    /// </summary>
    [Bounds(AtLeast = 1, Null = "micro-batches of batch-size samples")]
    public int? MicroBatchTokens { get; init; }

    /// <summary>
    /// Shares of a step whose gradients are computed apart, by so many trainers where they can be had, and added in the shares' order. At
    /// most <see cref="GradientAccumulation"/>: a share is of whole micro-batches. Another number gives other last bits; another number of
    /// trainers does not.
    /// </summary>
    [Bounds(AtLeast = 1)]
    public int WorldSize { get; init; } = 1;

    /// <summary>What becomes of a stage that has fewer trainers than <see cref="WorldSize"/>. Changes no number.</summary>
    public LostTrainer OnLostTrainer { get; init; } = LostTrainer.Continue;

    /// <summary>Who keeps AdamW's moments, where several trainers do a stage. Changes no number.</summary>
    public OptimizerState OptimizerState { get; init; } = OptimizerState.Whole;

    /// <summary>
    /// Compute each layer again for its gradients instead of keeping its activations: less memory, about a third more time, the same bits.
    /// </summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>
    /// Put samples of one modality into each step and share its positions out evenly among its micro-batches, as LLaVA's sampler does.
    /// </summary>
    public bool GroupByLength { get; init; }

    [Bounds(Above = 0, AtMost = 1000)]
    public double Epochs { get; init; } = 1;

    /// <summary>Stop a stage after so many optimizer steps; 0 for the epochs' own number. The schedule ends there too.</summary>
    [Bounds(AtLeast = 0, Zero = "the epochs' own number")]
    public int MaxSteps { get; init; }

    /// <summary>A checkpoint every so many optimizer steps; 0 for none within a stage.</summary>
    [Bounds(AtLeast = 0, Zero = "none")]
    public int CheckpointEvery { get; init; } = 500;
}

/// <summary>How the test sets are answered.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Prompts per generation batch.</summary>
    [Bounds(AtLeast = 1)]
    public int BatchSize { get; init; } = 16;

    /// <summary>Test samples per shard: what one evaluator answers as one resumable piece of work.</summary>
    [Bounds(AtLeast = 1)]
    public int ShardSize { get; init; } = 1000;

    /// <summary>How the questions are put.</summary>
    public PromptKind Prompt { get; init; } = PromptKind.Trained;

    /// <summary>
    /// α with which adapters answer, whatever they were trained with: CoIN's MiniGPT-v2 is trained with 256 and evaluated with 16; null for
    /// their own.
    /// </summary>
    [Bounds(Above = 0, AtMost = 1e6, Null = "that of the training")]
    public double? LoraAlpha { get; init; }

    /// <summary>Which adapters are folded into a copy of the weights to answer.</summary>
    public AdapterMerging MergeAdapter { get; init; } = AdapterMerging.Exact;

    /// <summary>Memory for the features of test pictures on each device, in MiB; 0 to compute them anew each time.</summary>
    [Bounds(AtLeast = 0)]
    public int FeatureCache { get; init; } = 1024;
}
