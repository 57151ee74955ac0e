using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>Shape of a <see cref="Resampler"/>.</summary>
/// <param name="In">Features of a patch.</param>
/// <param name="Out">Features of a query.</param>
/// <param name="Across">Patches of a side of the picture.</param>
internal sealed record ResamplerConfig(int In, int Out, int Queries, int Heads, int Across, double NormEps)
{
    public int HeadSize => Out / Heads;

    public long Parameters => (In == Out ? 0 : (long)In * Out) + (2L * Queries * Out) + (5L * Out * Out) + (10L * Out);
}

/// <summary>
/// Qwen-VL's adapter from patches to the language model (Bai et al. 2023): as many learned queries as a picture has places attend to all
/// patches. Queries and keys, not values, have their places added; the keys' table is stretched to the picture's patches.
/// </summary>
internal sealed class Resampler : IDisposable
{
    /// <summary>Takes the resampler out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>transformer.visual.</c>.</param>
    public Resampler(CheckpointFolder checkpoint, string prefix, ResamplerConfig config, ScalarType dtype, Device device)
    {
        Config = config;
        int size = config.Out;
        using var scope = NewDisposeScope();
        Tensor Take(string name, params long[] shape) => checkpoint.Take($"{prefix}{name}", dtype, device, shape).DetachFromDisposeScope();
        Map = config.In == size ? null : Take("attn_pool.kv_proj.weight", size, config.In);
        Query = Take("attn_pool.query", config.Queries, size);
        Positions = Take("attn_pool.pos_embed", config.Queries, size);
        KeyPositions = (
            config.Across * config.Across == config.Queries ? Positions.alias()
            : device.type == DeviceType.META ? empty([config.Across * config.Across, size], dtype, device)
            : VisionTransformer.Resized(Positions.to(ScalarType.Float32), 0, config.Across).to(dtype)
        ).DetachFromDisposeScope();
        QueryNorm = new LayerNorm(checkpoint, $"{prefix}attn_pool.ln_q", size, config.NormEps, dtype, device);
        KeyNorm = new LayerNorm(checkpoint, $"{prefix}attn_pool.ln_kv", size, config.NormEps, dtype, device);
        Attention = Take("attn_pool.attn.in_proj_weight", 3 * size, size);
        AttentionBias = Take("attn_pool.attn.in_proj_bias", 3 * size);
        Output = Take("attn_pool.attn.out_proj.weight", size, size);
        OutputBias = Take("attn_pool.attn.out_proj.bias", size);
        LastNorm = new LayerNorm(checkpoint, $"{prefix}ln_post", size, config.NormEps, dtype, device);
        Last = Take("proj", size, size).t().contiguous().DetachFromDisposeScope();
    }

    public ResamplerConfig Config { get; }

    /// <summary>[out, in], or null where the sizes are the same.</summary>
    public Tensor? Map { get; }

    /// <summary>[queries, out].</summary>
    public Tensor Query { get; }

    /// <summary>[queries, out]: what is added to the queries.</summary>
    public Tensor Positions { get; }

    /// <summary>[patches, out]: what is added to the keys.</summary>
    public Tensor KeyPositions { get; }

    public LayerNorm QueryNorm { get; }

    public LayerNorm KeyNorm { get; }

    /// <summary>[3 · out, out]: the maps to queries, keys and values.</summary>
    public Tensor Attention { get; }

    /// <summary>[3 · out].</summary>
    public Tensor AttentionBias { get; }

    /// <summary>[out, out].</summary>
    public Tensor Output { get; }

    /// <summary>[out].</summary>
    public Tensor OutputBias { get; }

    public LayerNorm LastNorm { get; }

    /// <summary>[out, out]: the last map, transposed.</summary>
    public Tensor Last { get; }

    /// <summary>What the language model gets.</summary>
    /// <param name="x">[pictures, patches, in].</param>
    /// <returns>[pictures, queries, out].</returns>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return Project(LastNorm.Forward(Attend(x))).MoveToOuterDisposeScope();
    }

    /// <summary>The attention's result, in front of the last norm.</summary>
    /// <inheritdoc cref="Forward"/>
    public Tensor Attend(Tensor x)
    {
        using var scope = NewDisposeScope();
        var pictures = x.size(0);
        x = KeyNorm.Forward(Map is null ? x : F.linear(x, Map));
        var (q, k, v) = (
            Part(QueryNorm.Forward(Query).add(Positions, Scalars.One), 0).expand(pictures, -1, -1),
            Part(x.add(KeyPositions, Scalars.One), 1),
            Part(x, 2)
        );
        var attended = F.scaled_dot_product_attention(Heads(q), Heads(k), Heads(v));
        return F.linear(attended.transpose(1, 2).reshape(pictures, -1, Config.Out), Output, OutputBias).MoveToOuterDisposeScope();
    }

    /// <summary>Weight and bias of the map to queries (0), keys (1) or values (2), as views.</summary>
    public (Tensor Weight, Tensor Bias) MapOf(int part) =>
        (Attention.narrow(0, (long)part * Config.Out, Config.Out), AttentionBias.narrow(0, (long)part * Config.Out, Config.Out));

    /// <summary>Every weight by its name in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            .. Map is null ? Array.Empty<(string, Tensor)>() : [($"{prefix}attn_pool.kv_proj.weight", Map)],
            ($"{prefix}attn_pool.query", Query),
            ($"{prefix}attn_pool.pos_embed", Positions),
            .. QueryNorm.Named($"{prefix}attn_pool.ln_q"),
            .. KeyNorm.Named($"{prefix}attn_pool.ln_kv"),
            ($"{prefix}attn_pool.attn.in_proj_weight", Attention),
            ($"{prefix}attn_pool.attn.in_proj_bias", AttentionBias),
            ($"{prefix}attn_pool.attn.out_proj.weight", Output),
            ($"{prefix}attn_pool.attn.out_proj.bias", OutputBias),
            .. LastNorm.Named($"{prefix}ln_post"),
            ($"{prefix}proj", Last.t().contiguous()),
        ];

    /// <summary>The tensors as they are held, but for the fixed places.</summary>
    public IEnumerable<Tensor> Parameters() =>
        [
            .. new[] { Map }.OfType<Tensor>(),
            Query,
            QueryNorm.Weight,
            QueryNorm.Bias,
            KeyNorm.Weight,
            KeyNorm.Bias,
            Attention,
            AttentionBias,
            Output,
            OutputBias,
            LastNorm.Weight,
            LastNorm.Bias,
            Last,
        ];

    public void Dispose()
    {
        foreach (var tensor in Parameters().Append(Positions).Append(KeyPositions))
        {
            tensor.Dispose();
        }
    }

    private Tensor Project(Tensor x) => F.linear(x, Last);

    private Tensor Part(Tensor x, int part) => F.linear(x, MapOf(part).Weight, MapOf(part).Bias);

    private Tensor Heads(Tensor x) => x.reshape(x.size(0), x.size(1), Config.Heads, Config.HeadSize).transpose(1, 2);
}
