using CoIN.Models.Families.Llava;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Modules;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Support;

namespace CoIN.Models.Tests.Settings;

/// <summary>The keys of published models' files, as their authors and newer transformers wrote them: all of them are accepted.</summary>
public sealed class PublishedConfigurationTests : IDisposable
{
    private const string VicunaKeys = """
        "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008,
        "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "pad_token_id": 0, "pretraining_tp": 1,
        "rms_norm_eps": 1e-05, "rope_scaling": null, "tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.31.0", "use_cache": true,
        "vocab_size": 32000
        """;

    private const string ModelledInFull = """
        "_name_or_path": "", "add_cross_attention": false, "architectures": null, "bad_words_ids": null, "bos_token_id": 0, "chunk_size_feed_forward": 0,
        "cross_attention_hidden_size": null, "decoder_start_token_id": null, "diversity_penalty": 0.0, "do_sample": false, "early_stopping": false,
        "encoder_no_repeat_ngram_size": 0, "eos_token_id": 2, "exponential_decay_length_penalty": null, "finetuning_task": null, "forced_bos_token_id": null,
        "forced_eos_token_id": null, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "is_decoder": false, "is_encoder_decoder": false, "label2id": {"LABEL_0": 0, "LABEL_1": 1},
        "length_penalty": 1.0, "max_length": 20, "min_length": 0, "no_repeat_ngram_size": 0, "num_beam_groups": 1, "num_beams": 1, "num_return_sequences": 1,
        "output_attentions": false, "output_hidden_states": false, "output_scores": false, "pad_token_id": 1, "prefix": null, "problem_type": null, "pruned_heads": {},
        "remove_invalid_values": false, "repetition_penalty": 1.0, "return_dict": true, "return_dict_in_generate": false, "sep_token_id": null,
        "task_specific_params": null, "temperature": 1.0, "tf_legacy_loss": false, "tie_encoder_decoder": false, "tie_word_embeddings": true, "tokenizer_class": null,
        "top_k": 50, "top_p": 1.0, "torch_dtype": null, "torchscript": false, "transformers_version": "4.21.3", "typical_p": 1.0, "use_bfloat16": false
        """;

    private const string Clip336 = $$"""
        {
          "_name_or_path": "openai/clip-vit-large-patch14-336", "architectures": ["CLIPModel"], "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
          "model_type": "clip", "projection_dim": 768, "torch_dtype": "float32", "transformers_version": null,
          "text_config": {{{ModelledInFull}}, "hidden_size": 768, "model_type": "clip_text_model", "vocab_size": 49408},
          "text_config_dict": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12, "projection_dim": 768},
          "vision_config": {
            {{ModelledInFull}}, "attention_dropout": 0.0, "dropout": 0.0, "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 224, "initializer_factor": 1.0,
            "initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model", "num_attention_heads": 16,
            "num_channels": 3, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768
          },
          "vision_config_dict": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768}
        }
        """;

    private const string LlavaOriginal = $$"""
        {
          "_name_or_path": "llava-v1.5-7b", "architectures": ["LlavaLlamaForCausalLM"], {{VicunaKeys}}, "freeze_mm_mlp_adapter": false, "freeze_mm_vision_resampler": false,
          "image_aspect_ratio": "pad", "image_grid_pinpoints": null, "max_length": 4096, "mm_hidden_size": 1024, "mm_patch_merge_type": "flat", "mm_projector_lr": null,
          "mm_projector_type": "mlp2x_gelu", "mm_resampler_type": null, "mm_use_im_patch_token": false, "mm_use_im_start_end": false,
          "mm_vision_select_feature": "patch", "mm_vision_select_layer": -2, "mm_vision_tower": "openai/clip-vit-large-patch14-336", "model_type": "llava",
          "attention_bias": false, "attention_dropout": 0.0, "tokenizer_model_max_length": 2048, "tokenizer_padding_side": "right", "tune_mm_mlp_adapter": false,
          "tune_mm_vision_resampler": false, "unfreeze_mm_vision_tower": false, "use_mm_proj": true
        }
        """;

