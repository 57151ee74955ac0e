using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Inspection;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Inspection;

public sealed class ModelCheckTests : IDisposable
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 3556942952\n";

    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];

    public ModelCheckTests() => TinyLlava.WriteHub(folder.Of("model"));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_whole_model_with_its_own_adapter_has_no_problem()
    {
        WriteAdapter();
        Assert.Empty(
            Problems(
                Options(
                    new LoraOptions
                    {
                        Rank = 4,
                        Alpha = 8,
                        From = folder.Of("adapter"),
                    }
                )
            )
        );
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("model.safetensors", Pointer, "is a Git LFS pointer")]
    [InlineData("tokenizer.model", Pointer, "is a Git LFS pointer")]
    [InlineData("config.json", Pointer, "is a Git LFS pointer")]
    [InlineData("preprocessor_config.json", "<!DOCTYPE html><html>", "is a web page")]
    [InlineData("model.safetensors", "\n<html><body>Access denied", "is a web page")]
    [InlineData("model.safetensors", "Entry not found", "is a text of 15 bytes (\"Entry not found\")")]
    [InlineData("tokenizer.model", "", "is empty")]
    public void What_a_failed_download_left_in_a_files_place_is_named(string file, string content, string fault)
    {
        File.WriteAllText(folder.Of("model", file), content);
        var problem = Assert.Single(Problems(Options()));
        Assert.Contains(folder.Of("model", file), problem, StringComparison.Ordinal);
        Assert.Contains(fault, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_and_an_index_that_are_pointers_are_named_too()
    {
        File.Delete(folder.Of("model", "model.safetensors"));
        File.WriteAllText(folder.Of("model", "pytorch_model.bin"), Pointer);
        Assert.Contains("pytorch_model.bin is a Git LFS pointer", Assert.Single(Problems(Options())), StringComparison.Ordinal);
        File.WriteAllText(folder.Of("model", "model.safetensors.index.json"), Pointer);
        Assert.Contains("index.json is a Git LFS pointer", Assert.Single(Problems(Options())), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_problem_is_told_at_once()
    {
        File.WriteAllText(folder.Of("model", "tokenizer.model"), Pointer);
        File.WriteAllText(folder.Of("model", "preprocessor_config.json"), "<html>");
        File.WriteAllText(folder.Of("model", "model.safetensors"), Pointer);
        Change("sliding_window", 16);
        var problems = Problems(
            Options() with
            {
                Model = new ModelOptions { Path = folder.Of("model"), Conversation = "klingon" },
            },
            "cuda:99"
        );
        Assert.Equal(6, problems.Count);
        Assert.All(
            new[] { "cuda:99", "klingon", "sliding_window", "tokenizer.model", "preprocessor_config.json", "model.safetensors" },
            name => Assert.Contains(problems, problem => problem.Contains(name, StringComparison.Ordinal))
        );
    }

    [Theory]
    [InlineData(8, 8, true, "lora.rank is 8")]
    [InlineData(4, 16, true, "lora.alpha 16")]
    [InlineData(4, 8, false, "lora.train-projector is false")]
    public void An_adapter_that_is_not_as_the_settings_say_is_told_before_a_run(int rank, double alpha, bool projector, string fault)
    {
        WriteAdapter();
        var lora = new LoraOptions
        {
            Rank = rank,
            Alpha = alpha,
            TrainProjector = projector,
            From = folder.Of("adapter"),
        };
        Assert.Contains(fault, Assert.Single(Problems(Options(lora))), StringComparison.Ordinal);

        // Tested as it is, an adapter needs no settings beside it.
        Assert.Empty(Problems(Options(lora) with { Method = ZeroShot.Name }));
    }

    [Fact]
    public void An_adapter_for_another_model_is_told_before_a_run()
    {
        WriteAdapter();
        Directory.Delete(folder.Of("model"), recursive: true);
        Directory.CreateDirectory(folder.Of("model"));
        LlavaInitializer.Write(
            folder.Of("model"),
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(64, 48, 2, 4, 2, 280, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            279,
            1
        );
        TinyLlava.WriteSettings(folder.Of("model"), folder.Of("model"));
        Assert.Contains(
            "adapter_model.safetensors",
            Assert.Single(Problems(Options(new LoraOptions { From = folder.Of("adapter") }) with { Method = ZeroShot.Name })),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("language_model.model.layers.0.mlp.up_proj.qweight", "AWQ or GPTQ")]
    [InlineData("language_model.model.layers.0.mlp.up_proj.weight_scale_inv", "FP8")]
    [InlineData("language_model.model.layers.0.mlp.up_proj.weight.quant_state.bitsandbytes__nf4", "bitsandbytes")]
    public void A_quantized_checkpoint_is_told_by_its_tensors(string name, string method)
    {
        Add(name, ones(2));
        var problem = Assert.Single(Problems(Options()));
        Assert.Contains("is quantized", problem, StringComparison.Ordinal);
        Assert.Contains(method, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_of_whole_numbers_is_that_of_a_quantized_checkpoint()
    {
        const string Name = "language_model.model.layers.0.mlp.up_proj.weight";
        Add(Name, zeros([48, 32], ScalarType.Int8));
        Assert.Contains(
            $"tensor '{Name}' is stored as int8, so the checkpoint is quantized",
            Assert.Single(Problems(Options())),
            StringComparison.Ordinal
        );
        var header = "{\"t\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}"u8;
        File.WriteAllBytes(folder.Of("model", "model.safetensors"), [.. BitConverter.GetBytes((long)header.Length), .. header, 0]);
        Assert.Contains("stored as F8_E4M3, so the checkpoint is quantized", Assert.Single(Problems(Options())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("language_model.model.layers.0.self_attn.q_norm.weight")]
    [InlineData("multi_modal_projector.linear_3.weight")]
    [InlineData("image_newline")]
    public void A_tensor_that_nothing_uses_is_a_problem(string name)
    {
        Add(name, ones(2));
        Assert.Contains(name, Assert.Single(Problems(Options())), StringComparison.Ordinal);
        Assert.Contains(
            name,
            Assert.Throws<CoinException>(() => LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { })).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_tensor_that_only_the_index_names_is_a_warning_where_nothing_needs_it()
    {
        Index("language_model.model.mtp.fc.weight");
        Assert.Empty(Problems(Options()));
        Assert.Contains("language_model.model.mtp.fc.weight", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_the_model_needs_and_only_the_index_names_is_missing()
    {
        const string Name = "language_model.model.norm.weight";
        Add(Name, null);
        Index(Name);
        var problem = Assert.Single(Problems(Options()));
        Assert.Contains($"missing: {Name}", problem, StringComparison.Ordinal);
        Assert.Contains("places them in model.safetensors, which does not have them", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_tokenizer_names_both_files_that_may_hold_it()
    {
        File.Delete(folder.Of("model", "tokenizer.model"));
        var problem = Assert.Single(Problems(Options()));
        Assert.Contains("tokenizer.model", problem, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model": {"vocab": {"<unk>": 0, "<s>": 1, "z": 259}}}""", "259 is '\u2581' in the one and 'z' in the other")]
    [InlineData("""{"model": {"vocab": {"<unk>": 0, "<s>": 1, "\u2581": 259}}}""", null)]
    [InlineData("no tokenizer", null)]
    public void Two_tokenizers_in_a_folder_must_be_the_same(string json, string? fault)
    {
        File.WriteAllText(folder.Of("model", "tokenizer.json"), json);
        var problems = Problems(Options());
        Assert.Equal(fault is null, problems.Count == 0);
        Assert.Contains(fault ?? "", string.Join('\n', problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_longest_sequence_beyond_the_model_s_positions_is_a_warning_with_its_remedy()
    {
        var options = Options();
        Assert.Empty(Problems(options with { Model = options.Model with { MaxLength = 129 } }));
        Assert.Contains("model.max-length=128 cuts them", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(900, "has 270 pieces but the model's vocabulary has 900")]
    [InlineData(100, "has 270 pieces but the model's vocabulary has 100")]
    public void A_tokenizer_of_another_length_is_a_problem(int vocabulary, string fault)
    {
        TinyLlava.WriteHub(folder.Of("model"), vocabulary);
        Assert.Contains(fault, string.Join("\n", Problems(Options())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, "has the word '<0x11>', but the model stands for pictures by 20 (image_token_index in config.json)")]
    [InlineData(500, "image_token_index) is 500, but the vocabulary has 280")]
    public void A_placeholder_that_does_not_go_with_the_tokenizer_is_a_problem(int id, string fault)
    {
        var config = folder.Of("model", "config.json");
        var json = JObject.Parse(File.ReadAllText(config));
        json["image_token_index"] = id;
        File.WriteAllText(config, json.ToString());
        Assert.Contains(fault, Assert.Single(Problems(Options())), StringComparison.Ordinal);
    }

    [Fact]
    public void A_projector_without_biases_is_used_as_it_is_but_not_trained()
    {
        Add("multi_modal_projector.linear_1.bias", null);
        Add("multi_modal_projector.linear_2.bias", null);
        var config = folder.Of("model", "config.json");
        var json = JObject.Parse(File.ReadAllText(config));
        json["multimodal_projector_bias"] = false;
        File.WriteAllText(config, json.ToString());
        Assert.Contains("lora.train-projector", Assert.Single(Problems(Options())), StringComparison.Ordinal);
        Assert.Empty(Problems(Options(new LoraOptions { TrainProjector = false })));
        using var model = LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { });
        Assert.Equal(0, model.Projector.Parameters[1].abs().sum().item<float>());
    }

    private List<string> Problems(ExperimentOptions options, string device = "cpu")
    {
        var problems = new Problems();
        ModelCheck.Check(options, [device], problems, warnings.Add);
        if (problems.Count == 0)
        {
            return [];
        }

        // One stands behind the name of what is checked, several stand in a list.
        var message = Assert.Throws<CoinException>(() => problems.ThrowIfAny("it")).Message;
        return problems.Count == 1 ? [message] : [.. message.Split("\n  - ").Skip(1)];
    }

    private ExperimentOptions Options(LoraOptions? lora = null) =>
        new()
        {
            Name = "t",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "T",
                    Folder = "T",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions { Path = folder.Of("model"), MaxLength = 128 },
            Lora = lora ?? new LoraOptions(),
        };

    private void WriteAdapter()
    {
        using var model = LlavaCheckpoint.Load(folder.Of("model"), ScalarType.Float32, CPU, _ => { });
        TinyLlava.WriteAdapter(folder.Of("adapter"), model);
    }

    private void Change(string key, JToken value)
    {
        var config = folder.Of("model", "config.json");
        var json = JObject.Parse(File.ReadAllText(config));
        json["text_config"]![key] = value;
        File.WriteAllText(config, json.ToString());
    }

    /// <summary>Puts a tensor into the weights, or takes one out.</summary>
    private void Add(string name, Tensor? tensor)
    {
        var path = folder.Of("model", "model.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var file = CheckpointFolder.Open(path))
        {
            tensors = file.Names.ToDictionary(known => known, file.Read);
        }

        if (tensor is null)
        {
            tensors.Remove(name);
        }
        else
        {
            tensors[name] = tensor;
        }

        SafetensorsWriter.Write(path, tensors);
    }

    /// <summary>Writes an index of the weights' file that names one tensor more.</summary>
    private void Index(string further)
    {
        using var file = CheckpointFolder.Open(folder.Of("model", "model.safetensors"));
        var map = new JObject(file.Names.Append(further).Distinct().Select(name => new JProperty(name, "model.safetensors")));
        File.WriteAllText(folder.Of("model", "model.safetensors.index.json"), new JObject { ["weight_map"] = map }.ToString());
    }
}
