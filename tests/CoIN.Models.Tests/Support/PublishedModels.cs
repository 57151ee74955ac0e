namespace CoIN.Models.Tests.Support;

/// <summary>Configurations of published models, of which there are no weights here.</summary>
internal static class PublishedModels
{
    /// <summary>LLaVA-1.5-13B's <c>config.json</c> as transformers 5 saves it.</summary>
    public const string LlavaThirteenBillion = """
        {"architectures": ["LlavaForConditionalGeneration"], "dtype": "bfloat16", "image_seq_length": 576, "image_token_index": 32000, "model_type": "llava",
         "multimodal_projector_bias": true, "projector_hidden_act": "gelu", "tie_word_embeddings": false, "transformers_version": "5.12.1",
         "text_config": {"attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "dtype": "bfloat16", "eos_token_id": 2, "head_dim": 128,
           "hidden_act": "silu", "hidden_size": 5120, "initializer_range": 0.02, "intermediate_size": 13824, "max_position_embeddings": 4096, "mlp_bias": false,
           "model_type": "llama", "num_attention_heads": 40, "num_hidden_layers": 40, "num_key_value_heads": 40, "pad_token_id": null, "pretraining_tp": 1,
           "rms_norm_eps": 1e-05, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "tie_word_embeddings": false, "use_cache": true,
           "vocab_size": 32064},
         "vision_config": {"attention_dropout": 0.0, "dtype": "bfloat16", "hidden_act": "quick_gelu", "hidden_size": 1024, "image_size": 336,
           "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model",
           "num_attention_heads": 16, "num_channels": 3, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768},
         "vision_feature_layer": -2, "vision_feature_select_strategy": "default"}
        """;

    /// <summary>Qwen-VL-Chat's <c>config.json</c> as its authors wrote it.</summary>
    public const string QwenVlChat = """
        {"_name_or_path": "./", "architectures": ["QWenLMHeadModel"], "attn_dropout_prob": 0.0,
         "auto_map": {"AutoConfig": "configuration_qwen.QWenConfig", "AutoModelForCausalLM": "modeling_qwen.QWenLMHeadModel"},
         "bf16": false, "emb_dropout_prob": 0.0, "fp16": false, "fp32": false, "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 22016,
         "kv_channels": 128, "layer_norm_epsilon": 1e-06, "max_position_embeddings": 8192, "model_type": "qwen", "no_bias": true, "num_attention_heads": 32,
         "num_hidden_layers": 32, "onnx_safe": null, "rotary_emb_base": 10000, "rotary_pct": 1.0, "scale_attn_weights": true, "seq_length": 2048,
         "tie_word_embeddings": false, "tokenizer_type": "QWenTokenizer", "torch_dtype": "bfloat16", "transformers_version": "4.31.0", "use_cache": true,
         "use_dynamic_ntk": true, "use_flash_attn": false, "use_logn_attn": true,
         "visual": {"heads": 16, "image_size": 448, "image_start_id": 151857, "layers": 48, "mlp_ratio": 4.9231, "output_dim": 4096, "patch_size": 14, "width": 1664},
         "vocab_size": 151936}
        """;
}
