using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// One decoder layer of LLaMA: attention with rotary positions and shared key/value heads, then a gated (SwiGLU) feed-forward network.
/// </summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly DecoderConfig config;
    private readonly DecoderNames names;

    /// <param name="nf4">How the linear maps are held in four bits; null where they are held as they are.</param>
    public DecoderLayer(
        CheckpointFolder checkpoint,
        string prefix,
        DecoderConfig config,
        DecoderNames names,
        ScalarType dtype,
        Device device,
        Nf4Settings? nf4 = null
    )
    {
        this.config = config;
        this.names = names;
        int size = config.HiddenSize,
            inner = config.IntermediateSize;
        InputNorm = checkpoint.Take($"{prefix}{names.InputNorm}.weight", dtype, device, size).DetachFromDisposeScope();
        PostNorm = checkpoint.Take($"{prefix}{names.PostNorm}.weight", dtype, device, size).DetachFromDisposeScope();
        Qkv = Linear.Take(checkpoint, prefix, size, config.AttentionBias, dtype, device, nf4, LinearPart.Of(names.Qkv, QkvSizes));
        Output = Linear.Take(checkpoint, prefix, size, bias: false, dtype, device, nf4, new LinearPart(names.Output, size));
        GateUp = Linear.Take(
            checkpoint,
            prefix,
            size,
            bias: false,
            dtype,
            device,
            nf4,
            new LinearPart(names.Gate, inner),
            new LinearPart(names.Up, inner)
        );
        Down = Linear.Take(checkpoint, prefix, inner, bias: false, dtype, device, nf4, new LinearPart(names.Down, size));
    }

    private DecoderLayer(DecoderLayer other, ILayerUpdates updates)
    {
        (config, names) = (other.config, other.names);
        InputNorm = other.InputNorm.alias().DetachFromDisposeScope();
        PostNorm = other.PostNorm.alias().DetachFromDisposeScope();
        Qkv = Merged(other.Qkv, updates.Qkv);
        Output = Merged(other.Output, updates.Output);
        GateUp = Merged(other.GateUp, updates.GateUp);
        Down = Merged(other.Down, updates.Down);
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

    private int[] QkvSizes => [config.HiddenSize, config.KeyValueSize, config.KeyValueSize];

    /// <summary>The layer with updates folded into copies of its weights.</summary>
    public DecoderLayer Merged(ILayerUpdates updates) => new(this, updates);

    /// <summary>A pass.</summary>
    /// <param name="x">[N, hidden size].</param>
    /// <param name="layer">The layer's number, from 0.</param>
    /// <param name="rows">
    /// int64: the only positions whose output is wanted, if given; behind the attention nothing else is computed then.
    /// </param>
    /// <returns>[N or <paramref name="rows"/>, hidden size].</returns>
    public Tensor Forward(
        Tensor x,
        int layer,
        (Tensor Cos, Tensor Sin) rotation,
        DecoderAttention attention,
        ILayerUpdates? updates = null,
        Tensor? rows = null
    )
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = QueryKeyValue(x, rotation, updates?.Qkv);
        var attended = attention.Attend(layer, q, k, v);
        if (rows is not null)
        {
            (x, attended) = (x.index_select(0, rows), attended.index_select(0, rows));
        }

        x = x.add(Project(Output, attended, updates?.Output)[0], Scalars.One);
        var gateUp = Project(GateUp, RmsNorm.Forward(x, PostNorm, config.RmsNormEps), updates?.GateUp);
        return x.add(Project(Down, F.silu(gateUp[0]) * gateUp[1], updates?.Down)[0], Scalars.One).MoveToOuterDisposeScope();
    }

    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            ($"{prefix}{names.InputNorm}.weight", InputNorm),
            ($"{prefix}{names.PostNorm}.weight", PostNorm),
            .. Linears.SelectMany(linear => linear.Named(prefix)),
        ];

    public IEnumerable<Tensor> Parameters() => [InputNorm, PostNorm, .. Linears.SelectMany(linear => linear.Parameters())];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }

    private static Linear Merged(Linear linear, ILinearUpdate? update) =>
        linear.With(update?.Merge(linear) ?? linear.Weight.alias().DetachFromDisposeScope());

    private static Tensor[] Project(Linear linear, Tensor x, ILinearUpdate? update)
    {
        using var scope = NewDisposeScope();
        var outputs = linear.Split(linear.Forward(x));
        var sums = update is null ? outputs : update.AddTo(outputs, x);
        return [.. sums.Select(sum => sum.MoveToOuterDisposeScope())];
    }

    private (Tensor Q, Tensor K, Tensor V) QueryKeyValue(Tensor x, (Tensor Cos, Tensor Sin) rotation, ILinearUpdate? update)
    {
        var parts = Project(Qkv, RmsNorm.Forward(x, InputNorm, config.RmsNormEps), update);
        var qkv = parts.Length == QkvSizes.Length ? parts : Linear.Split(parts[0], QkvSizes);
        Tensor Heads(Tensor y, int heads) => y.reshape(x.size(0), heads, config.HeadSize);
        return (
            Rotary.Apply(Heads(qkv[0], config.Heads), rotation),
            Rotary.Apply(Heads(qkv[1], config.KeyValueHeads), rotation),
            Heads(qkv[2], config.KeyValueHeads)
        );
    }
}
