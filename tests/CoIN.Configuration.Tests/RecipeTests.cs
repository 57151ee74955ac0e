using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

/// <summary>The files in the hocon folder, as they are.</summary>
public sealed class RecipeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public RecipeTests()
    {
        folder.Write("images/x", "");
        folder.Write("model/config.json", "{}");
        foreach (
            var name in ConfigurationReference
                .Keys.Where(key => key.EndsWith(".folder", StringComparison.Ordinal))
                .Select(key => key.Split('.')[2].Replace("-", "", StringComparison.Ordinal))
        )
        {
            foreach (var file in new[] { "train.json", "test.json", "val.json" })
            {
                folder.Write($"data/{name}/{file}", "[]");
            }
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_miniature_trains_120_steps_on_each_of_the_eight_tasks()
    {
        var (options, _, preparation, _) = Load("mini.hocon");

        Assert.Equal(
            (180, 32, 2e-3, Schedule.Cosine),
            (options.Training.MaxSteps, options.Training.BatchSize, options.Training.LearningRate, options.Training.Schedule)
        );
        Assert.Equal((16, 32.0, 0.0), (options.Lora.Rank, options.Lora.Alpha, options.Lora.Dropout));
        Assert.Equal(TaskOrders.Default, options.Tasks.Select(task => task.Name));
        Assert.Equal("mini", preparation);
    }

    [Fact]
    public void LLaVA_has_the_papers_settings()
    {
        var options = Load("models/llava-1.5-7b.hocon").Options;

        Assert.Equal([14, 14, 16, 6, 14, 6, 8, 10], options.Tasks.Select(task => task.BatchSize ?? 0));
        Assert.Equal(
            (128, 256.0, 2e-4, 64, 2048),
            (
                options.Lora.Rank,
                options.Lora.Alpha,
                options.Training.LearningRate,
                options.Training.GradientAccumulation,
                options.Model.MaxLength
            )
        );

        // 8 GPUs with 8 micro-batches each; one device trains here.
        Assert.Equal(
            [896, 896, 1024, 384, 896, 384, 512, 640],
            options.Tasks.Select(task => task.BatchSize!.Value * options.Training.GradientAccumulation)
        );
    }

    [Fact]
    public void MiniGPT_v2_has_the_papers_settings()
    {
        var options = Load("models/minigpt-v2.hocon").Options;

        // 8 GPUs with one micro-batch each.
        Assert.Equal(
            [128, 128, 128, 16, 128, 16, 16, 192],
            options.Tasks.Select(task => task.BatchSize!.Value * options.Training.GradientAccumulation)
        );
        Assert.Equal((64, 256.0, 0.05, true), (options.Lora.Rank, options.Lora.Alpha, options.Lora.Dropout, options.Lora.TrainProjector));
        Assert.Equal(["q_proj", "v_proj"], options.Lora.Targets);
        Assert.Equal(
            (1e-5, 0.05, 0.03, Schedule.Cosine),
            (options.Training.LearningRate, options.Training.WeightDecay, options.Training.WarmupRatio, options.Training.Schedule)
        );
        Assert.All(options.Tasks, task => Assert.Equal(100, task.MaxNewTokens));
        Assert.Equal("grounding-minigpt", options.Tasks.Single(task => task.Name == "Grounding").Scorer);
    }

    [Fact]
    public void Qwen_VL_has_the_papers_settings()
    {
        var options = Load("models/qwen-vl-chat.hocon").Options;

        Assert.Equal((64, 16.0, 0.05, false), (options.Lora.Rank, options.Lora.Alpha, options.Lora.Dropout, options.Lora.TrainProjector));
        Assert.Equal(["c_attn", "attn.c_proj", "w1", "w2"], options.Lora.Targets!);
        Assert.Equal(
            (1e-5, 0.01, 0.1, 0.95),
            (options.Training.LearningRate, options.Training.WarmupRatio, options.Training.WeightDecay, options.Training.Beta2)
        );
        Assert.Equal(
            (5 * 8, 2048, "chatml"),
            (options.Training.BatchSize * options.Training.GradientAccumulation, options.Model.MaxLength, options.Model.Conversation)
        );
        Assert.All(options.Tasks, task => Assert.Equal((null, 30), (task.BatchSize, task.MaxNewTokens)));
    }

    [Fact]
    public void LLaVA_for_a_small_GPU_keeps_one_layer_s_activations_of_one_long_sample_and_makes_the_same_steps()
    {
        var options = Load("models/llava-1.5-7b-24gb.hocon").Options;

        var large = Load("models/llava-1.5-7b.hocon").Options;
        Assert.Equal((null, options.Model.MaxLength), (large.Training.MicroBatchTokens, options.Training.MicroBatchTokens));
        Assert.Equal(large.Training, options.Training with { MicroBatchTokens = null });
        Assert.Equal(large.Tasks, options.Tasks);
        Assert.Equal(
            (true, true, "bfloat16", 128, 1),
            (
                options.Training.GradientCheckpointing,
                options.Training.GroupByLength,
                options.Model.Dtype,
                options.Lora.Rank,
                options.Evaluation.BatchSize
            )
        );
    }

    [Fact]
    public void Any_model_can_be_held_in_four_bits_as_QLoRA_does_it()
    {
        foreach (var model in new[] { "models/llava-1.5-7b-24gb.hocon", "models/qwen2.5-vl-7b.hocon", "mini.hocon" })
        {
            var options = Load(model, "models/nf4.hocon").Options.Model;
            Assert.Equal(
                (BaseQuantization.Nf4, 64, true),
                (options.Quantization, options.QuantizationBlockSize, options.DoubleQuantization)
            );
        }

        Assert.Equal(BaseQuantization.None, Load("mini.hocon").Options.Model.Quantization);
    }

    [Theory]
    [InlineData("methods/zero-shot.hocon", ZeroShot.Name)]
    [InlineData("methods/sequential-lora.hocon", SequentialLora.Name)]
    [InlineData("methods/ewc.hocon", EwcOptions.Key)]
    [InlineData("methods/lwf.hocon", LwfOptions.Key)]
    [InlineData("methods/replay.hocon", ReplayOptions.Key)]
    [InlineData("methods/ema.hocon", EmaOptions.Key)]
    [InlineData("methods/o-lora.hocon", OLoraOptions.Key)]
    [InlineData("methods/reg-lora.hocon", RegLoraOptions.Key)]
    [InlineData("methods/sefe.hocon", RegLoraOptions.Key)]
    public void A_method_is_a_recipe(string file, string method) => Assert.Equal(method, Load("mini.hocon", file).Options.Method);

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void MoELoRA_is_a_recipe_for_each_of_the_papers_numbers_of_experts(int experts)
    {
        var options = Load("mini.hocon", $"methods/moelora-{experts}.hocon").Options;
        Assert.Equal((MoeLoraOptions.Key, experts), (options.Method, options.OptionsOf<MoeLoraOptions>().Experts));
    }

    [Fact]
    public void The_orders_are_recipes()
    {
        Assert.Equal(TaskOrders.Alphabetical, Load("orders/alphabetical.hocon").Options.Tasks.Select(task => task.Name));
        Assert.Equal(TaskOrders.Default, Load("orders/default.hocon").Options.Tasks.Select(task => task.Name));
    }

    [Theory]
    [InlineData("0.1", 0.1)]
    [InlineData("0.2", 0.2)]
    [InlineData("0.4", 0.4)]
    [InlineData("0.6", 0.6)]
    [InlineData("0.8", 0.8)]
    [InlineData("1.0", 1.0)]
    public void The_papers_volumes_are_recipes(string file, double volume) =>
        Assert.Equal(volume, Load($"volumes/{file}.hocon").Options.Data.Volume);

    [Theory]
    [InlineData(128)]
    [InlineData(192)]
    [InlineData(256)]
    public void The_papers_ranks_are_recipes_at_volume_0_4_with_alpha_at_twice_the_rank(int rank)
    {
        var options = Load("models/llava-1.5-7b.hocon", $"ranks/{rank}.hocon").Options;

        Assert.Equal((rank, 2.0 * rank, 0.4), (options.Lora.Rank, options.Lora.Alpha, options.Data.Volume));
    }

    [Theory]
    [InlineData("original", "Instructions_Original")]
    [InlineData("diverse", "Instructions_Diverse")]
    [InlineData("ten-type", "Instructions_10type")]
    public void The_instruction_types_are_recipes_which_read_the_folder_beside(string file, string expected)
    {
        Directory.Move(folder.PathOf("data"), folder.PathOf(expected));

        Assert.Equal(folder.PathOf(expected), Load($"instructions/{file}.hocon").Options.Data.Instructions);
    }

    [Fact]
    public void Every_recipe_opens_with_the_command_that_runs_it()
    {
        foreach (var folder in new[] { "volumes", "ranks", "instructions" })
        {
            Assert.All(Directory.GetFiles(Repository.PathOf("hocon", folder)), file =>
                Assert.Contains($"#   ./run.sh run hocon/", File.ReadAllText(file), StringComparison.Ordinal)
            );
            Assert.All(Directory.GetFiles(Repository.PathOf("hocon", folder)), file =>
                Assert.Contains($" hocon/{folder}/{Path.GetFileName(file)}\n", File.ReadAllText(file), StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public void The_example_for_own_data_is_valid_once_its_paths_are_set()
    {
        var options = Load("my-llava.hocon.example").Options;

        Assert.Equal(("my-llava", 64, 2000), (options.Name, options.Training.GradientAccumulation, options.Data.MaxTrainSamples));
        Assert.Equal("bfloat16", options.Model.Dtype);
    }

    private LoadedConfiguration Load(params string[] files) =>
        ConfigurationLoader.Load(
            files.Select(file => Repository.PathOf("hocon", file)),
            ["data.instructions=data", "data.images=images", "model.path=model"],
            folder.Path
        );
}
