using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Scoring;
using Microsoft.Extensions.Logging;

namespace CoIN.Configuration;

/// <summary>Turns the <c>coin</c> section into the typed records and notes values that cannot be.</summary>
internal static class ExperimentBinder
{
    private static readonly Dictionary<string, Schedule> Schedules = new()
    {
        ["cosine"] = Schedule.Cosine, ["constant"] = Schedule.Constant,
    };

    private static readonly Dictionary<string, TestSubset> TestSubsets = new()
    {
        ["first"] = TestSubset.First, ["seeded"] = TestSubset.Seeded,
    };

    private static readonly Dictionary<string, BadSamples> BadSampleRules = new()
    {
        ["fail"] = BadSamples.Fail, ["skip"] = BadSamples.Skip,
    };

    private static readonly Dictionary<string, ImageIdentity> ImageIdentities = new()
    {
        ["size-and-time"] = ImageIdentity.SizeAndTime, ["sha256"] = ImageIdentity.Sha256,
    };

    private static readonly Dictionary<string, LogLevel> Levels = new()
    {
        ["debug"] = LogLevel.Debug, ["info"] = LogLevel.Information, ["warning"] = LogLevel.Warning, ["error"] = LogLevel.Error,
    };

    public static ExperimentOptions Experiment(Section coin, bool needsModel = true) => new()
    {
        Name = Name(coin),
        Method = coin.OneOf("method", LearningMethods.Keys),
        Seed = coin.Int("seed"),
        Tasks = Tasks(coin),
        Data = Data(coin.Child("data")),
        Model = Model(coin.Child("model"), needsModel),
        Lora = Lora(coin.Child("lora")),
        Training = Training(coin.Child("training")),
        Evaluation = Evaluation(coin.Child("evaluation")),
        Judge = JudgeBinder.Judge(coin.Child("judge")),
    };

    public static string? Preparation(Section data) => data.OptionalText("prepare");

    public static NodeSettings Node(Section node)
    {
        var settings = new NodeSettings
        {
            Devices = node.List("devices"),
            TrainerThreads = node.Int("trainer-threads"),
            EvaluatorsPerDevice = node.Int("evaluators-per-device"),
            EvaluatorThreads = node.Int("evaluator-threads"),
            Judges = node.Int("judges"),
            Placement = PlacementBinder.Placement(node),
            Roles = node.List("roles"),
            Runs = node.OptionalPath("runs") ?? "",
            LogLevel = node.OneOf("log-level", Levels),
        };
        node.NoOtherKeys();
        NodeRules.Check(node, settings);
        return settings;
    }

    private static string Name(Section coin)
    {
        var name = coin.Text("name", "my-experiment");
        coin.Require(name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && name.Length <= 60 && !name.StartsWith('.'),
            "name", $"'{name}'", "at most 60 letters, digits, '-', '_' or '.', not beginning with '.'", "It becomes part of a folder's name.");
        return name;
    }

    private static IReadOnlyList<TaskOptions> Tasks(Section coin)
    {
        var section = coin.Child("tasks");
        var tasks = section.Keys.ToDictionary(name => name, name => Task(name, section.Child(name)));
        var order = TaskOrders.Resolve(coin.List("order"));
        coin.Require(order.Count > 0, "order", "empty", "default, alphabetical or a list of tasks");
        foreach (var twice in order.GroupBy(name => name).Where(group => group.Count() > 1))
        {
            coin.Problem("order", $"{coin.Key("order")} names the task {twice.Key} {twice.Count()} times{coin.From("order")}. Name every task once.");
        }

        foreach (var unknown in order.Where(name => !tasks.ContainsKey(name)).Distinct())
        {
            coin.Problem("order", $"{coin.Key("order")} names the task {unknown}{coin.From("order")}, which is not defined; "
                + $"{Nearest(unknown, order.Count == 1, tasks.Keys)}. Correct the name or define coin.tasks.{unknown}.");
        }

        return [.. order.Distinct().Where(tasks.ContainsKey).Select(name => tasks[name])];
    }

    /// <summary>The nearest task; where one word stands by itself, it may be meant for an order as well.</summary>
    private static string Nearest(string unknown, bool alone, IEnumerable<string> tasks)
    {
        var orders = alone ? TaskOrders.Names : [];
        var nearest = NearestName.Of(unknown, tasks.Concat(orders));
        return orders.Contains(nearest) ? $"the nearest known order is {nearest}" : $"the nearest known task is {nearest}";
    }

    private static TaskOptions Task(string name, Section section)
    {
        // A task of the user's own may leave out what the record has a default for.
        var defaults = new TaskOptions { Name = name, Folder = "", Scorer = "" };
        var task = new TaskOptions
        {
            Name = name,
            Folder = section.Text("folder", name),
            TrainFile = section.OptionalText("train-file") ?? defaults.TrainFile,
            TestFile = section.OptionalText("test-file") ?? defaults.TestFile,
            Scorer = section.Text("scorer", "vqav2"),
            MaxNewTokens = section.OptionalInt("max-new-tokens") ?? defaults.MaxNewTokens,
            BatchSize = section.OptionalInt("batch-size"),
        };
        section.NoOtherKeys();
        section.Require(
            Scorers.Keys.Contains(task.Scorer), "scorer", task.Scorer, string.Join(", ", Scorers.Keys),
            $"Nearest is {NearestName.Of(task.Scorer, Scorers.Keys)}.");
        section.Require(task.MaxNewTokens >= 1, "max-new-tokens", task.MaxNewTokens, "1 or more");
        section.Require(task.BatchSize is null or >= 1, "batch-size", task.BatchSize ?? 0, "1 or more, or null for coin.training.batch-size");
        return task;
    }

