using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>How the positions of a pass attend to one another and to those before them.</summary>
/// <param name="queryScale">[N, 1, 1]: what the queries are multiplied with; null for nothing.</param>
internal abstract class DecoderAttention(DecoderConfig config, Tensor? queryScale = null)
{
    protected DecoderConfig Config { get; } = config;

    /// <summary>Attends.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="q">[N, heads, size], rotated.</param>
    /// <param name="k">[N, key/value heads, size], rotated.</param>
    /// <param name="v">Likewise, not rotated.</param>
    /// <returns>[N, hidden size].</returns>
    public abstract Tensor Attend(int layer, Tensor q, Tensor k, Tensor v);

    /// <summary>The queries as they are multiplied with keys.</summary>
    protected Tensor Scaled(Tensor q) => queryScale is null ? q : q.mul(queryScale);

    /// <summary>[…, key/value heads, positions, size] with every head repeated for the query heads that share it.</summary>
    protected Tensor Shared(Tensor x) =>
        Config.Heads == Config.KeyValueHeads ? x : x.repeat_interleave(Config.Heads / Config.KeyValueHeads, 1);
}

/// <summary>Whole sequences.</summary>
/// <param name="keep">Receives every layer's keys and values [sum of lengths, heads, size], if given.</param>
/// <param name="queryScale">See <see cref="DecoderModel.QueryScaleAt"/>.</param>
internal sealed class WholeSequences(
    DecoderConfig config,
    PackedSequences sequences,
    Action<int, Tensor, Tensor>? keep = null,
    Tensor? queryScale = null
) : DecoderAttention(config, queryScale)
{
    /// <inheritdoc/>
    public override Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        Tensor queries = sequences.Pad(Scaled(q)),
            keys = sequences.Pad(k),
            values = sequences.Pad(v);
        keep?.Invoke(layer, k, v);
        var attended = F.scaled_dot_product_attention(
            queries.transpose(1, 2),
            Shared(keys.transpose(1, 2)),
            Shared(values.transpose(1, 2)),
            is_casual: true
        );
        return sequences.Pack(attended.transpose(1, 2), Config.HiddenSize);
    }
}

/// <summary>Several new positions of each sequence, behind those that the caches hold.</summary>
/// <param name="sequences">The new positions.</param>
/// <param name="places">Where they go; the sequences are the caches' first rows.</param>
/// <param name="mask">bool [sequences, 1, longest, positions]: what each new position may look at.</param>
/// <param name="queryScale">See <see cref="DecoderModel.QueryScaleAt"/>.</param>
internal sealed class NewStretches(
    DecoderConfig config,
    PackedSequences sequences,
    IReadOnlyList<LayerCache> caches,
    IReadOnlyList<CachePlace> places,
    Tensor mask,
    Tensor? queryScale = null
) : DecoderAttention(config, queryScale)
{
    /// <inheritdoc/>
    public override Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        caches[layer].Write(k, v, places);
        var (keys, values) = caches[layer].Read(sequences.Count, mask.size(3));
        var attended = F.scaled_dot_product_attention(
            sequences.Pad(Scaled(q)).transpose(1, 2),
            Shared(keys),
            Shared(values),
            attn_mask: mask
        );
        return sequences.Pack(attended.transpose(1, 2), Config.HiddenSize);
    }
}

/// <summary>One new position of each sequence.</summary>
/// <param name="slots">int64 [sequences]: row · capacity + position.</param>
/// <param name="mask">bool [sequences, 1, 1, positions]: what each may look at.</param>
/// <param name="queryScale">See <see cref="DecoderModel.QueryScaleAt"/>.</param>
internal sealed class NextPositions(
    DecoderConfig config,
    IReadOnlyList<LayerCache> caches,
    Tensor slots,
    Tensor mask,
    Tensor? queryScale = null
) : DecoderAttention(config, queryScale)
{
    /// <inheritdoc/>
    public override Tensor Attend(int layer, Tensor q, Tensor k, Tensor v)
    {
        caches[layer].Append(k, v, slots);
        var (keys, values) = caches[layer].Read(q.size(0), mask.size(3));

        // Query heads that share a key head stand as several queries of that head: nothing has to be copied.
        var queries = Scaled(q).view(q.size(0), Config.KeyValueHeads, Config.Heads / Config.KeyValueHeads, Config.HeadSize);
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask: mask).reshape(q.size(0), Config.HiddenSize);
    }
}
