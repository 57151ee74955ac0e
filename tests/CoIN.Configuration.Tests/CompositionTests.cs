using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;
using Microsoft.Extensions.Logging;

namespace CoIN.Configuration.Tests;

public sealed class CompositionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string[] complete;

    public CompositionTests() => complete = folder.Complete();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_kind_of_value_is_bound()
    {
        folder.Write(
            "a.hocon",
            """
            coin {
              name = "my-run" // a comment
              method = zero-shot
              seed = 7
              order = [GQA]
              data { max-test-samples = 9 }
              lora { rank = 8, alpha = 16.5, train-projector = false }
              training { projector-learning-rate = 1e-5
                         schedule = constant }
              tasks.GQA { batch-size = 3 }
              node { devices = ["cuda:0", "cuda:1"]
                     log-level = debug
                     cluster = clear-text
                     seed-nodes = ["127.0.0.1:4053"] }
              cluster.journal = "Host=127.0.0.1;Database=coin"
            }
            """
        );

        var (options, node, preparation, _) = Load(["a.hocon"], complete[..3]);

        Assert.Equal("my-run", options.Name);
        Assert.Equal(ZeroShot.Name, options.Method);
        Assert.Equal(7, options.Seed);
        Assert.Equal(
            ("GQA", "GQA", "gqa", 128, (int?)3),
            options.Tasks.Select(task => (task.Name, task.Folder, task.Scorer, task.MaxNewTokens, task.BatchSize)).Single()
        );
        Assert.Equal(9, options.Data.MaxTestSamples);
        Assert.Equal(
            new LoraOptions
            {
                Rank = 8,
                Alpha = 16.5,
                TrainProjector = false,
            },
            options.Lora
        );
        Assert.Equal(new TrainingOptions { ProjectorLearningRate = 1e-5, Schedule = Schedule.Constant }, options.Training);
        Assert.Equal(["cuda:0", "cuda:1"], node.Devices);
        Assert.Equal(["127.0.0.1:4053"], Assert.IsType<NodePlacement.Cluster>(node.Placement).SeedNodes);
        Assert.Equal("Host=127.0.0.1;Database=coin", node.Cluster.Journal);
        Assert.Equal(LogLevel.Debug, node.LogLevel);
        Assert.Null(preparation);
    }

    [Theory]
    [InlineData("lora.targets=[q_proj, v_proj]", "q_proj v_proj", null)]
    [InlineData("lora.targets=[q_proj]", "q_proj", null)]
    [InlineData("lora.targets=.*[.]layers[.][01][.].*", null, ".*[.]layers[.][01][.].*")]
    [InlineData("lora.targets=all-linear", null, "all-linear")]
    [InlineData("lora.targets=null", null, null)]
    public void Targets_of_LoRA_are_a_list_of_names_or_a_pattern(string set, string? names, string? pattern)
    {
        var lora = Load([], [.. complete, set]).Options.Lora;
        Assert.Equal((names, pattern), (lora.Targets is null ? null : string.Join(' ', lora.Targets), lora.TargetPattern));
    }

    [Fact]
    public void A_later_file_wins_and_objects_are_merged_key_by_key()
    {
        folder.Write("a.hocon", "coin.lora { rank = 8\n alpha = 9 }");
        folder.Write("b.hocon", "coin.lora { rank = 4 }");

        var lora = Load(["a.hocon", "b.hocon"]).Options.Lora;

        Assert.Equal((4, 9.0), (lora.Rank, lora.Alpha));
    }

    [Fact]
    public void An_include_is_relative_to_its_file_and_later_lines_win()
    {
        folder.Write("recipes/one.hocon", "coin.lora { rank = 1\n alpha = 1 }\ncoin.seed = 1");
        folder.Write("recipes/two.hocon", "include \"deep/three.hocon\"\ncoin.lora.alpha = 2");
        folder.Write("recipes/deep/three.hocon", "coin.training.epochs = 3");
        folder.Write(
            "main.hocon",
            "coin.seed = 9\ninclude \"recipes/one.hocon\" # first\ninclude \"recipes/two.hocon\"\ncoin.lora.rank = 5"
        );

        var options = Load(["main.hocon"]).Options;

        Assert.Equal((5, 2.0, 1, 3.0), (options.Lora.Rank, options.Lora.Alpha, options.Seed, options.Training.Epochs));
    }

    [Fact]
    public void A_missing_include_is_an_error_that_names_both_files()
    {
        folder.Write("main.hocon", "\ninclude \"recipes/none.hocon\"");

        var message = Fault(["main.hocon"]);

        Assert.Contains(folder.PathOf("recipes", "none.hocon"), message);
        Assert.Contains($"included by {folder.PathOf("main.hocon")}, line 2", message);
    }

    [Fact]
    public void A_file_that_includes_itself_is_an_error()
    {
        folder.Write("main.hocon", "include \"main.hocon\"");

        Assert.Contains("includes itself", Fault(["main.hocon"]));
    }

    [Fact]
    public void A_missing_file_is_an_error_that_names_it() =>
        Assert.Contains($"{folder.PathOf("none.hocon")} does not exist", Fault(["none.hocon"]));

    [Fact]
    public void A_relative_path_refers_to_the_folder_of_the_file_it_is_written_in()
    {
        folder.Write("conf/deep/data.hocon", "coin.data.images = ../../images");
        folder.Write("conf/main.hocon", "include \"deep/data.hocon\"\ncoin.model.path = ../model\ncoin.node.runs = ../out");

        var loaded = Load(["conf/main.hocon"], "data.instructions=data", "order=GQA");

        Assert.Equal(folder.PathOf("images"), loaded.Options.Data.Images);
        Assert.Equal(folder.PathOf("model"), loaded.Options.Model.Path);
        Assert.Equal(folder.PathOf("data"), loaded.Options.Data.Instructions);
        Assert.Equal(folder.PathOf("out"), loaded.Node.Runs);
    }

    [Theory]
    [InlineData("lora.rank=3")]
    [InlineData("coin.lora.rank=3")]
    public void An_override_comes_last_with_or_without_the_root(string setting)
    {
        folder.Write("a.hocon", "coin.lora.rank = 8");

        Assert.Equal(3, Load(["a.hocon"], [.. complete, setting]).Options.Lora.Rank);
    }

    [Theory]
    [InlineData("order=[GQA,ImageNet]")]
    [InlineData("order=GQA, ImageNet")]
    public void A_list_can_be_given_on_the_command_line(string setting)
    {
        folder.Write("data/ImageNet/train.json", "[]");
        folder.Write("data/ImageNet/test.json", "[]");

        Assert.Equal(["GQA", "ImageNet"], Load([], [.. complete, setting]).Options.Tasks.Select(task => task.Name));
    }

    [Fact]
    public void A_value_on_the_command_line_may_hold_any_character() =>
        Assert.Equal(["cuda:1"], Load([], [.. complete, "node.devices=cuda:1"]).Node.Devices);

    [Fact]
    public void An_override_without_a_value_is_an_error_that_shows_how() =>
        Assert.Contains("write --set key=value", Fault([], "lora.rank"));

    [Fact]
    public void The_effective_text_gives_the_same_configuration_again()
    {
        folder.Write(
            "a.hocon",
            "coin { name = \"a.b\"\n training.projector-learning-rate = 1e-4\n node { cluster = clear-text, seed-nodes = [\"localhost:1\"] }\n cluster.journal = \"Host=h;Database=d\" }"
        );
        var first = Load(["a.hocon"], complete);
        folder.Write("elsewhere/effective.conf", first.EffectiveText);

        var second = Load(["elsewhere/effective.conf"], []);

        Assert.Equal(first.EffectiveText, second.EffectiveText);
        Assert.Equal(first.Options with { Tasks = [] }, second.Options with { Tasks = [] });
        Assert.Equal(first.Options.Tasks, second.Options.Tasks);
    }

    [Fact]
    public void A_resumed_run_may_be_given_other_node_settings_but_nothing_that_decides_numbers()
    {
        var text = Load([], complete).EffectiveText;

        Assert.Equal(2, ConfigurationLoader.LoadNode(text, "settings.conf", ["node.trainer-threads=2"]).TrainerThreads);
        var fault = Assert.Throws<CoinException>(() => ConfigurationLoader.LoadNode(text, "settings.conf", ["lora.rank=2"]));
        Assert.Contains("Start a new run", fault.Message);
    }

    private LoadedConfiguration Load(string[] files, params string[] overrides) =>
        ConfigurationLoader.Load(files, overrides.Length > 0 ? overrides : complete, folder.Path);

    private string Fault(string[] files, params string[] overrides) => Assert.Throws<CoinException>(() => Load(files, overrides)).Message;
}
