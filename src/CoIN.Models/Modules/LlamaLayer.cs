using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Generation;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>One decoder layer of LLaMA: attention with rotary positions and shared key/value heads, then a gated (SwiGLU) feed-forward network.</summary>
internal sealed class LlamaLayer : IDisposable
{
    private readonly LlamaConfig config;

    public LlamaLayer(CheckpointFolder checkpoint, string prefix, LlamaConfig config, ScalarType dtype, Device device)
    {
        this.config = config;
        int size = config.HiddenSize, keyValueSize = config.KeyValueHeads * config.HeadSize;
        InputNorm = checkpoint.Take($"{prefix}input_layernorm.weight", dtype, device, size).DetachFromDisposeScope();
        PostNorm = checkpoint.Take($"{prefix}post_attention_layernorm.weight", dtype, device, size).DetachFromDisposeScope();
        Qkv = Linear.Take(
            checkpoint, prefix, size, config.AttentionBias, dtype, device,
            new("self_attn.q_proj", size), new("self_attn.k_proj", keyValueSize), new("self_attn.v_proj", keyValueSize));
        Output = Linear.Take(checkpoint, prefix, size, bias: false, dtype, device, new LinearPart("self_attn.o_proj", size));
        GateUp = Linear.Take(
            checkpoint, prefix, size, bias: false, dtype, device,
            new("mlp.gate_proj", config.IntermediateSize), new("mlp.up_proj", config.IntermediateSize));
        Down = Linear.Take(checkpoint, prefix, config.IntermediateSize, bias: false, dtype, device, new LinearPart("mlp.down_proj", size));
    }

    private LlamaLayer(LlamaLayer other, LoraLayer adapter, double scaling)
    {
        config = other.config;
        InputNorm = other.InputNorm.alias().DetachFromDisposeScope();
        PostNorm = other.PostNorm.alias().DetachFromDisposeScope();
        Qkv = other.Qkv.With(adapter.Qkv.Merge(other.Qkv, scaling));
        Output = other.Output.With(adapter.Output.Merge(other.Output, scaling));
        GateUp = other.GateUp.With(adapter.GateUp.Merge(other.GateUp, scaling));
        Down = other.Down.With(adapter.Down.Merge(other.Down, scaling));
    }

    /// <summary>[hidden size]: the norm's weight in front of the attention.</summary>
    public Tensor InputNorm { get; }

    /// <summary>[hidden size]: the norm's weight in front of the feed-forward network.</summary>
    public Tensor PostNorm { get; }

    public Linear Qkv { get; }

    public Linear Output { get; }

    public Linear GateUp { get; }

    public Linear Down { get; }

    public IEnumerable<Linear> Linears => [Qkv, Output, GateUp, Down];

    /// <summary>The layer with an adapter folded into its weights.</summary>
    public LlamaLayer Merged(LoraLayer adapter, double scaling) => new(this, adapter, scaling);

    /// <summary>A pass over whole sequences.</summary>
    /// <param name="x">[sum of lengths, hidden size].</param>
    /// <param name="keep">Receives keys and values [sum of lengths, heads, size], if given.</param>
    /// <param name="rows">int64: the only positions whose output is wanted, if given; behind the attention nothing else is computed then.</param>
    /// <returns>[sum of lengths or <paramref name="rows"/>, hidden size].</returns>
    public Tensor Forward(
        Tensor x, PackedSequences sequences, (Tensor Cos, Tensor Sin) rotation, AdapterPass? adapter, LoraLayer? lora, Action<Tensor, Tensor>? keep = null,
        Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = QueryKeyValue(x, rotation, adapter, lora);
        Tensor queries = sequences.Pad(q), keys = sequences.Pad(k), values = sequences.Pad(v);
        keep?.Invoke(k, v);
        var attended = F.scaled_dot_product_attention(
            queries.transpose(1, 2), Shared(keys.transpose(1, 2)), Shared(values.transpose(1, 2)), is_casual: true);
        var packed = sequences.Pack(attended.transpose(1, 2), config.HiddenSize);
        return (rows is null ? Finish(x, packed, adapter, lora) : Finish(x.index_select(0, rows), packed.index_select(0, rows), adapter, lora)).MoveToOuterDisposeScope();
    }

