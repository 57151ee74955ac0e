using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Adapters.Peft;

/// <summary>Variants of the adapter that PEFT wrote for the tiny model.</summary>
[Trait("Category", "Parity")]
public sealed class PeftFolderTests : IDisposable
{
    private const string Golden = "lora-train";

    private readonly LlavaModel model = LlavaCheckpoint.Load(GoldenFolder.Of(Golden, "coin"), ScalarType.Float32, CPU, _ => { });
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly JObject config = GoldenFolder.Json(Golden, "adapter", "adapter_config.json");
    private readonly Dictionary<string, Tensor> weights = new(GoldenFolder.Tensors(Golden, "adapter", "adapter_model.safetensors"));

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
        model.Dispose();
    }

    [Theory]
    [InlineData("adapter_model.bin")]
    [InlineData("adapter_model.safetensors")]
    public void Both_formats_hold_the_same_adapter_with_the_projector_beside_it(string name)
    {
        foreach (var file in new[] { name, "adapter_config.json", "non_lora_trainables.bin" })
        {
            File.Copy(GoldenFolder.Of(Golden, "adapter", file), folder.Of(file));
        }

        using var adapter = PeftFolder.Read(folder.Path, model.Language, model.Projector);
        Assert.Equal(((int)config["r"]!, (double)config["lora_alpha"]!), (adapter.Rank, adapter.Alpha));
        var read = PeftFolder.LowRank(adapter);
        Assert.Equal(weights.Keys.Order(StringComparer.Ordinal), read.Keys.Order(StringComparer.Ordinal));
        Assert.All(weights, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, read[pair.Key])));
        using var projector = CheckpointFolder.Open(GoldenFolder.Of(Golden, "adapter", "non_lora_trainables.bin"));
        Assert.All(PeftFolder.ProjectorWeights(adapter.Projector), pair =>
            Assert.Equal(0, GoldenFolder.Difference(pair.Value, projector.Read(pair.Key)))
        );
        Assert.Equal(4, PeftFolder.ProjectorWeights(adapter.Projector).Count);
    }

    [Theory]
    [InlineData("base_model.model.language_model.model.layers.", ".weight", "mm_projector.safetensors", "mm_projector.")]
    [InlineData(
        "base_model.model.model.language_model.layers.",
        ".default.weight",
        "non_lora_trainables.safetensors",
        "base_model.model.model.mm_projector."
    )]
    public void Other_programs_names_are_understood(string layers, string ending, string projectorFile, string projectorPrefix)
    {
        SafetensorsWriter.Write(
            folder.Of("adapter_model.safetensors"),
            weights.ToDictionary(
                pair =>
                    pair.Key.Replace("base_model.model.model.layers.", layers, StringComparison.Ordinal)
                        .Replace(".weight", ending, StringComparison.Ordinal),
                pair => pair.Value
            )
        );
        using (var projector = CheckpointFolder.Open(GoldenFolder.Of(Golden, "adapter", "non_lora_trainables.bin")))
        {
            SafetensorsWriter.Write(
                folder.Of(projectorFile),
                projector.Names.ToDictionary(
                    name => projectorPrefix + name[(name.LastIndexOf("mm_projector.", StringComparison.Ordinal) + 13)..],
                    projector.Read
                )
            );
        }

        WriteConfig();
        using var adapter = PeftFolder.Read(folder.Path, model.Language, model.Projector);
        Assert.NotNull(adapter.Projector);
        Assert.All(PeftFolder.LowRank(adapter), pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, weights[pair.Key])));
    }

    [Theory]
    [InlineData("[\"q_proj\", \"v_proj\"]")]
    [InlineData("\".*self_attn\\\\.(q|v)_proj\"")]
    public void Modules_that_an_adapter_leaves_alone_stay_as_the_base_has_them(string targets)
    {
        config["target_modules"] = JToken.Parse(targets);
        Write(
            weights.Where(pair =>
                pair.Key.Contains("q_proj", StringComparison.Ordinal) || pair.Key.Contains("v_proj", StringComparison.Ordinal)
            )
        );
        using var adapter = PeftFolder.Read(folder.Path, model.Language, model.Projector);
        var found = PeftFolder.LowRank(adapter);
        Assert.Equal(
            weights
                .Keys.Where(name => name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("v_proj", StringComparison.Ordinal))
                .Order(),
            found.Keys.Order()
        );
        Assert.All(found, pair => Assert.Equal(0, GoldenFolder.Difference(pair.Value, weights[pair.Key])));
        Assert.Equal(["q_proj", "v_proj"], adapter.Targets);

        // Written again it says what it adapts, and can be trained further by any options that say the same or nothing.
        using var again = new TemporaryFolder();
        adapter.Write(again.Path, 0, "m");
        Assert.Equal(
            ["q_proj", "v_proj"],
            JObject.Parse(File.ReadAllText(again.Of("adapter_config.json")))["target_modules"]!.Select(one => (string?)one)
        );
        var options = new LoraOptions
        {
            Rank = adapter.Rank,
            Alpha = adapter.Alpha,
            TrainProjector = false,
        };
        foreach (
            var same in new[]
            {
                options,
                options with
                {
                    Targets = ["self_attn.q_proj", "v_proj"],
                },
                options with
                {
                    TargetPattern = @".*\.[qv]_proj",
                },
            }
        )
        {
            using var read = PeftFolder.ReadToTrain(again.Path, model.Language, model.Projector, same);
            Assert.Equal(found.Count, PeftFolder.LowRank(read).Count);
        }

        foreach (
            var (other, fault) in new[]
            {
                (options with { Targets = ["q_proj"] }, "self_attn.v_proj, but coin.lora.targets is [q_proj]"),
                (options with { Targets = ["q_proj", "v_proj", "k_proj"] }, "has no matrices for model.layers."),
            }
        )
        {
            Assert.Contains(
                fault,
                Assert.Throws<CoinException>(() => PeftFolder.ReadToTrain(again.Path, model.Language, model.Projector, other)).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void A_rank_stabilized_adapter_is_scaled_by_alpha_over_the_root_of_the_rank()
    {
        config["use_rslora"] = true;
        Write(weights);
        using var adapter = PeftFolder.Read(folder.Path, model.Language, model.Projector);
        Assert.Equal((double)config["lora_alpha"]! / Math.Sqrt((double)config["r"]!), adapter.Scaling, 12);
    }

    [Theory]
    [InlineData("use_dora", "true", "use_dora is true")]
    [InlineData("rank_pattern", "{\"q_proj\": 4}", "rank_pattern is set")]
    [InlineData("alpha_pattern", "{\"q_proj\": 4}", "alpha_pattern is set")]
    [InlineData("modules_to_save", "[\"lm_head\"]", "modules_to_save is set")]
    [InlineData("bias", "\"all\"", "bias is all")]
    [InlineData("peft_type", "\"IA3\"", "peft_type is IA3")]
    [InlineData("init_lora_weights", "\"pissa\"", "init_lora_weights is pissa")]
    [InlineData("init_lora_weights", "\"pissa_niter_16\"", "init_lora_weights is pissa_niter_16")]
    [InlineData("init_lora_weights", "\"olora\"", "init_lora_weights is olora")]
    [InlineData("init_lora_weights", "\"corda\"", "init_lora_weights is corda")]
    [InlineData("init_lora_weights", "\"loftq\"", "init_lora_weights is loftq")]
    [InlineData("init_lora_weights", "\"lora_ga\"", "init_lora_weights is lora_ga")]
    [InlineData("alora_invocation_tokens", "[1, 2]", "alora_invocation_tokens is [1,2]")]
    [InlineData("arrow_config", "{\"top_k\": 3}", "arrow_config is")]
    [InlineData("velora_config", "{\"rank\": 1}", "velora_config is")]
    [InlineData("kasa_config", "{\"beta\": 1}", "kasa_config is")]
    [InlineData("megatron_config", "{\"a\": 1}", "megatron_config is")]
    [InlineData("fan_in_fan_out", "true", "fan_in_fan_out is true")]
    [InlineData("lora_bias", "true", "lora_bias is true")]
    [InlineData("use_bdlora", "true", "use_bdlora is true")]
    [InlineData("use_qalora", "true", "use_qalora is true")]
    [InlineData("ensure_weight_tying", "true", "ensure_weight_tying is true")]
    [InlineData("layers_pattern", "\"blocks\"", "layers_pattern is blocks")]
    [InlineData("trainable_token_indices", "[7]", "trainable_token_indices is set")]
    [InlineData("layer_replication", "[[0, 2]]", "layer_replication is set")]
    [InlineData("target_parameters", "[\"w\"]", "target_parameters is set")]
    [InlineData("expert_num", "4", "expert_num is 4, a key that is not known")]
    [InlineData("some_later_variant", "{\"on\": true}", "some_later_variant is {\"on\":true}, a key that is not known")]
    [InlineData("r", "4", "but r is 4")]
    [InlineData("r", "0", "r is 0")]
    [InlineData("r", "\"many\"", "adapter_config.json")]
    [InlineData("target_modules", "null", "names no target_modules")]
    [InlineData("target_modules", "\"(\"", "not a regular expression")]
    [InlineData("target_modules", "7", "a list of names or a regular expression")]
    public void What_plain_LoRA_is_not_is_refused_by_its_key(string key, string value, string fault)
    {
        config[key] = JToken.Parse(value);
        Write(weights);
        Assert.Contains(fault, Refused(), StringComparison.Ordinal);
    }

    [Theory]
    // As the published adapters of CoIN have it (PEFT 0.4), then what other versions and programs add without changing the adapter.
    [InlineData(
        """{"auto_mapping": null, "base_model_name_or_path": "./vicuna", "bias": "none", "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true, "layers_pattern": null, "layers_to_transform": null, "lora_dropout": 0.05, "modules_to_save": null, "peft_type": "LORA", "revision": null, "task_type": "CAUSAL_LM"}"""
    )]
    [InlineData(
        """{"peft_type": "LORA", "enable_lora": null, "merge_weights": false, "bias": "none", "alpha_pattern": {}, "rank_pattern": {}, "loftq_config": {}, "megatron_config": null, "megatron_core": "megatron.core", "use_rslora": false, "use_dora": false, "layer_replication": null}"""
    )]
    [InlineData(
        """{"peft_type": "LORA", "corda_config": null, "eva_config": {"rho": 2.0}, "init_lora_weights": "eva", "exclude_modules": null, "lora_bias": false, "qalora_group_size": 16, "use_qalora": false, "target_parameters": null, "trainable_token_indices": null, "peft_version": "0.18.0", "ensure_weight_tying": false, "alora_invocation_tokens": null, "arrow_config": null, "auto_mapping": {"base_model_class": "LlavaLlamaForCausalLM", "parent_library": "llava.model"}}"""
    )]
    [InlineData("""{"peft_type": "LORA", "init_lora_weights": "gaussian", "layers_pattern": "layers", "modules_to_save": []}""")]
    public void What_PEFT_writes_of_a_plain_adapter_is_accepted(string text)
    {
        var keys = JObject.Parse(text);
        keys["r"] = config["r"];
        keys["lora_alpha"] = config["lora_alpha"];
        keys["target_modules"] = config["target_modules"];
        Write(weights);
        File.WriteAllText(folder.Of("adapter_config.json"), keys.ToString());
        using var adapter = PeftFolder.Read(folder.Path, model.Language, model.Projector);
        Assert.Equal((int)config["r"]!, adapter.Rank);
    }

    [Fact]
    public void Matrices_that_are_missing_left_over_or_saved_empty_are_told_by_name()
    {
        var missing = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";
        Write(weights.Where(pair => pair.Key != missing));
        Assert.Contains(missing, Refused(), StringComparison.Ordinal);
        Write(weights.Append(new("base_model.model.vision_tower.q.lora_A.weight", zeros((int)config["r"]!, 2))));
        Assert.Contains("base_model.model.vision_tower.q.lora_A.weight", Refused(), StringComparison.Ordinal);
        Write([]);
        Assert.Contains("saved empty", Refused(), StringComparison.Ordinal);
        File.Delete(folder.Of("adapter_model.safetensors"));
        Assert.Contains("no weights", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_begins_with_an_adapter_of_its_own_rank_and_alpha_and_trains_the_projector_it_lacks()
    {
        Write(weights);
        var options = new LoraOptions { Rank = (int)config["r"]!, Alpha = (double)config["lora_alpha"]! };
        using (var adapter = PeftFolder.ReadToTrain(folder.Path, model.Language, model.Projector, options))
        {
            Assert.Equal(0, GoldenFolder.Difference(adapter.Projector!.Parameters[0], model.Projector.Parameters[0]));
            Assert.Equal(4, PeftFolder.ProjectorWeights(adapter.Projector).Count);
        }

        var fault = Assert.Throws<CoinException>(() =>
            PeftFolder.ReadToTrain(folder.Path, model.Language, model.Projector, options with { Rank = options.Rank + 1 })
        );
        Assert.Contains("lora.rank", fault.Message, StringComparison.Ordinal);
        File.Copy(GoldenFolder.Of(Golden, "adapter", "non_lora_trainables.bin"), folder.Of("non_lora_trainables.bin"));
        Assert.Contains(
            "train-projector",
            Assert
                .Throws<CoinException>(() =>
                    PeftFolder.ReadToTrain(folder.Path, model.Language, model.Projector, options with { TrainProjector = false })
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    private void Write(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        SafetensorsWriter.Write(folder.Of("adapter_model.safetensors"), new Dictionary<string, Tensor>(tensors));
        WriteConfig();
    }

    private void WriteConfig() => File.WriteAllText(folder.Of("adapter_config.json"), config.ToString());

    private string Refused()
    {
        var message = Assert.Throws<CoinException>(() => PeftFolder.Read(folder.Path, model.Language, model.Projector)).Message;
        Assert.Contains(folder.Path, message, StringComparison.Ordinal);
        return message;
    }
}
