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
}
