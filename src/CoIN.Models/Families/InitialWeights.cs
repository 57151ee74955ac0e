using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>The weights of an untrained model by their names, drawn in the order in which they are added.</summary>
/// <param name="dtype">The weights' type.</param>
internal sealed class InitialWeights(Generator generator, ScalarType dtype = ScalarType.Float32)
{
    /// <summary>Deviation of embeddings.</summary>
    public const double Embedding = 0.02;

    private readonly Dictionary<string, Tensor> weights = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, Tensor> All => weights;

    /// <summary>Normal numbers around zero, the same ones for every type but for its rounding.</summary>
    public void Random(string name, double deviation, params long[] shape)
    {
        using var drawn = NewDisposeScope();
        weights[name] = empty(shape).normal_(0, deviation, generator).to(dtype).MoveToOuterDisposeScope();
    }

    public void Zeros(string name, long size) => weights[name] = zeros(size, dtype);

    /// <summary>A norm that changes nothing yet.</summary>
    public void Norm(string name, long size, bool bias)
    {
        weights[$"{name}.weight"] = ones(size, dtype);
        if (bias)
        {
            Zeros($"{name}.bias", size);
        }
    }

    /// <summary>A linear map with deviation 1/√inputs and biases of zero.</summary>
    public void Map(string name, long outputs, long inputs, bool bias)
    {
        Random($"{name}.weight", 1 / Math.Sqrt(inputs), outputs, inputs);
        if (bias)
        {
            Zeros($"{name}.bias", outputs);
        }
    }

    /// <summary>A LLaMA: embeddings with deviation 0.02, layers, output head.</summary>
    /// <param name="prefix">What stands before embeddings, layers and norm.</param>
    /// <param name="head">The output head's name.</param>
    public void Decoder(string prefix, string head, DecoderConfig text)
    {
        long hidden = text.HiddenSize,
            inner = text.IntermediateSize;
        Random($"{prefix}embed_tokens.weight", Embedding, text.VocabularySize, hidden);
        Norm($"{prefix}norm", hidden, bias: false);
        for (var i = 0; i < text.Layers; i++)
        {
            var layer = $"{prefix}layers.{i}.";
            Norm($"{layer}input_layernorm", hidden, bias: false);
            Norm($"{layer}post_attention_layernorm", hidden, bias: false);
            Map($"{layer}self_attn.q_proj", hidden, hidden, text.AttentionBias);
            Map($"{layer}self_attn.k_proj", text.KeyValueSize, hidden, text.AttentionBias);
            Map($"{layer}self_attn.v_proj", text.KeyValueSize, hidden, text.AttentionBias);
            Map($"{layer}self_attn.o_proj", hidden, hidden, bias: false);
            Map($"{layer}mlp.gate_proj", inner, hidden, bias: false);
            Map($"{layer}mlp.up_proj", inner, hidden, bias: false);
            Map($"{layer}mlp.down_proj", hidden, inner, bias: false);
        }

        if (!text.TiedEmbeddings)
        {
            Random(head, Embedding, text.VocabularySize, hidden);
        }
    }
}
