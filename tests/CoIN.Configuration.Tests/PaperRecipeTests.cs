using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

/// <summary>The tables of the paper as recipes, in hocon/paper, and their miniature counterparts.</summary>
public sealed class PaperRecipeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PaperRecipeTests()
    {
        folder.Write("images/x", "");
        folder.Write("model/config.json", "{}");
        foreach (var type in new[] { "Original", "Diverse", "10type" })
        {
            foreach (var name in TaskOrders.Default.Select(task => task.Replace("-", "", StringComparison.Ordinal)))
            {
                foreach (var file in new[] { "train.json", "test.json", "val.json" })
                {
                    folder.Write($"Instructions_{type}/{name}/{file}", "[]");
                }
            }
        }
    }

    public static TheoryData<string> Tables =>
        [.. Directory.GetFiles(Repository.PathOf("hocon", "paper"), "table-*.hocon").Select(file => Path.GetFileName(file))];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_run_of_a_table_has_the_paper_s_settings(string table)
    {
        foreach (var options in Load($"paper/{table}").Runs.Select(run => run.Options))
        {
            Assert.Equal(
                (2e-4, 0.03, 0.0, Schedule.Cosine, 1.0, 0),
                (
                    options.Training.LearningRate,
                    options.Training.WarmupRatio,
                    options.Training.WeightDecay,
                    options.Training.Schedule,
                    options.Training.Epochs,
                    options.Training.MaxSteps
                )
            );
            Assert.Equal(
                (0.05, 2048, "bfloat16", "vicuna_v1"),
                (options.Lora.Dropout, options.Model.MaxLength, options.Model.Dtype, options.Model.Conversation)
            );
            Assert.Equal((0, 0), (options.Data.MaxTrainSamples, options.Data.MaxTestSamples));
            Assert.Equal(2.0, options.Lora.Alpha / options.Lora.Rank);

            // 8 GPUs × the task's batch × accumulation 8.
            Assert.Equal(
                new Dictionary<string, int>
                {
                    ["ScienceQA"] = 896,
                    ["TextVQA"] = 896,
                    ["ImageNet"] = 1024,
                    ["GQA"] = 384,
                    ["VizWiz"] = 896,
                    ["Grounding"] = 384,
                    ["VQAv2"] = 512,
                    ["OCR-VQA"] = 640,
                },
                options.Tasks.ToDictionary(task => task.Name, task => task.BatchSize!.Value * options.Training.GradientAccumulation)
            );
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void A_table_stands_after_a_file_with_paths_and_says_its_command(string table)
    {
        Assert.Contains(
            $"#   ./run.sh run hocon/my-llava.hocon hocon/paper/{table}",
            File.ReadAllText(Repository.PathOf("hocon", "paper", table)),
            StringComparison.Ordinal
        );
        Assert.All(Load("my-llava.hocon.example", $"paper/{table}").Runs, run => Assert.Equal(0, run.Options.Data.MaxTestSamples));
    }

    /// <summary>Behind a file with paths for LLaVA nothing of LLaVA remains.</summary>
    [Fact]
    public void Qwen_VL_s_part_of_tables_2_and_3_has_its_own_settings()
    {
        var runs = Load("my-llava.hocon.example", "paper/qwen-vl-table-2-3.hocon").Runs.Select(run => run.Options).ToList();
        Assert.Equal([ZeroShot.Name, MultiTask.Name, SequentialLora.Name], runs.Select(options => options.Method));
        Assert.All(runs, options =>
            Assert.Equal(
                (64, 16.0, 1e-5, 0.95, 40, "chatml", false, false, 0),
                (
                    options.Lora.Rank,
                    options.Lora.Alpha,
                    options.Training.LearningRate,
                    options.Training.Beta2,
                    options.Training.BatchSize * options.Training.GradientAccumulation,
                    options.Model.Conversation,
                    options.Lora.TrainProjector,
                    options.Training.GroupByLength,
                    options.Data.MaxTestSamples
                )
            )
        );
        Assert.All(runs.SelectMany(options => options.Tasks), task => Assert.Null(task.BatchSize));
    }

    [Fact]
    public void The_tables_vary_what_they_are_about()
    {
        Assert.Equal(
            [ZeroShot.Name, MultiTask.Name, SequentialLora.Name],
            Load("paper/table-2-3.hocon").Runs.Select(run => run.Options.Method)
        );
        Assert.Null(Load("paper/table-4.hocon").Experiment);
        Assert.Equal(
            [TaskOrders.Default, TaskOrders.Alphabetical],
            Load("paper/table-5.hocon").Runs.Select(run => run.Options.Tasks.Select(task => task.Name).ToArray())
        );
        Assert.Equal(
            ["Instructions_Original", "Instructions_Diverse", "Instructions_10type"],
            Load("paper/table-6-14.hocon").Runs.Select(run => Path.GetFileName(run.Options.Data.Instructions))
        );
        Assert.Equal([0.1, 0.2, 0.4, 0.6, 0.8, 1.0], Load("paper/table-7.hocon").Runs.Select(run => run.Options.Data.Volume));
        Assert.Equal(
            [(128, 256.0, 0.4), (192, 384.0, 0.4), (256, 512.0, 0.4)],
            Load("paper/table-12.hocon").Runs.Select(run => (run.Options.Lora.Rank, run.Options.Lora.Alpha, run.Options.Data.Volume))
        );
        Assert.Equal(
            [(SequentialLora.Name, 4), ("moelora", 2), ("moelora", 4), ("moelora", 8)],
            Load("paper/table-8.hocon").Runs.Select(run => (run.Options.Method, run.Options.OptionsOf<MoeLoraOptions>().Experts))
        );
        Assert.Equal(2, Load("paper/table-13.hocon").Runs.Count);
    }

    [Fact]
    public void MiniGPT_v2_s_part_of_tables_2_and_3_compares_the_two_alphas_too()
    {
        var runs = Load("paper/minigpt-v2.hocon").Runs;
        Assert.Equal(
            [(ZeroShot.Name, null), (MultiTask.Name, null), (SequentialLora.Name, null), (SequentialLora.Name, 16.0)],
            runs.Select(run => (run.Options.Method, run.Options.Evaluation.LoraAlpha))
        );
        Assert.All(runs, run =>
            Assert.Equal(
                (256.0, 1e-5, 0, 0),
                (run.Options.Lora.Alpha, run.Options.Training.LearningRate, run.Options.Training.MaxSteps, run.Options.Data.MaxTestSamples)
            )
        );
    }

    [Fact]
    public void The_second_size_is_named_by_one_line()
    {
        folder.Write("larger/config.json", "{}");
        folder.Write("larger.hocon", "coin.experiment.variants.size-13b.model.path = \"larger\"");

        var runs = ConfigurationLoader
            .LoadExperiment(
                [Repository.PathOf("hocon", "paper", "table-10-11.hocon"), folder.PathOf("larger.hocon")],
                ["data.instructions=Instructions_Original", "data.images=images", "experiment.variants.size-7b.model.path=model"],
                folder.Path
            )
            .Runs;

        Assert.Equal([folder.PathOf("model"), folder.PathOf("larger")], runs.Select(run => run.Options.Model.Path));
    }

    [Theory]
    [InlineData("cosine", Schedule.Cosine)]
    [InlineData("constant", Schedule.Constant)]
    public void Both_schedules_are_recipes_which_go_on_top_of_a_table(string name, Schedule schedule) =>
        Assert.All(Load("paper/table-7.hocon", $"schedules/{name}.hocon").Runs, run =>
            Assert.Equal((schedule, 0.03), (run.Options.Training.Schedule, run.Options.Training.WarmupRatio))
        );

    [Fact]
    public void LLaVA_13B_has_the_settings_of_7B()
    {
        var (small, large) = (Load("models/llava-1.5-7b.hocon").Runs[0].Options, Load("models/llava-1.5-13b.hocon").Runs[0].Options);

        Assert.Equal("llava-1.5-13b", large.Name);
        Assert.Equal((small.Lora, small.Training), (large.Lora, large.Training));
    }

    [Fact]
    public void A_table_s_counterpart_makes_the_same_runs_of_the_miniature()
    {
        foreach (var file in Directory.GetFiles(Repository.PathOf("hocon", "paper", "mini"), "table-*.hocon"))
        {
            var name = Path.GetFileName(file);
            Assert.Contains($"#   ./run.sh run hocon/paper/mini/{name}\n", File.ReadAllText(file), StringComparison.Ordinal);
            var (table, mini) = (
                Load($"paper/{name}"),
                ConfigurationLoader.LoadExperiment([file], ["data.instructions=Instructions_Original", "data.images=images"], folder.Path)
            );

            Assert.Equal(table.Experiment?.Runs.Select(run => run.Name), mini.Experiment?.Runs.Select(run => run.Name));
            Assert.Equal(
                table.Runs.Select(run => (run.Options.Method, run.Options.Data.Volume)),
                mini.Runs.Select(run => (run.Options.Method, run.Options.Data.Volume))
            );
            Assert.Equal("mini", mini.Runs[0].Preparation);
            Assert.All(mini.Runs, run =>
                Assert.Equal(
                    ("float32", "cpu", 1, 32, 2e-3),
                    (
                        run.Options.Model.Dtype,
                        run.Node.Devices.Single(),
                        run.Options.Training.GradientAccumulation,
                        run.Options.Training.BatchSize,
                        run.Options.Training.LearningRate
                    )
                )
            );
        }
    }

    private LoadedExperiment Load(params string[] files) =>
        ConfigurationLoader.LoadExperiment(
            files.Select(file => Repository.PathOf("hocon", file)),
            files.Any(file => file.Contains("table-10", StringComparison.Ordinal))
                ?
                [
                    "data.instructions=Instructions_Original",
                    "data.images=images",
                    "model.path=model",
                    "experiment.variants.size-13b.model.path=model",
                ]
                : ["data.instructions=Instructions_Original", "data.images=images", "model.path=model"],
            folder.Path
        );
}
