using System.Reflection;
using System.Text;
using CoIN.Actors.Hosting;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

public sealed class ReferenceTests
{
    public static TheoryData<string, Type, string[]> Sections => new()
    {
        { "coin", typeof(ExperimentOptions), ["Tasks", "Data", "Model", "Lora", "Training", "Evaluation", "Judge"] },
        { "coin.data", typeof(DataOptions), ["SkippedImages"] },
        { "coin.model", typeof(ModelOptions), [] },
        { "coin.lora", typeof(LoraOptions), [] },
        { "coin.training", typeof(TrainingOptions), [] },
        { "coin.evaluation", typeof(EvaluationOptions), [] },
        { "coin.judge", typeof(JudgeOptions), [] },
        { "coin.node", typeof(NodeSettings), ["Placement"] },
        { "coin.node", typeof(NodePlacement.Cluster), ["Certificate", "Warning"] },
        { "coin.tasks.OCR-VQA", typeof(TaskOptions), ["Name"] },
    };

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_property_of_a_record_has_a_key(string section, Type record, string[] notKeys)
    {
        var wanted = record.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => property.Name).Except(notKeys).Select(name => $"{section}.{Kebab(name)}");

        Assert.Empty(wanted.Except(ConfigurationReference.Keys));
    }

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

        var loaded = ConfigurationLoader.Load([], folder.Complete(), folder.Path);

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
        var names = ConfigurationReference.Keys.Where(key => key.EndsWith(".folder", StringComparison.Ordinal)).Select(key => key.Split('.')[2]);

        Assert.Equal(TaskOrders.Default, names);
        Assert.Equal(["GQA", "Grounding", "ImageNet", "OCR-VQA", "ScienceQA", "TextVQA", "VizWiz", "VQAv2"], TaskOrders.Alphabetical);
    }

    private static string Kebab(string name)
    {
        var text = new StringBuilder();
        foreach (var c in name)
        {
            text.Append(char.IsUpper(c) && text.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
