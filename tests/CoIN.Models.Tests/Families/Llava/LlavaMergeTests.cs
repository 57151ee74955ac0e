using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Imaging;
using CoIN.Models.Learning;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.Llava;

public sealed class LlavaMergeTests : IDisposable
{
    private static readonly TaskOptions Task = new()
    {
        Name = "T",
        Folder = "t",
        Scorer = "gqa",
        MaxNewTokens = 8,
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false, 280)]
    [InlineData(true, 280)]
    // As many rows as the tokenizer has pieces: the merged model needs one more, for pictures.
    [InlineData(true, 270)]
    public void The_merged_model_answers_as_base_and_adapter_do(bool parts, int vocabulary)
    {
        Base(parts, vocabulary);
        ModelMerge.Write(folder.Of("adapter"), Model, folder.Of("merged"), null, _ => { });
        var merged = new ModelOptions { Path = folder.Of("merged") };
        List<TestSample> questions = [new("1", null, "a b c", "a"), new("2", null, "d e f g h", "a"), new("3", null, "h", "a")];
        var expected = Answers(Model, folder.Of("adapter"), questions);
        Assert.Equal(expected, Answers(merged, null, questions));
        Assert.NotEqual(expected, Answers(Model, null, questions));
        var config = JObject.Parse(File.ReadAllText(folder.Of("merged", "config.json")));
        Assert.True((int)config["image_token_index"]! < (int)config["text_config"]!["vocab_size"]!);
        Assert.True(File.Exists(folder.Of("merged", "preprocessor_config.json")));
    }

    [Fact]
    public void The_projector_is_the_adapters_and_what_it_does_not_touch_is_the_bases()
    {
        Base(parts: true, 280);
        ModelMerge.Write(folder.Of("adapter"), Model, folder.Of("merged"), null, _ => { });
        using var merged = CheckpointFolder.Open(folder.Of("merged"));
        using var projector = CheckpointFolder.Open(folder.Of("adapter", "non_lora_trainables.safetensors"));
        using var clip = CheckpointFolder.Open(folder.Of("model", "clip"));
        using var scope = NewDisposeScope();
        Assert.True(
            merged
                .Read("multi_modal_projector.linear_2.bias")
                .equal(projector.Read("base_model.model.model.mm_projector.2.bias"))
                .all()
                .item<bool>()
        );
        Assert.All(clip.Names, name => Assert.True(merged.Read($"vision_tower.{name}").equal(clip.Read(name)).all().item<bool>()));
    }

    [Fact]
    public void A_merged_model_of_parts_keeps_the_scaled_rope_and_the_image_processor_that_the_parts_were_read_with()
    {
        Base(parts: true, TinyLlava.Vocabulary);
        var path = folder.Of("model", "llama", "config.json");
        var config = JObject.Parse(File.ReadAllText(path));
        config["rope_parameters"] = JObject.Parse(
            """{"rope_type": "yarn", "factor": 4.0, "rope_theta": 5000.0, "original_max_position_embeddings": 32}"""
        );
        File.WriteAllText(path, config.ToString());
        File.Delete(folder.Of("model", "clip", "preprocessor_config.json"));
        Merge("adapter", "merged", null);

        var merged = LlavaSettings.Read(LlavaSource.Of(folder.Of("merged")));
        Assert.Equal(new YarnScaling(4, YarnScaling.DefaultAttention(4, null, null), 32, 1, true, 32), merged.Shape.Text.RopeScaling);
        Assert.Equal(5000, merged.Shape.Text.RopeTheta);
        Assert.Equal(ImageSettings.Clip(16).Mean, ImageSettings.Read(folder.Of("merged")).Mean);
    }

    [Fact]
    public void Another_dtype_is_written_and_said_in_the_configuration()
    {
        Base(parts: false, 280);
        ModelMerge.Write(folder.Of("adapter"), Model, folder.Of("merged"), "bfloat16", _ => { });
        using var merged = CheckpointFolder.Open(folder.Of("merged"));
        Assert.All(merged.Names, name => Assert.Equal(ScalarType.BFloat16, merged.Describe(name).Dtype));
        Assert.Equal("bfloat16", (string?)JObject.Parse(File.ReadAllText(folder.Of("merged", "config.json")))["torch_dtype"]);
    }

    [Fact]
    public void Every_place_of_a_configuration_that_says_a_dtype_says_the_new_one()
    {
        Base(parts: false, 280);
        var path = folder.Of("model", "config.json");
        var config = JObject.Parse(File.ReadAllText(path));
        config.Remove("torch_dtype");
        ((JObject)config["text_config"]!).Remove("torch_dtype");
        config["dtype"] = config["text_config"]!["dtype"] = config["vision_config"]!["dtype"] = "float32";
        File.WriteAllText(path, config.ToString());
        ModelMerge.Write(folder.Of("adapter"), Model, folder.Of("merged"), "bfloat16", _ => { });
        var merged = JObject.Parse(File.ReadAllText(folder.Of("merged", "config.json")));
        Assert.Equal(
            ["dtype", "text_config.dtype", "vision_config.dtype"],
            merged
                .Descendants()
                .OfType<JProperty>()
                .Where(property => property.Name.EndsWith("dtype", StringComparison.Ordinal))
                .Select(property => property.Path)
                .Order(StringComparer.Ordinal)
        );
        Assert.All(new[] { merged["dtype"], merged["text_config"]!["dtype"], merged["vision_config"]!["dtype"] }, dtype =>
            Assert.Equal("bfloat16", (string?)dtype)
        );
    }

    [Fact]
    public void A_folder_that_is_not_empty_an_unknown_dtype_and_a_foreign_adapter_are_refused_and_leave_nothing()
    {
        Base(parts: false, 280);
        Assert.Contains("not empty", Assert.Throws<CoinException>(() => Merge("adapter", "model", null)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "float64",
            Assert.Throws<CoinException>(() => Merge("adapter", "new", "float64")).Message,
            StringComparison.Ordinal
        );
        SafetensorsWriter.Write(
            folder.Of("adapter", "adapter_model.safetensors"),
            new Dictionary<string, Tensor>
            {
                ["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"] = zeros(4, 99),
                ["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"] = zeros(99, 4),
            }
        );
        Assert.Contains("[4, 99]", Assert.Throws<CoinException>(() => Merge("adapter", "new", null)).Message, StringComparison.Ordinal);
        Assert.Equal(["adapter", "model"], Directory.GetDirectories(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private ModelOptions Model =>
        new()
        {
            Path = folder.Of("model"),
            Conversation = "vicuna_v1_no_system",
            MaxLength = 120,
        };

    private void Merge(string adapter, string output, string? dtype) =>
        ModelMerge.Write(folder.Of(adapter), Model, folder.Of(output), dtype, _ => { });

    private void Base(bool parts, int vocabulary)
    {
        if (parts)
        {
            TinyLlava.WriteParts(folder.Of("model"), vocabulary);
        }
        else
        {
            TinyLlava.WriteHub(folder.Of("model"), vocabulary);
        }

        using var model = LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { });
        TinyLlava.WriteAdapter(folder.Of("adapter"), model);
    }

    private IReadOnlyList<string> Answers(ModelOptions model, string? adapter, IReadOnlyList<TestSample> questions)
    {
        using var factory = new LearnerFactory(_ => { });
        var options = new ExperimentOptions
        {
            Name = "t",
            Tasks = [Task],
            Data = new DataOptions { Instructions = "", Images = folder.Path },
            Model = model with { Conversation = "vicuna_v1_no_system", MaxLength = 120 },
        };
        using var learner = factory.Open(options, "cpu", 1);
        using var session = learner.OpenGeneration(adapter);
        return [.. session.Answer(questions, 8).Select(answer => answer.Text)];
    }
}