    /// <summary>A pass over several new positions of each sequence, behind those that the cache holds.</summary>
    /// <param name="x">[sum of the sequences' new positions, hidden size].</param>
    /// <param name="places">Where the new positions go; the sequences are the cache's first rows.</param>
    /// <param name="mask">bool [sequences, 1, longest, positions]: what each new position may look at.</param>
    public Tensor Extend(
        Tensor x, PackedSequences sequences, (Tensor Cos, Tensor Sin) rotation, LayerCache cache, IReadOnlyList<CachePlace> places, Tensor mask,
        AdapterPass? adapter, LoraLayer? lora)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = QueryKeyValue(x, rotation, adapter, lora);
        cache.Write(k, v, places);
        var (keys, values) = cache.Read(sequences.Count, mask.size(3));
        var attended = F.scaled_dot_product_attention(sequences.Pad(q).transpose(1, 2), Shared(keys), Shared(values), attn_mask: mask);
        return Finish(x, sequences.Pack(attended.transpose(1, 2), config.HiddenSize), adapter, lora).MoveToOuterDisposeScope();
    }

    /// <summary>A pass over one new position of each sequence.</summary>
    /// <param name="x">[sequences, hidden size].</param>
    /// <param name="mask">bool [sequences, 1, 1, positions]: what each may look at.</param>
    public Tensor Decode(Tensor x, (Tensor Cos, Tensor Sin) rotation, LayerCache cache, Tensor slots, Tensor mask, AdapterPass? adapter, LoraLayer? lora)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = QueryKeyValue(x, rotation, adapter, lora);
        cache.Append(k, v, slots);
        var (keys, values) = cache.Read(x.size(0), mask.size(3));

        // Query heads that share a key head stand as several queries of that head: nothing has to be copied.
        var queries = q.view(x.size(0), config.KeyValueHeads, config.Heads / config.KeyValueHeads, config.HeadSize);
        var attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask: mask);
        return Finish(x, attended.reshape(x.size(0), config.HiddenSize), adapter, lora).MoveToOuterDisposeScope();
    }

    /// <summary>A pass over new positions of several sequences without a graph, by <see cref="CpuKernels"/>.</summary>
    /// <param name="x">[N, hidden size]. Its memory is used for the result.</param>
    /// <param name="stored">All new positions: their keys and values are written.</param>
    /// <param name="wanted">The positions whose output is wanted, in order; null for all.</param>
    /// <param name="rotations">Cosines and sines of every position.</param>
    /// <returns>[N or wanted positions, hidden size].</returns>
    public Tensor Pass(Tensor x, int layer, IReadOnlyList<NewPositions> stored, IReadOnlyList<NewPositions>? wanted, (Tensor Cos, Tensor Sin) rotations)
    {
        using var scope = NewDisposeScope();
        var layout = new HeadLayout(config.Heads, config.KeyValueHeads, config.HeadSize);
        var qkv = Qkv.Infer(RowKernels.RmsNorm(x, InputNorm, config.RmsNormEps));
        Attention.Store(qkv, layout, stored, layer, rotations);
        var attended = Attention.Attend(qkv, layout, wanted ?? stored, layer, causal: true);
        qkv.Dispose();
        var rows = wanted is null
            ? x : x.index_select(0, tensor(wanted.SelectMany(one => Enumerable.Range(one.From, one.Count)).Select(row => (long)row).ToArray()));
        rows = Output.InferOnto(rows, attended);
        var gateUp = GateUp.Infer(RowKernels.RmsNorm(rows, PostNorm, config.RmsNormEps));
        var inner = RowKernels.SwiGlu(gateUp);
        gateUp.Dispose();
        return Down.InferOnto(rows, inner).MoveToOuterDisposeScope();
    }

    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
    [
        ($"{prefix}input_layernorm.weight", InputNorm),
        ($"{prefix}post_attention_layernorm.weight", PostNorm),
        .. Linears.SelectMany(linear => linear.Slices()).Select(slice => ($"{prefix}{slice.Name}.weight", slice.Weight)),
        .. Linears.SelectMany(linear => linear.Slices()).Where(slice => slice.Bias is not null).Select(slice => ($"{prefix}{slice.Name}.bias", slice.Bias!)),
    ];

    public IEnumerable<Tensor> Parameters() => [InputNorm, PostNorm, .. Linears.Select(linear => linear.Weight), .. Linears.Select(linear => linear.Bias).OfType<Tensor>()];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }

    private static Tensor[] Project(Linear linear, Tensor x, AdapterPass? adapter, LoraLinear? lora)
    {
        using var scope = NewDisposeScope();
        var outputs = linear.Split(linear.Forward(x));
        var sums = lora is null ? outputs : lora.AddTo(outputs, x, adapter!.Scaling, adapter.Dropout);
        return [.. sums.Select(sum => sum.MoveToOuterDisposeScope())];
    }

    private (Tensor Q, Tensor K, Tensor V) QueryKeyValue(Tensor x, (Tensor Cos, Tensor Sin) rotation, AdapterPass? adapter, LoraLayer? lora)
    {
        var qkv = Project(Qkv, RmsNorm.Forward(x, InputNorm, config.RmsNormEps), adapter, lora?.Qkv);
        Tensor Heads(Tensor y, int heads) => y.reshape(x.size(0), heads, config.HeadSize);
        return (Rotary.Apply(Heads(qkv[0], config.Heads), rotation), Rotary.Apply(Heads(qkv[1], config.KeyValueHeads), rotation), Heads(qkv[2], config.KeyValueHeads));
    }

    private Tensor Finish(Tensor x, Tensor attended, AdapterPass? adapter, LoraLayer? lora)
    {
        x = x.add(Project(Output, attended, adapter, lora?.Output)[0], Scalars.One);
        var gateUp = Project(GateUp, RmsNorm.Forward(x, PostNorm, config.RmsNormEps), adapter, lora?.GateUp);
        return x.add(Project(Down, F.silu(gateUp[0]) * gateUp[1], adapter, lora?.Down)[0], Scalars.One);
    }

    /// <summary>[…, key/value heads, positions, size] with every head repeated for the query heads that share it.</summary>
    private Tensor Shared(Tensor x) => config.Heads == config.KeyValueHeads ? x : x.repeat_interleave(config.Heads / config.KeyValueHeads, 1);
}

/// <summary>How an adapter takes part in one pass.</summary>
/// <param name="Scaling">α / r.</param>
/// <param name="Dropout">Null where nothing is dropped.</param>
internal sealed record AdapterPass(double Scaling, Dropout? Dropout);
