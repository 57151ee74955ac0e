using System.Reflection;
using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

public sealed class ReferenceTests
{
    /// <summary>Keys that set no property of their name: they are read together, or by the commands.</summary>
    private static readonly string[] KeysWithoutProperty =
    [
        "coin.order",
        "coin.data.prepare",
        "coin.data.instruction-type",
        "coin.node.cluster",
        "coin.node.hostname",
        "coin.node.port",
        "coin.node.seed-nodes",
        "coin.node.certificate.path",
        "coin.node.certificate.password-env",
        "coin.node.certificate.authority",
    ];

    [Fact]
    public void Every_property_of_a_record_has_a_key_with_a_default_and_every_key_a_property()
    {
        var wanted = Keys("coin", typeof(ExperimentOptions))
            .Concat(Keys("coin.node", typeof(NodeSettings)))
            .Concat(Keys("coin.cluster", typeof(ClusterSettings)))
            .Concat(Keys("coin.watch", typeof(WatchSettings)))
            .Concat(
                LearningMethods
                    .Known.All.Where(method => method.Options is not null)
                    .SelectMany(method => Keys($"coin.{method.Key}", method.Options!))
            )
            .Concat(KeysWithoutProperty);

        Assert.Equal(wanted.Order(StringComparer.Ordinal), ConfigurationReference.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_no_key_sets_says_what_does() =>
        Assert.Equal(
            ["Cluster", "MethodOptions", "Name", "Placement", "SkippedImages", "TargetPattern", "Watch"],
            new[]
            {
                typeof(ExperimentOptions),
                typeof(TaskOptions),
                typeof(DataOptions),
                typeof(ModelOptions),
                typeof(LoraOptions),
                typeof(TrainingOptions),
                typeof(EvaluationOptions),
                typeof(JudgeOptions),
                typeof(NodeSettings),
            }
                .SelectMany(Properties)
                .Where(property => property.GetCustomAttribute<NoKeyAttribute>() is { Because.Length: > 0 })
                .Select(property => property.Name)
                .Order()
        );

    [Fact]
    public void Paths_are_known_for_the_whole_configuration_that_is_kept_with_a_run() =>
        Assert.Equal(
            [
                "coin.cluster.certificates",
                "coin.data.images",
                "coin.data.instructions",
                "coin.judge.path",
                "coin.lora.from",
                "coin.model.language",
                "coin.model.path",
                "coin.model.projector",
                "coin.model.vision-tower",
                "coin.node.certificate.authority",
                "coin.node.certificate.path",
                "coin.node.runs",
            ],
            ExperimentBinder.Paths(LearningMethods.Known.All).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Every_key_of_the_reference_is_bound_for_a_key_nobody_reads_is_an_error()
    {
        using var folder = new TemporaryFolder();

        var loaded = ConfigurationLoader.Load([], folder.Complete(), folder.Path);

        Assert.Equal("coin", loaded.Options.Name);
    }

    [Fact]
    public void The_defaults_of_the_reference_are_those_of_the_records()
    {
        using var folder = new TemporaryFolder();

        var loaded = ConfigurationLoader.Load([], [.. folder.Complete(), "judge.kind=lexical"], folder.Path);

        var (data, model, judge) = (loaded.Options.Data, loaded.Options.Model, loaded.Options.Judge!);
        Assert.Equal(new DataOptions { Instructions = data.Instructions, Images = data.Images }, data);
        Assert.Equal(new ModelOptions { Path = model.Path }, model);
        Assert.Equal(new JudgeOptions { Name = judge.Name, Kind = judge.Kind }, judge);
        Assert.Equal(new LoraOptions(), loaded.Options.Lora);
        Assert.Equal(new TrainingOptions(), loaded.Options.Training);
        Assert.Equal(new EvaluationOptions(), loaded.Options.Evaluation);
        var node = new NodeSettings();
        Assert.Equal(node.Devices, loaded.Node.Devices);
        Assert.Equal(node.Roles, loaded.Node.Roles);
        Assert.Equal(node, loaded.Node with { Devices = node.Devices, Roles = node.Roles });
    }

    [Fact]
    public void The_built_in_reference_is_the_file_in_the_hocon_folder() =>
        Assert.Equal(File.ReadAllText(Repository.PathOf("hocon", "reference.conf")), ConfigurationReference.Text);

    [Fact]
    public void The_eight_tasks_of_the_paper_are_defined_in_its_order()
    {
        var names = ConfigurationReference
            .Keys.Where(key => key.EndsWith(".folder", StringComparison.Ordinal))
            .Select(key => key.Split('.')[2]);

        Assert.Equal(TaskOrders.Default, names);
        Assert.Equal(["GQA", "Grounding", "ImageNet", "OCR-VQA", "ScienceQA", "TextVQA", "VizWiz", "VQAv2"], TaskOrders.Alphabetical);
    }

    private static IEnumerable<string> Keys(string section, Type record) =>
        Properties(record)
            .Where(property => property.GetCustomAttribute<NoKeyAttribute>() is null)
            .SelectMany(property =>
                property.PropertyType == typeof(IReadOnlyList<TaskOptions>)
                    ? TaskOrders.Default.SelectMany(task => Keys($"{section}.{KebabCase.Of(property.Name)}.{task}", typeof(TaskOptions)))
                : property.PropertyType.IsClass && property.PropertyType != typeof(string)
                    ? Keys($"{section}.{KebabCase.Of(property.Name)}", property.PropertyType)
                : [$"{section}.{KebabCase.Of(property.Name)}"]
            );

    private static PropertyInfo[] Properties(Type record) => record.GetProperties(BindingFlags.Public | BindingFlags.Instance);
}