    private static DataOptions Data(Section section)
    {
        _ = Preparation(section);
        var data = new DataOptions
        {
            Instructions = Instructions(section),
            Images = section.RequiredPath("images", "/data/CoIN"),
            MaxTrainSamples = section.Int("max-train-samples"),
            MaxTestSamples = section.Int("max-test-samples"),
            Volume = section.Double("volume"),
            TestSubset = section.OneOf("test-subset", TestSubsets),
            BadSamples = section.OneOf("bad-samples", BadSampleRules),
            ImageIdentity = section.OneOf("image-identity", ImageIdentities),
        };
        section.NoOtherKeys();
        section.Require(data.MaxTrainSamples >= 0, "max-train-samples", data.MaxTrainSamples, "0 (all) or more");
        section.Require(data.MaxTestSamples >= 0, "max-test-samples", data.MaxTestSamples, "0 (all) or more");
        section.Require(data.Volume is > 0 and <= 1, "volume", data.Volume, "greater than 0 and at most 1");
        return data;
    }

    /// <summary>The instructions folder; where a type is named, the folder of that type beside it.</summary>
    private static string Instructions(Section section)
    {
        var path = section.RequiredPath("instructions", "/data/CoIN/Instructions_Original");
        if (section.OptionalText("instruction-type") is null)
        {
            return path;
        }

        var folder = InstructionTypes.FolderOf(section.OneOf("instruction-type", InstructionTypes.Names));
        return path.Length == 0 ? path : Path.Combine(Path.GetDirectoryName(path) ?? path, folder);
    }

    private static ModelOptions Model(Section section, bool needed)
    {
        var model = new ModelOptions
        {
            Path = section.OptionalPath("path") ?? "",
            Language = section.OptionalPath("language"),
            VisionTower = section.OptionalPath("vision-tower"),
            Projector = section.OptionalPath("projector"),
            Conversation = section.Text("conversation", "vicuna_v1"),
            Dtype = section.Text("dtype", "bfloat16"),
            MaxLength = section.Int("max-length"),
        };
        section.NoOtherKeys();
        if (needed || model is not { Path: "", Language: null, VisionTower: null, Projector: null })
        {
            ModelRules.Check(section, model);
        }

        section.Require(model.Dtype is "float32" or "bfloat16" or "float16" or "", "dtype", model.Dtype, "float32, bfloat16 or float16");
        section.Require(model.MaxLength >= 1, "max-length", model.MaxLength, "1 or more");
        return model;
    }

    private static LoraOptions Lora(Section section)
    {
        var lora = new LoraOptions
        {
            Rank = section.Int("rank"),
            Alpha = section.Double("alpha"),
            Dropout = section.Double("dropout"),
            From = section.OptionalPath("from"),
            TrainProjector = section.Bool("train-projector"),
        };
        section.NoOtherKeys();
        section.Require(lora.Rank is >= 1 and <= 65536, "rank", lora.Rank, "between 1 and 65536");
        section.Require(lora.Alpha is > 0 and <= 1e6, "alpha", lora.Alpha, "greater than 0 and at most 1000000", "The paper uses twice the rank.");
        section.Require(lora.Dropout is >= 0 and < 1, "dropout", lora.Dropout, "at least 0 and less than 1");
        return lora;
    }

    private static TrainingOptions Training(Section section)
    {
        var training = new TrainingOptions
        {
            LearningRate = section.Double("learning-rate"),
            ProjectorLearningRate = section.OptionalDouble("projector-learning-rate"),
            Schedule = section.OneOf("schedule", Schedules),
            WarmupRatio = section.Double("warmup-ratio"),
            WeightDecay = section.Double("weight-decay"),
            Beta1 = section.Double("beta1"),
            Beta2 = section.Double("beta2"),
            Epsilon = section.Double("epsilon"),
            MaxGradNorm = section.Double("max-grad-norm"),
            BatchSize = section.Int("batch-size"),
            GradientAccumulation = section.Int("gradient-accumulation"),
            GradientCheckpointing = section.Bool("gradient-checkpointing"),
            GroupByLength = section.Bool("group-by-length"),
            Epochs = section.Double("epochs"),
            MaxSteps = section.Int("max-steps"),
            CheckpointEvery = section.Int("checkpoint-every"),
        };
        section.NoOtherKeys();
        TrainingRules.Check(section, training);
        return training;
    }

    private static EvaluationOptions Evaluation(Section section)
    {
        var evaluation = new EvaluationOptions { BatchSize = section.Int("batch-size"), ShardSize = section.Int("shard-size"), FeatureCache = section.Int("feature-cache") };
        section.NoOtherKeys();
        section.Require(evaluation.BatchSize >= 1, "batch-size", evaluation.BatchSize, "1 or more");
        section.Require(evaluation.ShardSize >= 1, "shard-size", evaluation.ShardSize, "1 or more");
        section.Require(evaluation.FeatureCache >= 0, "feature-cache", evaluation.FeatureCache, "0 or more");
        return evaluation;
    }
}
