namespace CoIN.Models.Settings;

/// <summary>What transformers writes into every part of a <c>config.json</c>, beside the keys of the architecture.</summary>
internal static class TransformersKeys
{
    /// <summary>
    /// Who wrote the file and how the model was held; tasks' labels; special tokens, which are the tokenizer's here; how weights once
    /// began.
    /// </summary>
    private static readonly string[] Records =
    [
        "architectures",
        "_name_or_path",
        "name_or_path",
        "_commit_hash",
        "transformers_version",
        "torch_dtype",
        "dtype",
        "_attn_implementation",
        "_attn_implementation_autoset",
        "attn_implementation",
        "_flash_attn_2_enabled",
        "_experts_implementation",
        "use_cache",
        "return_dict",
        "use_return_dict",
        "output_attentions",
        "output_hidden_states",
        "use_bfloat16",
        "torchscript",
        "gradient_checkpointing",
        "unsloth_version",
        "unsloth_fixed",
        "id2label",
        "label2id",
        "num_labels",
        "_num_labels",
        "problem_type",
        "finetuning_task",
        "task_specific_params",
        "tf_legacy_loss",
        "tokenizer_class",
        "prefix",
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "sep_token_id",
        "unk_token_id",
        "decoder_start_token_id",
        "initializer_range",
        "initializer_factor",
        "is_decoder",
        "model_max_length",
        "max_sequence_length",
        // Of NF4 by bitsandbytes, which the tensors say too; anything else was refused before.
        "quantization_config",
    ];

    /// <summary>
    /// Settings of sampling and beam search, which transformers kept here until version 4.50: test answers are greedy, and a judge's
    /// sampling is its own.
    /// </summary>
    private static readonly string[] Generation =
    [
        "do_sample",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
        "num_beams",
        "num_beam_groups",
        "num_return_sequences",
        "length_penalty",
        "early_stopping",
        "diversity_penalty",
        "max_length",
        "max_new_tokens",
        "output_scores",
        "return_dict_in_generate",
        "remove_invalid_values",
    ];

    /// <summary>Takes note of them, and refuses those values of them that would change what is computed.</summary>
    public static void Account(JsonSettings settings)
    {
        settings.Harmless(Records);
        settings.Harmless(Generation);
        settings.Number("repetition_penalty", 1);
        settings.Number("no_repeat_ngram_size", 0);
        settings.Number("encoder_no_repeat_ngram_size", 0);
        settings.Number("min_length", 0);
        settings.Number("chunk_size_feed_forward", 0);
        settings.Off("add_cross_attention", "is_encoder_decoder", "tie_encoder_decoder");
        settings.Empty("pruned_heads");
    }

    /// <summary>Sizes that are at least 1.</summary>
    public static void Positive(JsonSettings settings, string part, params ReadOnlySpan<int> sizes)
    {
        foreach (var size in sizes)
        {
            if (size < 1)
            {
                settings.Fault($"a {part} size or number is {size}; supported is 1 or more.");
            }
        }
    }
}
