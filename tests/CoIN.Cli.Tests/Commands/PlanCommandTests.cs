using CoIN.Cli.Commands;
using CoIN.Cli.Hosting;
using CoIN.Cli.Tests.Support;
using CoIN.Models.Devices;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Plans for the shipped miniature model with a handful of samples.</summary>
public sealed class PlanCommandTests : IDisposable
{
    private readonly CommandLine command = new();

    public PlanCommandTests()
    {
        var model = Repository.PathOf("src", "CoIN.Mini", "Model");
        var samples = Enumerable
            .Range(0, 10)
            .Select(i => $$"""{"id": "{{i}}", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""");
        command.Folder.Write("data/GQA/train.json", $"[{string.Join(",", samples)}]");
        command.Folder.Write("data/GQA/test.json", "[]");
        command.Folder.Write("images/x", "");
        command.Folder.Write(
            "a.hocon",
            $$"""
            coin {
              order = [GQA]
              model { path = "{{model}}", conversation = vicuna_v1_no_system, max-length = 256 }
              data { instructions = data, images = images }
              lora.rank = 4
              training { batch-size = 2, gradient-accumulation = 2, warmup-ratio = 0.5 }
            }
            """
        );
    }

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task A_plan_names_steps_batches_and_the_sum_of_memory()
    {
        Assert.Equal(ExitCodes.Done, await command.InvokeAsync("plan", "a.hocon", "--tokens-per-second", "10"));

        // 10 samples in micro-batches of 2, two of them a step: the last, partial step is dropped.
        Assert.Matches(@"1 GQA +10 +2 +1 +2 +2 +4 ", command.Out);
        Assert.Matches(@"kB  AdamW's moments \(float32\)\n", command.Out);
        Assert.Matches(@"[1-9]\.\d\d MB  together", command.Out);
        Assert.DoesNotContain("0.00 GB", command.Out, StringComparison.Ordinal);
        Assert.Contains("It fits into", command.Out, StringComparison.Ordinal);
        Assert.Contains("at 10 per second (as given)", command.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Micro_batches_by_tokens_are_told_with_how_many_a_step_has()
    {
        Assert.Equal(ExitCodes.Done, await command.InvokeAsync("plan", "a.hocon", "--set", "training.micro-batch-tokens=1"));
        Assert.Matches(@"1 GQA +10 +2 +1 +2 +2 +4 ", command.Out);
        Assert.Contains(
            "Micro-batches of up to 1 token (training.micro-batch-tokens): 4.0 a step on the average. Samples that are longer are micro-batches by themselves.",
            command.Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_does_not_fit_is_said_with_keys_that_save_memory()
    {
        // A model whose weights outweigh what the two ways of training differ in besides; a plan reads no weights.
        var model = Repository.PathOf("src", "CoIN.Mini", "Model");
        var config = JObject.Parse(File.ReadAllText(Path.Combine(model, "config.json")));
        ((JObject)config["text_config"]!).Merge(new JObject { ["hidden_size"] = 1024, ["num_hidden_layers"] = 32 });
        var wide = Path.GetDirectoryName(command.Folder.Write("wide/config.json", config.ToString()))!;
        foreach (var name in new[] { "tokenizer.model", "preprocessor_config.json" })
        {
            File.Copy(Path.Combine(model, name), Path.Combine(wide, name));
        }

        Assert.Equal(ExitCodes.Done, await command.InvokeAsync("plan", "a.hocon", "--memory", "1MB", "--set", $"model.path=\"{wide}\""));

        Assert.Contains("NOT fit into 1.0 MB", command.Out, StringComparison.Ordinal);
        Assert.Contains("training.gradient-checkpointing=true", command.Out, StringComparison.Ordinal);
        Assert.Contains("model.dtype=bfloat16", command.Out, StringComparison.Ordinal);
        Assert.Contains("training.batch-size=1 training.gradient-accumulation=4", command.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_s_configuration_alone_is_enough_for_a_plan_whose_lengths_are_upper_bounds()
    {
        var bare = Path.GetDirectoryName(
            command.Folder.Write("bare/config.json", File.ReadAllText(Repository.PathOf("src", "CoIN.Mini", "Model", "config.json")))
        )!;
        Assert.Equal(
            ExitCodes.Done,
            await command.InvokeAsync("plan", "a.hocon", "--set", $"model.path=\"{bare}\"", "--set", "model.max-length=200")
        );

        Assert.Matches(@"1 GQA +10 +2 +1 +2 +2 +4 +400 tokens", command.Out);
        Assert.Contains("has no weights and no tokenizer", command.Error, StringComparison.Ordinal);
        Assert.Contains("Every sample counts as model.max-length, 200 tokens", command.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_alone_that_is_not_supported_is_refused_by_a_plan_too()
    {
        var config = JObject.Parse(File.ReadAllText(Repository.PathOf("src", "CoIN.Mini", "Model", "config.json")));
        config["text_config"]!["sliding_window"] = 16;
        var bare = Path.GetDirectoryName(command.Folder.Write("bare/config.json", config.ToString()))!;
        Assert.Equal(ExitCodes.Fault, await command.InvokeAsync("plan", "a.hocon", "--set", $"model.path=\"{bare}\""));
        Assert.Contains("sliding_window", command.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_GPUs_own_memory_is_compared_with()
    {
        command.GraphicsProcessors.Add(new GraphicsProcessor(0, "other", 1, 1));
        command.GraphicsProcessors.Add(new GraphicsProcessor(1, "card", 24_000_000_000, 1));
        Assert.Equal(ExitCodes.Done, await command.InvokeAsync("plan", "a.hocon", "--set", "node.devices=[\"cuda:1\"]"));
        Assert.Contains("It fits into 24.0 GB.", command.Out, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await command.InvokeAsync("plan", "a.hocon", "--set", "node.devices=[\"cuda:2\"]"));
        Assert.Contains("How much cuda:2 has is not known here", command.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_runs_of_an_experiment_have_in_common_is_counted_once()
    {
        command.Folder.Write("data/OCRVQA/train.json", File.ReadAllText(command.Folder.PathOf("data", "GQA", "train.json")));
        command.Folder.Write("data/OCRVQA/test.json", "[]");
        string[] plan = ["plan", "a.hocon", "--tokens-per-second", "10", "--set", "order=[GQA,OCR-VQA]", "--set"];

        // The method's own options decide nothing of how answers are cut: one training, tested in two ways.
        var same = await TogetherAsync([.. plan, "experiment.vary.evaluation.batch-size=[1,2]", "--json"]);
        Assert.Equal("4 6 2 0", $"{same["steps"]} {same["tests"]} {same["sharedStages"]} {same["sharedTests"]}");
        var alone = await TogetherAsync([.. plan, "experiment.vary.seed=[1,2]", "--json"]);
        Assert.Equal("8 6 0 0", $"{alone["steps"]} {alone["tests"]} {alone["sharedStages"]} {alone["sharedTests"]}");
        Assert.Equal(2 * (double)same["trainingSeconds"]!, (double)alone["trainingSeconds"]!, 1.0);
        var twice = await TogetherAsync([.. plan, "experiment.vary.evaluation.feature-cache=[16,32]", "--json"]);
        Assert.Equal("4 3 2 3", $"{twice["steps"]} {twice["tests"]} {twice["sharedStages"]} {twice["sharedTests"]}");
        var apart = await TogetherAsync([
            .. plan,
            "experiment.vary.evaluation.feature-cache=[16,32]",
            "--set",
            "experiment.reuse=false",
            "--json",
        ]);
        Assert.Equal("8 6 0 0", $"{apart["steps"]} {apart["tests"]} {apart["sharedStages"]} {apart["sharedTests"]}");

        Assert.Equal(ExitCodes.Done, await command.InvokeAsync([.. plan, "experiment.vary.evaluation.batch-size=[1,2]"]));
        Assert.Contains("2 runs on one trainer: 4 steps, 6 tests, about ", command.Out, StringComparison.Ordinal);
        Assert.Contains("counted once here: 2 stages and 0 tests are taken over.", command.Out, StringComparison.Ordinal);
    }

    private async Task<JToken> TogetherAsync(string[] arguments)
    {
        var before = command.Out.Length;
        Assert.True(await command.InvokeAsync(arguments) == ExitCodes.Done, command.Error);
        return JObject.Parse(command.Out[before..])["together"]!;
    }

    [Fact]
    public async Task A_memory_that_is_no_amount_is_refused()
    {
        Assert.Equal(ExitCodes.Usage, await command.InvokeAsync("plan", "a.hocon", "--memory", "much"));
        Assert.Contains("--memory much", command.Error, StringComparison.Ordinal);
        Assert.Equal(24_000_000_000, PlanCommand.ParseMemory("24GB"));
        Assert.Equal(1L << 31, PlanCommand.ParseMemory("2GiB"));
    }
}
