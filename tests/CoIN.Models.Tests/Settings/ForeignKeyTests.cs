using CoIN.Benchmark;
using CoIN.Models.Families.Llava;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Imaging;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Settings;

/// <summary>What would change the computation is refused by its key, also where nobody thought of that key.</summary>
public sealed class ForeignKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("text_config.model_type", "\"mistral\"", "text_config.model_type is mistral")]
    [InlineData("text_config.sliding_window", "16", "text_config.sliding_window is 16")]
    [InlineData("text_config.attention_bias", "true", "text_config.attention_bias is true")]
    [InlineData("text_config.mlp_bias", "true", "text_config.mlp_bias is true")]
    [InlineData("text_config.head_dim", "16", "text_config.head_dim is 16; supported is 8")]
    [InlineData("text_config.attention_dropout", "0.1", "text_config.attention_dropout is 0.1")]
    [InlineData("text_config.rope_scaling", "{\"type\": \"su\", \"factor\": 4.0}", "text_config.rope_scaling.type is su")]
    [InlineData("text_config.rope_scaling", "{\"type\": \"linear\"}", "text_config.rope_scaling.factor is missing")]
    [InlineData("text_config.rope_scaling", "{\"type\": \"linear\", \"factor\": 0.5}", "text_config.rope_scaling.factor is 0.5")]
    [InlineData(
        "text_config.rope_scaling",
        "{\"type\": \"linear\", \"factor\": 2, \"beta_fast\": 32}",
        "text_config.rope_scaling.beta_fast is 32, a key that is not known"
    )]
    [InlineData(
        "text_config.rope_parameters",
        "{\"rope_type\": \"longrope\", \"short_factor\": [1]}",
        "text_config.rope_parameters.rope_type is longrope"
    )]
    [InlineData(
        "text_config.rope_parameters",
        "{\"rope_type\": \"llama3\", \"factor\": 8.0}",
        "text_config.rope_parameters.low_freq_factor is missing"
    )]
    [InlineData(
        "text_config.rope_parameters",
        "{\"rope_type\": \"yarn\", \"factor\": 8, \"beta_slow\": \"x\"}",
        "text_config.rope_parameters.beta_slow is x"
    )]
    [InlineData(
        "text_config.rope_parameters",
        "{\"rope_type\": \"linear\", \"factor\": 2, \"partial_rotary_factor\": 0.5}",
        "partial_rotary_factor is 0.5"
    )]
    [InlineData("text_config.original_max_position_embeddings", "16", "text_config.original_max_position_embeddings is 16")]
    [InlineData("image_token_id", "7", "image_token_id is 7; supported is what image_token_index says, 279")]
    [InlineData("image_seq_length", "5", "image_seq_length is 5; supported is the vision tower's 4")]
    [InlineData("text_config.rope_parameters", "{\"rope_type\": \"default\", \"mrope_section\": [16]}", "rope_parameters.mrope_section")]
    [InlineData("text_config.logits_scaling", "8.0", "text_config.logits_scaling is 8.0")]
    [InlineData("text_config.pruned_heads", "{\"0\": [1]}", "text_config.pruned_heads")]
    [InlineData("text_config.tie_word_embeddings", "true", "tie_word_embeddings is false")]
    [InlineData("vision_config.model_type", "\"siglip_vision_model\"", "vision_config.model_type is siglip_vision_model")]
    [InlineData("vision_config.num_channels", "4", "vision_config.num_channels is 4")]
    [InlineData("vision_config.hidden_size", "\"wide\"", "vision_config.hidden_size is wide, a value of a wrong kind")]
    [InlineData("vision_config.vision_use_head", "false", "vision_config.vision_use_head is false, a key that is not known")]
    [InlineData("vision_feature_layer", "[-2, -5]", "vision_feature_layer is [-2,-5]")]
    [InlineData("projector_hidden_act", "\"relu\"", "projector_hidden_act is relu")]
    [InlineData("image_grid_pinpoints", "[[336, 672]]", "image_grid_pinpoints is [[336,672]]")]
    [InlineData("quantization_config", "{\"quant_method\": \"awq\", \"bits\": 4}", "quantized (awq, 4 bits)")]
    [InlineData("quantization_config", "{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}", "quantized (bitsandbytes, 8 bits)")]
    public void A_hub_s_LLaVA_is_refused_by_key_and_value(string key, string value, string fault)
    {
        TinyLlava.WriteHub(folder.Path);
        Change("config.json", (key, JToken.Parse(value)));
        var message = Assert.Throws<CoinException>(() => LlavaConfig.Read(LlavaSource.Of(folder.Path))).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.Contains(folder.Of("config.json"), message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_with_a_file_is_told_at_once()
    {
        TinyLlava.WriteHub(folder.Path);
        Change("config.json", ("text_config.sliding_window", 16), ("vision_config.num_channels", 4), ("new_key", 1));
        var message = Assert.Throws<CoinException>(() => LlavaConfig.Read(LlavaSource.Of(folder.Path))).Message;
        Assert.All(new[] { "sliding_window", "num_channels", "new_key" }, key => Assert.Contains(key, message, StringComparison.Ordinal));
    }

    [Fact]
    public void Two_descriptions_of_a_rope_that_say_different_things_are_refused()
    {
        TinyLlava.WriteHub(folder.Path);
        Change(
            "config.json",
            ("text_config.rope_scaling", JObject.Parse("""{"type": "linear", "factor": 4.0}""")),
            ("text_config.rope_parameters", JObject.Parse("""{"rope_type": "linear", "factor": 2.0}"""))
        );
        Assert.Contains(
            "rope_parameters and rope_scaling",
            Assert.Throws<CoinException>(() => LlavaConfig.Read(LlavaSource.Of(folder.Path))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("patch_size", "7", "patch_size is 7; supported is 8")]
    [InlineData("num_additional_image_tokens", "0", "num_additional_image_tokens is 0; supported is 1")]
    [InlineData("vision_feature_select_strategy", "\"full\"", "vision_feature_select_strategy is full; supported is default")]
    public void A_processor_that_counts_a_picture_s_tokens_otherwise_than_the_model_is_refused(string key, string value, string fault)
    {
        TinyLlava.WriteHub(folder.Path);
        File.WriteAllText(folder.Of("processor_config.json"), $$"""{"image_token": "<image>", "{{key}}": {{value}}}""");
        Assert.Contains(
            fault,
            Assert.Throws<CoinException>(() => LlavaSettings.Read(LlavaSource.Of(folder.Path))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("{\"rope_type\": \"default\"}", "null", 5000, 5000)]
    [InlineData("null", "{\"rope_type\": \"default\", \"rope_theta\": 7000.0}", 5000, 7000)]
    [InlineData("null", "null", 5000, 5000)]
    [InlineData("null", "null", null, 10000)]
    public void The_plain_rope_is_accepted_in_all_its_spellings_and_newer_parameters_go_before_the_older_key(
        string scaling,
        string parameters,
        int? older,
        double theta
    )
    {
        TinyLlava.WriteHub(folder.Path);
        Change(
            "config.json",
            ("text_config.rope_scaling", JToken.Parse(scaling)),
            ("text_config.rope_parameters", JToken.Parse(parameters)),
            ("text_config.rope_theta", older is { } given ? new JValue((double)given) : JValue.CreateNull())
        );
        Assert.Equal(theta, LlavaConfig.Read(LlavaSource.Of(folder.Path)).Text.RopeTheta);
    }

    [Theory]
    [InlineData("image_aspect_ratio", "\"anyres\"", "image_aspect_ratio is anyres")]
    [InlineData("mm_patch_merge_type", "\"spatial_unpad\"", "mm_patch_merge_type is spatial_unpad")]
    [InlineData("unfreeze_mm_vision_tower", "true", "unfreeze_mm_vision_tower is true")]
    [InlineData("mm_projector_type", "\"linear\"", "mm_projector_type is linear")]
    [InlineData("mm_hidden_size", "99", "mm_hidden_size is 99")]
    [InlineData("mm_use_im_start_end", "true", "mm_use_im_start_end is true")]
    [InlineData("mm_resampler_type", "\"perceiver\"", "mm_resampler_type is perceiver")]
    public void LLaVA_s_own_layout_is_refused_where_it_is_no_LLaVA_1_5(string key, string value, string fault)
    {
        TinyLlava.WriteParts(folder.Path, 280);
        Change("llama/config.json", ("mm_projector_type", "mlp2x_gelu"), ("model_type", "llava_llama"));
        Change("llama/config.json", (key, JToken.Parse(value)));
        var source = new LlavaSource(LlavaLayout.Original, folder.Of("llama"), folder.Of("clip"), null, []);
        Assert.Contains(fault, Assert.Throws<CoinException>(() => LlavaConfig.Read(source)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("do_normalize", "false", "do_normalize is false")]
    [InlineData("do_rescale", "false", "do_rescale is false")]
    [InlineData("do_resize", "false", "do_resize is false")]
    [InlineData("resample", "null", "resample is null")]
    [InlineData("resample", "2", "resample is 2")]
    [InlineData("size", "{\"height\": 16, \"width\": 24}", "size is {\"height\":16,\"width\":24}")]
    [InlineData("size", "{\"longest_edge\": 16}", "size.longest_edge")]
    [InlineData("crop_size", "8", "size is 16 and crop_size 8")]
    [InlineData("image_std", "[1.0, 0.0, 1.0]", "image_std")]
    [InlineData("crop_pct", "0.9", "crop_pct is 0.9")]
    public void An_image_processor_that_computes_something_else_is_refused(string key, string value, string fault)
    {
        TinyLlava.WriteHub(folder.Path);
        Change("preprocessor_config.json", (key, JToken.Parse(value)));
        Assert.Contains(fault, Assert.Throws<CoinException>(() => ClipImageProcessor.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_processor_is_read_from_processor_config_too_and_two_that_differ_are_refused()
    {
        TinyLlava.WriteHub(folder.Path);
        var own = JObject.Parse(File.ReadAllText(folder.Of("preprocessor_config.json")));
        var shared = new JObject
        {
            ["image_processor"] = own,
            ["image_token"] = "<image>",
            ["patch_size"] = 8,
            ["processor_class"] = "LlavaProcessor",
        };
        File.WriteAllText(folder.Of("processor_config.json"), shared.ToString());
        Assert.Equal(16, ClipImageProcessor.Load(folder.Path).Size);
        File.Delete(folder.Of("preprocessor_config.json"));
        Assert.Equal(16, ClipImageProcessor.Load(folder.Path).Size);
        own["image_mean"] = new JArray(0.1, 0.1, 0.1);
        File.WriteAllText(folder.Of("preprocessor_config.json"), own.ToString());
        Assert.Contains(
            "two image processors",
            Assert.Throws<CoinException>(() => ClipImageProcessor.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
        File.Delete(folder.Of("processor_config.json"));
        File.Delete(folder.Of("preprocessor_config.json"));
        Assert.Contains(
            "says nothing of the image processor",
            Assert.Throws<CoinException>(() => ClipImageProcessor.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("attention_bias", "false", "attention_bias is false")]
    [InlineData("use_mrope", "true", "use_mrope is true")]
    [InlineData("rope_parameters", "{\"rope_type\": \"yarn\"}", "rope_parameters.factor is missing")]
    [InlineData("quantization_config", "{\"quant_method\": \"gptq\", \"bits\": 8}", "quantized (gptq, 8 bits)")]
    [InlineData("num_experts", "8", "num_experts is 8")]
    public void A_judge_is_refused_by_key_and_value(string key, string value, string fault)
    {
        File.WriteAllText(folder.Of("config.json"), new JObject { ["model_type"] = "qwen2", [key] = JToken.Parse(value) }.ToString());
        Assert.Contains(fault, Assert.Throws<CoinException>(() => Qwen2Config.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Change(string file, params (string Key, JToken Value)[] changes)
    {
        var json = JObject.Parse(File.ReadAllText(folder.Of(file)));
        foreach (var (key, value) in changes)
        {
            var parts = key.Split('.');
            var at = parts[..^1].Aggregate(json, (section, name) => (JObject)section[name]!);
            at[parts[^1]] = value;
        }

        File.WriteAllText(folder.Of(file), json.ToString());
    }
}
