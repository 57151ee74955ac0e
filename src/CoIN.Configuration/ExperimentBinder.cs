using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Instructions;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Scoring;
using Microsoft.Extensions.Logging;

namespace CoIN.Configuration;

/// <summary>
/// Turns the <c>coin</c> section into the typed records: what their properties' names and attributes do not say stands here.
/// </summary>
internal static class ExperimentBinder
{
    private const int LargestBatch = 1_000_000;

    private static readonly Dictionary<string, LogLevel> Levels = new()
    {
        ["debug"] = LogLevel.Debug,
        ["info"] = LogLevel.Information,
        ["warning"] = LogLevel.Warning,
        ["error"] = LogLevel.Error,
    };

    /// <summary>Full names of the keys whose values are paths.</summary>
    /// <param name="methods">The methods there are; a program may have made some known.</param>
    public static IReadOnlySet<string> Paths(IReadOnlyCollection<IMethod> methods) =>
        OptionProperty
            .Paths(typeof(ExperimentOptions), "coin")
            .Concat(OptionProperty.Paths(typeof(NodeSettings), "coin.node"))
            .Concat(OptionProperty.Paths(typeof(ClusterSettings), "coin.cluster"))
            .Concat(PlacementBinder.Paths)
            .Concat(
                methods
                    .Where(method => method.Options is not null)
                    .SelectMany(method => OptionProperty.Paths(method.Options!, $"coin.{method.Key}"))
            )
            .ToHashSet(StringComparer.Ordinal);

    /// <param name="coin">The whole configuration; of its keys, <c>node</c> and <c>cluster</c> are left to <see cref="Node"/>.</param>
    /// <param name="needsModel">Whether a model must be named.</param>
    /// <param name="methods">The methods there are, each with a section of its own options if it has some.</param>
    public static ExperimentOptions Experiment(Section coin, bool needsModel, IReadOnlyCollection<IMethod> methods)
    {
        var binder = new RecordBinder();
        binder
            .Read<ExperimentOptions>(nameof(ExperimentOptions.Method), section =>
                section.OneOf("method", [.. methods.Select(method => method.Key)])
            )
            .Read<ExperimentOptions>(nameof(ExperimentOptions.Tasks), section => Tasks(section, binder))
            .Read<ExperimentOptions>(nameof(ExperimentOptions.Judge), section => JudgeBinder.Judge(section.Child("judge")))
            .Read<ExperimentOptions>(nameof(ExperimentOptions.MethodOptions), section => OwnOptions(section, binder, methods))
            .Read<TaskOptions>(nameof(TaskOptions.Folder), section =>
                section.Text("folder", section.Path[(section.Path.LastIndexOf('.') + 1)..])
            )
            .Read<DataOptions>(nameof(DataOptions.Instructions), Instructions)
            .Read<LoraOptions>(nameof(LoraOptions.Targets), section => section.IsList("targets") ? section.List("targets") : null)
            .Read<LoraOptions>(nameof(LoraOptions.TargetPattern), section =>
                section.IsList("targets") ? null : section.OptionalText("targets")
            )
            .Check<LoraOptions>(CheckTargets)
            .Check<DataOptions>(
                (section, data) =>
                    section.Require(
                        data.Validation < 1 || data.Validation == Math.Floor(data.Validation),
                        "validation",
                        data.Validation,
                        "a part of the training samples below 1, or their number"
                    )
            )
            .NullIsDefault<TaskOptions>()
            .Check<ExperimentOptions>(CheckWhole)
            .Check<TaskOptions>(CheckScorer)
            .Check<ModelOptions>((section, model) => CheckModel(section, model, needsModel))
            .Check<TrainingOptions>(CheckTraining);
        coin.Known("node");
        coin.Known("cluster");
        coin.Known("watch");
        return binder.Bind<ExperimentOptions>(coin);
    }

    public static string? Preparation(Section data) => data.OptionalText("prepare");

    /// <param name="coin">The whole configuration.</param>
    public static NodeSettings Node(Section coin)
    {
        var binder = new RecordBinder().Check<ClusterSettings>(NodeRules.Check).Check<WatchSettings>(NodeRules.Check);
        var cluster = binder.Bind<ClusterSettings>(coin.Child("cluster"));
        var watch = binder.Bind<WatchSettings>(coin.Child("watch"));
        binder
            .Read<NodeSettings>(nameof(NodeSettings.Placement), section => PlacementBinder.Placement(section, cluster.Certificates))
            .Read<NodeSettings>(nameof(NodeSettings.Cluster), _ => cluster)
            .Read<NodeSettings>(nameof(NodeSettings.Watch), _ => watch)
            .Read<NodeSettings>(nameof(NodeSettings.LogLevel), section => section.OneOf("log-level", Levels))
            .Check<NodeSettings>(NodeRules.Check);
        return binder.Bind<NodeSettings>(coin.Child("node"));
    }

    private static void CheckWhole(Section coin, ExperimentOptions options)
    {
        CheckName(coin, options);
        foreach (var task in options.Tasks)
        {
            CheckSteps(coin.Child("tasks").Child(task.Name), task, options.Training);
        }

        if (options.Method == MoeLoraOptions.Key && options.OptionsOf<MoeLoraOptions>().Experts is >= 1 and var experts)
        {
            coin.Child(MoeLoraOptions.Key)
                .Require(
                    options.Lora.Rank % experts == 0,
                    "experts",
                    experts,
                    $"a divisor of coin.lora.rank, {options.Lora.Rank}",
                    "The experts share the rank evenly."
                );
        }
    }

