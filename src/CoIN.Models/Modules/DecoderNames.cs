namespace CoIN.Models.Modules;

/// <summary>
/// What a checkpoint calls a decoder's weights, without the prefix in front of all of them and without <c>.weight</c> and <c>.bias</c>. As
/// it stands: LLaMA's names.
/// </summary>
internal sealed record DecoderNames
{
    public static DecoderNames Llama { get; } = new();

    /// <summary>What stands before a layer's number in the names of its modules, as PEFT knows them.</summary>
    public string Modules { get; init; } = "model.layers.";

    public string Embedding { get; init; } = "embed_tokens";

    /// <summary>The final norm.</summary>
    public string Norm { get; init; } = "norm";

    /// <summary>What stands before a layer's number.</summary>
    public string Layers { get; init; } = "layers";

    /// <summary>The norm in front of a layer's attention.</summary>
    public string InputNorm { get; init; } = "input_layernorm";

    /// <summary>The norm in front of its feed-forward network.</summary>
    public string PostNorm { get; init; } = "post_attention_layernorm";

    /// <summary>The maps to queries, keys and values, in this order; one name where a checkpoint holds them as one matrix.</summary>
    public IReadOnlyList<string> Qkv { get; init; } = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    public string Output { get; init; } = "self_attn.o_proj";

    /// <summary>The map whose result goes through the activation.</summary>
    public string Gate { get; init; } = "mlp.gate_proj";

    public string Up { get; init; } = "mlp.up_proj";

    public string Down { get; init; } = "mlp.down_proj";
}
