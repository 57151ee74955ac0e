using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.QwenVl;

/// <summary>Qwen-VL through the program's own learners.</summary>
public sealed class QwenVlSessionTests : ManyPictureSessionTests
{
    private static readonly TaskOptions Task = new()
    {
        Name = "T",
        Folder = "t",
        Scorer = "gqa",
    };

    public QwenVlSessionTests()
        : base([.. Enumerable.Repeat((20, 12), 4)]) => TinyQwenVl.Write(Folder.Of("model"));

    private protected override IReadOnlyList<TestSample> Questions { get; } =
    [
        new("1", "0.png", "What a?", "a"),
        new("2", null, "b", "b"),
        new("3", "1.png", "Which of both a b is this?", "c") { FurtherImages = ["2.png"] },
    ];

    [Fact]
    public void Adapters_have_matrices_for_the_maps_that_were_named_and_for_no_others()
    {
        Train(Options(), 1, "adapter", 1);
        using var file = new SafetensorsFile(Folder.Of("adapter", AdapterFiles.Weights));
        string[] maps = ["attn.c_attn", "attn.c_proj", "mlp.w1", "mlp.w2"];
        Assert.Equal(
            Enumerable
                .Range(0, 2)
                .SelectMany(layer =>
                    maps.SelectMany(map =>
                        new[] { "lora_A", "lora_B" }.Select(matrix => $"base_model.model.transformer.h.{layer}.{map}.{matrix}.weight")
                    )
                )
                .Order(StringComparer.Ordinal),
            file.Entries.Keys.Order(StringComparer.Ordinal)
        );
        Assert.False(File.Exists(Folder.Of("adapter", AdapterFiles.Projector)));
    }