    private static void CheckTargets(Section section, LoraOptions lora) =>
        section.Require(
            lora.Targets is null or { Count: > 0 } && lora.Targets?.All(name => name.Length > 0) != false,
            "targets",
            "an empty list or name",
            "names of linear maps such as [q_proj, v_proj], a regular expression, all-linear or null",
            "Null is every linear map of the language model."
        );

    private static void CheckName(Section coin, ExperimentOptions options) =>
        coin.Require(
            options.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
                && options.Name.Length <= 60
                && !options.Name.StartsWith('.'),
            "name",
            $"'{options.Name}'",
            "at most 60 letters, digits, '-', '_' or '.', not beginning with '.'",
            "It becomes part of a folder's name."
        );

    /// <summary>
    /// Every method's section is read, so that a wrong key in it is told whatever the method; kept are the options of the one that is used.
    /// </summary>
    private static MethodOptions? OwnOptions(Section coin, RecordBinder binder, IReadOnlyCollection<IMethod> methods)
    {
        MethodOptions? kept = null;
        var used = coin.OneOf("method", [.. methods.Select(method => method.Key)]);
        foreach (var method in methods.Where(method => method.Options is not null))
        {
            var options = binder.Bind(method.Options!, coin.Child(method.Key));
            kept = method.Key == used ? MethodOptions.Of(method.Key, options) : kept;
        }

        return kept;
    }

    private static IReadOnlyList<TaskOptions> Tasks(Section coin, RecordBinder binder)
    {
        var section = coin.Child("tasks");
        var tasks = section.Keys.ToDictionary(name => name, name => binder.Bind<TaskOptions>(section.Child(name)) with { Name = name });
        var order = TaskOrders.Resolve(coin.List("order"));
        coin.Require(order.Count > 0, "order", "empty", "default, alphabetical or a list of tasks");
        foreach (var twice in order.GroupBy(name => name).Where(group => group.Count() > 1))
        {
            coin.Problem(
                "order",
                $"{coin.Key("order")} names the task {twice.Key} {twice.Count()} times{coin.From("order")}. Name every task once."
            );
        }

        foreach (var unknown in order.Where(name => !tasks.ContainsKey(name)).Distinct())
        {
            coin.Problem(
                "order",
                $"{coin.Key("order")} names the task {unknown}{coin.From("order")}, which is not defined; "
                    + $"{Nearest(unknown, order.Count == 1, tasks.Keys)}. Correct the name or define coin.tasks.{unknown}."
            );
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

    private static void CheckScorer(Section section, TaskOptions task) =>
        section.Require(
            Scorers.Keys.Contains(task.Scorer),
            "scorer",
            task.Scorer,
            string.Join(", ", Scorers.Keys),
            $"Nearest is {NearestName.Of(task.Scorer, Scorers.Keys)}."
        );

    /// <summary>The instructions folder; where a type is named, the folder of that type beside it.</summary>
    private static string Instructions(Section section)
    {
        section.Known("prepare");
        var path = section.RequiredPath("instructions", "/data/CoIN/Instructions_Original");
        if (section.OptionalText("instruction-type") is null)
        {
            return path;
        }

        var folder = InstructionTypes.FolderOf(section.OneOf("instruction-type", InstructionTypes.Names));
        return path.Length == 0 ? path : Path.Combine(Path.GetDirectoryName(path) ?? path, folder);
    }

    private static void CheckModel(Section section, ModelOptions model, bool needed)
    {
        ModelRules.CheckQuantization(section, model);
        if (needed || model is not { Path: "", Language: null, VisionTower: null, Projector: null })
        {
            ModelRules.Check(section, model);
        }
    }

    /// <summary>A task's own numbers of micro-batches and samples, beside those of the experiment.</summary>
    private static void CheckSteps(Section section, TaskOptions task, TrainingOptions training)
    {
        var (batch, accumulation) = (
            Math.Max(1, task.BatchSize ?? training.BatchSize),
            Math.Max(1, task.GradientAccumulation ?? training.GradientAccumulation)
        );
        section.Require(
            (task.BatchSize is null && task.GradientAccumulation is null) || (long)batch * accumulation <= LargestBatch,
            task.GradientAccumulation is null ? "batch-size" : "gradient-accumulation",
            task.GradientAccumulation ?? task.BatchSize ?? batch,
            $"so small that a step takes no more than {LargestBatch} samples (batch-size times gradient-accumulation)"
        );
        section.Require(
            task.GradientAccumulation is null || training.WorldSize <= accumulation,
            "gradient-accumulation",
            accumulation,
            $"at least training.world-size ({training.WorldSize}): each share of a step has a micro-batch at least"
        );
    }

    private static void CheckTraining(Section section, TrainingOptions training)
    {
        section.Require(
            (long)Math.Max(1, training.BatchSize) * Math.Max(1, training.GradientAccumulation) <= LargestBatch,
            "gradient-accumulation",
            training.GradientAccumulation,
            $"so small that a step takes no more than {LargestBatch} samples (batch-size times gradient-accumulation)"
        );

        section.Require(
            training.WorldSize <= Math.Max(1, training.GradientAccumulation),
            "world-size",
            training.WorldSize,
            $"at most training.gradient-accumulation ({training.GradientAccumulation}): each share of a step has a micro-batch at least. Halve batch-size and double gradient-accumulation for more"
        );

        // A learning rate that cannot be one has its own problem.
        section.Require(
            !(training.MinLr > training.LearningRate && training.LearningRate > 0),
            "min-lr",
            training.MinLr,
            "at most training.learning-rate, from which the cosine falls to it"
        );
        section.Require(
            training.MinLr is 0 || training.Schedule == Schedule.Cosine,
            "min-lr",
            training.MinLr,
            "0, as a constant schedule does not fall; or set training.schedule to cosine"
        );
    }
}