    private readonly TemporaryFolder folder = new();

    private static LlavaConfig SevenBillion { get; } =
        new(
            new VisionConfig(1024, 4096, 24, 16, 336, 14, "quick_gelu", 1e-5),
            new DecoderConfig(4096, 11008, 32, 32, 32, 32000, 1e-5, 10000, 4096, false),
            -2,
            false
        );

    /// <summary>
    /// llava-hf/llava-1.5-7b-hf: as it was first, as later versions of transformers save it, with everything in each part, and as version 5
    /// does.
    /// </summary>
    public static TheoryData<string> Hub =>
        new(
            """
            {"architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100, "image_token_index": 32000, "model_type": "llava", "pad_token_id": 32001,
             "projector_hidden_act": "gelu", "text_config": {"_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"],
             "max_position_embeddings": 4096, "model_type": "llama", "rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32064},
             "tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.36.0.dev0",
             "vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "model_type": "clip_vision_model", "num_attention_heads": 16,
             "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768, "vocab_size": 32000},
             "vision_feature_layer": -2, "vision_feature_select_strategy": "default", "vocab_size": 32064}
            """,
            $$"""
            {"_name_or_path": "llava-hf/llava-1.5-7b-hf", "_attn_implementation_autoset": true, "architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100,
             "image_seq_length": 576, "image_token_index": 32000, "model_type": "llava", "multimodal_projector_bias": true, "projector_hidden_act": "gelu",
             "text_config": {{{ModelledInFull.Replace(
                "\"tie_word_embeddings\": true",
                "\"tie_word_embeddings\": false",
                StringComparison.Ordinal
            )}}, "attention_bias": false,
             "attention_dropout": 0.0, "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008,
             "max_position_embeddings": 4096, "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
             "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0, "use_cache": true, "vocab_size": 32064},
             "torch_dtype": "bfloat16", "transformers_version": "4.46.3",
             "vision_config": {{{ModelledInFull}}, "attention_dropout": 0.0, "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 336,
             "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model",
             "num_attention_heads": 16, "num_channels": 3, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768, "vocab_size": 32000},
             "vision_feature_layer": [-2], "vision_feature_select_strategy": "default"}
            """,
            """
            {"architectures": ["LlavaForConditionalGeneration"], "dtype": "float16", "image_seq_length": 576, "image_token_id": 32000, "model_type": "llava",
             "multimodal_projector_bias": true, "projector_hidden_act": "gelu", "pad_token_id": 32001,
             "text_config": {"attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "dtype": "float16", "eos_token_id": 2, "head_dim": 128,
             "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 4096, "mlp_bias": false,
             "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "pad_token_id": null, "pretraining_tp": 1,
             "rms_norm_eps": 1e-05, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": false, "use_cache": true, "vocab_size": 32064},
             "tie_word_embeddings": false, "transformers_version": "5.12.1",
             "vision_config": {"attention_dropout": 0.0, "dtype": "float16", "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 336, "initializer_factor": 1.0,
             "initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model", "num_attention_heads": 16,
             "num_channels": 3, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768},
             "vision_feature_layer": -2, "vision_feature_select_strategy": "default"}
            """
        );