    [Fact]
    public void A_merged_folder_has_the_files_of_a_model_and_is_never_written_over()
    {
        Train(Options(), 1, "adapter", 1);
        void Merge() => ModelMerge.Write(Folder.Of("adapter"), Options().Model, Folder.Of("merged"), null, _ => { });
        Merge();
        Assert.Equal(
            new[] { "config.json", "model.safetensors", "qwen.tiktoken" },
            Directory.GetFiles(Folder.Of("merged")).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Contains("exists and is not empty", Assert.Throws<CoinException>(Merge).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reference_s_prompt_is_another_and_loses_the_first_character()
    {
        var reference = Options() with { Evaluation = new EvaluationOptions { Prompt = PromptKind.Reference } };
        Assert.NotEqual(Answers(Options(), null, Questions), Answers(reference, null, Questions));
        var view = SampleRenderer.Open(reference.Model, Folder.Path, PromptKind.Reference).Render(Questions[0]);
        Assert.Equal("System:You are a helpful assistant.\n\n<img><image></img>What a? Assistant:", view.Prompt);
    }

    [Fact]
    public void A_preview_shows_every_picture_and_what_is_learned()
    {
        var view = SampleRenderer.Open(Options().Model, Folder.Path).Render(Samples()[3]);
        Assert.Equal(2, view.Images);
        Assert.Equal(512, view.ImageTokens);
        Assert.Contains("Picture 2: <img><image></img>", view.Prompt, StringComparison.Ordinal);
        Assert.Contains(
            "<|im_end|>",
            string.Concat(view.Tokens.Where(token => token.IsLearned).Select(token => token.Piece)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_whole_model_has_no_problems_and_is_described()
    {
        Assert.Empty(Problems(Options()));
        var lines = ModelInspection.Describe(Options().Model);
        Assert.EndsWith(": Qwen-VL", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("4 patches to 256 image tokens of 128", StringComparison.Ordinal));
        Assert.Contains(lines, line =>
            line.Contains("trained for 768 of 1536 positions, beyond by dynamic NTK and log-n", StringComparison.Ordinal)
        );
        Assert.Contains(lines, line => line.Contains("no tensor is missing", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("n_queries", 64, "visual.n_queries is 64; supported is 256")]
    [InlineData("image_start_id", 5, "but the model begins pictures with 5")]
    [InlineData("layers", 3, "tensor(s) of the model are missing")]
    [InlineData("width", 48, "where config.json asks for")]
    [InlineData("new_key", 1, "visual.new_key is 1, a key that is not known here")]
    public void A_visual_part_that_does_not_fit_is_refused_by_name(string key, int value, string part)
    {
        Change(json => json["visual"]![key] = value);
        Assert.Contains(part, string.Join('\n', Problems(Options())), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_do_not_belong_together_are_refused_before_anything_is_loaded()
    {
        Change(json => json.Remove("visual"));
        Assert.Contains("there is no visual part", Assert.Single(Problems(Options())), StringComparison.Ordinal);

        TinyQwenVl.Write(Folder.Of("model"));
        Change(json => json["vocab_size"] = 400);
        Assert.Contains(Problems(Options()), problem =>
            problem.Contains(
                "qwen.tiktoken, special tokens included, has 477 pieces but the model's vocabulary has 400",
                StringComparison.Ordinal
            )
        );

        TinyQwenVl.Write(Folder.Of("model"));
        File.Delete(Folder.Of("model", "qwen.tiktoken"));
        Assert.Contains("has no qwen.tiktoken", Assert.Single(Problems(Options())), StringComparison.Ordinal);

        TinyQwenVl.Write(Folder.Of("model"));
        Dictionary<string, Tensor> tensors;
        using (var weights = CheckpointFolder.Open(Folder.Of("model")))
        {
            tensors = weights.Names.ToDictionary(
                name => name,
                name => name.EndsWith("attn_pool.query", StringComparison.Ordinal) ? zeros(144, 128) : weights.Read(name)
            );
        }

        SafetensorsWriter.Write(Folder.Of("model", "model.safetensors"), tensors);

        Assert.Contains(
            "attn_pool.query' has shape [144, 128] where config.json asks for [256, 128]",
            Assert.Single(Problems(Options())),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Settings_that_the_model_cannot_follow_are_refused_by_key()
    {
        var options = Options();
        void Refused(ExperimentOptions changed, string part) =>
            Assert.Contains(part, Assert.Single(Problems(changed)), StringComparison.Ordinal);
        Refused(options with { Model = options.Model with { Conversation = "vicuna_v1" } }, "for Qwen-VL there are chatml");
        Refused(
            options with
            {
                Model = options.Model with { MaxLength = TinyQwenVl.Trained + 1 },
            },
            "is trained with at most 768 positions (seq_length in config.json)"
        );
        Refused(options with { Model = options.Model with { MaxLength = 5000 } }, "made for 1536 positions");
        Refused(options with { Lora = options.Lora with { TrainProjector = true } }, "has no projector that could be trained");
        Refused(options with { Lora = options.Lora with { Targets = ["q_proj"] } }, "q_proj");
        Assert.Empty(Problems(options with { Method = "zero-shot", Model = options.Model with { MaxLength = TinyQwenVl.Trained + 1 } }));

        using var learner = Factory.Open(options with { Model = options.Model with { MaxLength = 1000 } }, "cpu", 1);
        Assert.Contains(
            "at most 768",
            Assert.Throws<CoinException>(() => learner.OpenTraining(new StageTraining(1, "T", 2, Samples(), null, null))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void LLaVA_has_no_prompt_of_the_reference_and_takes_one_picture()
    {
        TinyLlava.WriteHub(Folder.Of("llava"));
        var options = Options() with
        {
            Model = new ModelOptions { Path = Folder.Of("llava"), MaxLength = 120 },
            Lora = new LoraOptions { Rank = 4, Alpha = 8 },
        };
        Assert.Contains(
            "evaluation.prompt is reference",
            Assert.Single(Problems(options with { Evaluation = new EvaluationOptions { Prompt = PromptKind.Reference } })),
            StringComparison.Ordinal
        );
        using var learner = Factory.Open(options, "cpu", 1);
        Assert.Contains(
            "Sample s3 has 2 images",
            Assert.Throws<CoinException>(() => learner.OpenTraining(new StageTraining(1, "T", 2, Samples(), null, null))).Message,
            StringComparison.Ordinal
        );
        Assert.False(new ReportAids().Describe(options.Model)!.SeveralImages);
        Assert.True(new ReportAids().Describe(Options().Model)!.SeveralImages);
    }

    [Fact]
    public void The_plan_counts_the_parameters_that_there_are()
    {
        using var model = QwenVlCheckpoint.Load(Folder.Of("model"), ScalarType.Float32, CPU, _ => { });
        using var weights = CheckpointFolder.Open(Folder.Of("model"));
        var stored = weights
            .Names.Where(name => name != $"{QwenVlCheckpoint.Visual}positional_embedding")
            .Sum(name => weights.Describe(name).Shape.Aggregate(1L, (product, size) => product * size));
        Assert.Equal(stored + (4 * 32), ParameterCounts.Of(model.Config.Shape, 4).Base);
        var plan = ExperimentPlanner.Plan(Options(), "cpu", 1, _ => Samples());
        Assert.Equal(2 * 4 * ((128 + 384) + (128 + 128) + (2 * (128 + 96))), plan.TrainedParameters);
    }

    /// <summary>
    /// Qwen-VL-Chat's own file: 9.6 billion parameters, 1.9 of the tower, 0.08 of the resampler (Bai et al. 2023, Table 1).
    /// </summary>
    [Fact]
    public void The_published_configuration_is_read_and_has_the_published_size()
    {
        File.WriteAllText(Folder.Of("model", "config.json"), PublishedModels.QwenVlChat);
        var config = QwenVlConfig.Read(Folder.Of("model"), 2048);
        var counts = ParameterCounts.Of(config.Shape, 64);
        Assert.InRange(counts.Base, 9_600_000_000, 9_700_000_000);
        Assert.InRange(config.Resampler.Parameters, 75_000_000, 95_000_000);
        Assert.Equal(1024, config.Vision.Patches);
        Assert.Equal(
            (2048, true, true),
            (config.Text.LongContext!.Trained, config.Text.LongContext.DynamicNtk, config.Text.LongContext.LogN)
        );
    }

    private protected override ExperimentOptions Options() =>
        new()
        {
            Name = "t",
            Tasks = [Task],
            Data = new DataOptions { Instructions = "", Images = Folder.Path },
            Model = new ModelOptions { Path = Folder.Of("model"), MaxLength = TinyQwenVl.Trained },
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.1,
                TrainProjector = false,
                Targets = ["c_attn", "attn.c_proj", "w1", "w2"],
            },
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                Beta2 = 0.95,
                WeightDecay = 0.1,
                BatchSize = 2,
                MaxSteps = 4,
            },
        };

    private void Change(Action<JObject> change)
    {
        var path = Folder.Of("model", "config.json");
        var json = JObject.Parse(File.ReadAllText(path));
        change(json);
        File.WriteAllText(path, json.ToString());
    }

    private static List<string> Problems(ExperimentOptions options)
    {
        var problems = new Problems();
        ModelCheck.Check(options, ["cpu"], problems, _ => { });
        return [.. problems.Texts];
    }
}
