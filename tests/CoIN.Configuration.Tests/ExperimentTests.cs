using CoIN.Benchmark;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

public sealed class ExperimentTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string[] complete;

    public ExperimentTests() => complete = folder.Complete();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Runs_are_the_variants_by_all_combinations_of_the_varied_values()
    {
        var (experiment, runs, notes) = Load(
            """
            vary { seed = [1, 2], lora.rank = [8, 16] }
            variants { sequential { method = "sequential-lora" }, base { method = "zero-shot", lora.alpha = 64 } }
            """
        );

        Assert.Equal(
            [
                "sequential-seed1-rank8",
                "sequential-seed1-rank16",
                "sequential-seed2-rank8",
                "sequential-seed2-rank16",
                "base-seed1-rank8",
                "base-seed1-rank16",
                "base-seed2-rank8",
                "base-seed2-rank16",
            ],
            experiment!.Runs.Select(run => run.Name)
        );
        Assert.Equal(["seed", "lora.rank"], experiment.VariedKeys);
        Assert.Equal(["sequential", "base"], experiment.Variants);
        Assert.Equal(
            ("base", "2", "16"),
            (experiment.Runs[7].Variant, experiment.Runs[7].Values["seed"], experiment.Runs[7].Values["lora.rank"])
        );
        Assert.Equal(
            (ZeroShot.Name, 2, 16, 64),
            (runs[7].Options.Method, runs[7].Options.Seed, runs[7].Options.Lora.Rank, runs[7].Options.Lora.Alpha)
        );
        Assert.Equal(
            (SequentialLora.Name, 1, 8, 256),
            (runs[0].Options.Method, runs[0].Options.Seed, runs[0].Options.Lora.Rank, runs[0].Options.Lora.Alpha)
        );
        Assert.Empty(notes);
    }

    [Fact]
    public void What_is_written_of_a_run_makes_that_run_again()
    {
        var run = Load("vary { seed = [1, 2], lora { alpha = [8] } }").Runs[1];
        folder.Write("again.hocon", run.EffectiveText);
        var (experiment, again, _) = ConfigurationLoader.LoadExperiment(["again.hocon"], [], folder.Path);
        Assert.Null(experiment);
        Assert.Equal(run.EffectiveText, again.Single().EffectiveText);
    }

    [Fact]
    public void Variants_alone_and_values_alone_make_runs_and_no_block_makes_one()
    {
        Assert.Equal(["a", "b"], Load("variants { a { seed = 1 }, b { seed = 2 } }").Experiment!.Runs.Select(run => run.Name));
        Assert.Equal(["seed1", "seed2"], Load("vary { seed = [1, 2] }").Experiment!.Runs.Select(run => run.Name));
        Assert.Null(ConfigurationLoader.LoadExperiment([], complete, folder.Path).Experiment);
    }

    [Fact]
    public void The_values_of_a_key_that_is_a_list_are_lists_or_names()
    {
        folder.Write("data/ScienceQA/train.json", "[]");
        folder.Write("data/ScienceQA/test.json", "[]");
        var (experiment, runs, _) = Load("vary { order = [[GQA], [GQA, ScienceQA]] }");
        Assert.Equal(["order1", "order2"], experiment!.Runs.Select(run => run.Name));
        Assert.Equal("GQA, ScienceQA", experiment.Runs[1].Values["order"]);
        Assert.Equal([1, 2], runs.Select(run => run.Options.Tasks.Count));
    }

    [Fact]
    public void A_varied_key_on_the_command_line_is_varied_no_more_and_that_is_told()
    {
        var (experiment, runs, notes) = Load("vary { seed = [1, 2], lora.rank = [8, 16] }", "seed=7");
        Assert.Equal(["rank8", "rank16"], experiment!.Runs.Select(run => run.Name));
        Assert.All(runs, run => Assert.Equal(7, run.Options.Seed));
        Assert.Equal(["seed is not varied: --set decides it."], notes);
    }

    [Fact]
    public void The_command_line_can_make_an_experiment_of_any_configuration()
    {
        var (experiment, runs, _) = ConfigurationLoader.LoadExperiment(
            [],
            [.. complete, "experiment.vary.training.epochs=[1,2.5]", "experiment.reuse=false"],
            folder.Path
        );
        Assert.Equal(["epochs1", "epochs2.5"], experiment!.Runs.Select(run => run.Name));
        Assert.Equal([1, 2.5], runs.Select(run => run.Options.Training.Epochs));
        Assert.False(experiment.Reuse);
    }

    [Fact]
    public void Combinations_that_are_the_same_are_one_run_and_that_is_told()
    {
        var (experiment, _, notes) = Load("vary { seed = [1, 1, 2] }");
        Assert.Equal(["seed1", "seed2"], experiment!.Runs.Select(run => run.Name));
        Assert.Equal(["seed1-2 is the same as seed1, with the same settings: it is left out."], notes);
    }

    [Fact]
    public void A_fault_names_the_variant_or_the_value_that_has_it_and_the_key_and_one_that_all_have_is_told_once()
    {
        var fault = Assert.Throws<CoinException>(() =>
            Load(
                """
                vary { seed = [1, 2], lora.rank = [8, many] }
                variants { sequential { method = "sequential-lora" }, base { method = "zero-shot", lora.alphas = 64 } }
                """,
                "lora.dropout=2"
            )
        );
        Assert.Contains("has 3 problems", fault.Message);
        Assert.Contains("- coin.lora.dropout is 2", fault.Message);
        Assert.Contains("- lora.rank = many: coin.lora.rank is 'many'", fault.Message);
        Assert.Contains("- variant base: unknown key coin.lora.alphas", fault.Message);
    }

    [Theory]
    [InlineData("vary { seed = 1 }", "coin.experiment.vary.seed is no list")]
    [InlineData("vary = [1]", "coin.experiment.vary is not a section")]
    [InlineData("variants { a = 1 }", "coin.experiment.variants.a is not a section")]
    [InlineData("varies { seed = [1] }", "unknown key coin.experiment.varies")]
    [InlineData("vary { node.judges = [1, 2] }", "coin.experiment.vary.node")]
    [InlineData("variants { a { name = \"b\" } }", "coin.experiment.variants.a.name")]
    [InlineData(
        "variants { a { seed = 1 } }\n vary { seed = [1, 2] }",
        "coin.experiment.variants.a sets seed, of which coin.experiment.vary lists values"
    )]
    [InlineData("variants { \"../a\" { seed = 1 } }", "the name '../a'")]
    [InlineData("reuse = true", "names neither variants nor values")]
    public void What_cannot_be_an_experiment_is_refused(string block, string said) =>
        Assert.Contains(said, Assert.Throws<CoinException>(() => Load(block)).Message);

    [Fact]
    public void An_empty_list_of_values_is_refused() =>
        Assert.Contains(
            "coin.experiment.vary.seed lists no value",
            Assert.Throws<CoinException>(() => Load("vary { lora.rank = [1] }", "experiment.vary.seed=[]")).Message
        );

    [Fact]
    public void More_runs_than_anybody_means_are_refused()
    {
        var many = string.Join(", ", Enumerable.Range(0, 40));
        Assert.Contains(
            "makes 1600 runs; it may make 1000",
            Assert.Throws<CoinException>(() => Load($"vary {{ seed = [{many}], lora.rank = [{many}] }}")).Message
        );
    }

    [Fact]
    public void Names_are_fit_for_folders_and_different_however_long_the_values_are()
    {
        var deep = string.Join('/', Enumerable.Repeat("d", 40)) + "/" + new string('x', 200);
        var names = Load($"vary {{ model.conversation = [\"/a b/c:d\", \"/a b/c d\", \"/{deep}1\", \"/{deep}2\"] }}")
            .Experiment!.Runs.Select(run => run.Name)
            .ToList();
        Assert.Equal(["conversation-c-d", "conversation-c-d-2"], names[..2]);
        Assert.All(names, name => Assert.True(name.Length <= RunNames.Longest && name.All(RunNames.IsSafe), name));
        Assert.Equal(4, names.Distinct().Count());
    }

    [Fact]
    public void Varied_keys_with_the_same_last_part_are_named_in_full()
    {
        var names = Load("vary { training.batch-size = [2], evaluation.batch-size = [3], lora.rank = [4] }")
            .Experiment!.Runs.Select(run => run.Name);
        Assert.Equal(["training-batch-size2-evaluation-batch-size3-rank4"], names);
    }

    private LoadedExperiment Load(string block, params string[] set)
    {
        folder.Write(
            "base.hocon",
            """
            coin {
              order = [GQA]
              data { instructions = "data", images = "images" }
              model.path = "model"
            }
            """
        );
        folder.Write("experiment.hocon", $"coin.experiment {{\n{block}\n}}");
        return ConfigurationLoader.LoadExperiment(["base.hocon", "experiment.hocon"], set, folder.Path);
    }
}