    public static TheoryData<string> Qwen =>
        new(
            // Qwen1.5-7B-Chat and Qwen2.5, then the same as transformers 5 writes it, then a distilled one.
            """
            {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 4096,
             "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 32768, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 32,
             "num_hidden_layers": 32, "num_key_value_heads": 32, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": false,
             "torch_dtype": "bfloat16", "transformers_version": "4.37.0", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
            """,
            """
            {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "dtype": "bfloat16", "eos_token_id": 151645, "hidden_act": "silu",
             "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008, "layer_types": ["full_attention", "full_attention"], "max_position_embeddings": 32768,
             "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "pad_token_id": null,
             "rms_norm_eps": 1e-06, "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}, "sliding_window": null, "tie_word_embeddings": false,
             "transformers_version": "5.2.0", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
            """,
            """
            {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu", "hidden_size": 4096,
             "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 32768, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 32,
             "num_hidden_layers": 32, "num_key_value_heads": 32, "rms_norm_eps": 1e-06, "rope_theta": 1000000, "rope_scaling": null, "sliding_window": 4096,
             "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.44.0", "use_cache": true, "use_mrope": false, "use_sliding_window": false,
             "vocab_size": 151936}
            """
        );

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Hub))]
    public void The_hub_s_LLaVA_is_accepted_with_every_key_it_was_ever_saved_with(string config)
    {
        Write("model", config);
        var read = LlavaConfig.Read(new LlavaSource(LlavaLayout.Hub, folder.Of("model"), folder.Of("model"), null, []));
        Assert.Equal(SevenBillion with { Text = SevenBillion.Text with { VocabularySize = 32064 }, ImageTokenId = 32000 }, read);
    }

    [Fact]
    public void Thirteen_billion_parameters_are_the_same_model_with_other_sizes()
    {
        Write("model", PublishedModels.LlavaThirteenBillion);
        var read = LlavaConfig.Read(new LlavaSource(LlavaLayout.Hub, folder.Of("model"), folder.Of("model"), null, []));
        Assert.Equal(
            SevenBillion with
            {
                Text = new DecoderConfig(5120, 13824, 40, 40, 40, 32064, 1e-5, 10000, 4096, false),
                ImageTokenId = 32000,
            },
            read
        );

        // By the shapes of all tensors but CLIP's last layer and norm, which features of the last layer but one do not need.
        var counts = ParameterCounts.Of(read.Shape, rank: 128);
        Assert.Equal(ThirteenBillion(), counts.Base);
        Assert.Equal((576, 128), (read.ImageTokens, read.Text.HeadSize));

        static long ThirteenBillion()
        {
            const long Hidden = 5120,
                Inner = 13824,
                Rows = 32064,
                Tower = 1024;
            long language = (2 * Rows * Hidden) + Hidden + (40 * ((4 * Hidden * Hidden) + (3 * Hidden * Inner) + (2 * Hidden)));
            long projector = (Tower * Hidden) + Hidden + (Hidden * Hidden) + Hidden;
            long layer = (4 * ((Tower * Tower) + Tower)) + (2 * Tower * 4096) + 4096 + Tower + (4 * Tower);
            long vision = (3 * 14 * 14 * Tower) + (577 * Tower) + Tower + (2 * Tower) + (23 * layer);
            return language + projector + vision;
        }
    }

    [Fact]
    public void LLaVA_in_its_own_layout_beside_OpenAI_s_CLIP_is_accepted()
    {
        Write("model", LlavaOriginal);
        Write("clip", Clip336);
        Assert.Equal(
            SevenBillion,
            LlavaConfig.Read(new LlavaSource(LlavaLayout.Original, folder.Of("model"), folder.Of("clip"), null, []))
        );
    }

    [Fact]
    public void Vicuna_and_CLIP_by_themselves_are_accepted()
    {
        Write(
            "llama",
            $$"""{"_name_or_path": "vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"], "model_type": "llama", {{VicunaKeys}}}"""
        );
        Write("clip", Clip336);
        Assert.Equal(SevenBillion, LlavaConfig.Read(new LlavaSource(LlavaLayout.Parts, folder.Of("llama"), folder.Of("clip"), "p", [])));
    }

    [Theory]
    [MemberData(nameof(Qwen))]
    public void Qwen_s_chat_models_are_accepted(string config)
    {
        Write("qwen", config);
        Assert.Equal(
            new DecoderConfig(4096, 11008, 32, 32, 32, 151936, 1e-6, 1000000, 32768, false, AttentionBias: true),
            Qwen2Config.Read(folder.Of("qwen"))
        );
    }

    private void Write(string part, string config)
    {
        Directory.CreateDirectory(folder.Of(part));
        File.WriteAllText(folder.Of(part, "config.json"), config);
    }
}
