using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// One layer of a vision transformer: attention of all positions to all, then a feed-forward network, each behind its norm.
/// </summary>
internal sealed class VisionLayer
{
    private readonly VisionConfig config;
    private readonly VisionNames names;

    public VisionLayer(CheckpointFolder checkpoint, string prefix, VisionConfig config, VisionNames names, ScalarType dtype, Device device)
    {
        (this.config, this.names) = (config, names);
        int size = config.HiddenSize,
            inner = config.IntermediateSize;
        AttentionNorm = new LayerNorm(checkpoint, $"{prefix}{names.AttentionNorm}", size, config.LayerNormEps, dtype, device);
        InnerNorm = new LayerNorm(checkpoint, $"{prefix}{names.InnerNorm}", size, config.LayerNormEps, dtype, device);
        var parts = LinearPart.Of(names.Qkv, [size, size, size]);
        Qkv = names.QkvBiases is null
            ? Linear.Take(checkpoint, prefix, size, bias: true, dtype, device, parts)
            : Linear.Take(checkpoint, prefix, size, [.. names.QkvBiases.Select(name => new BiasPart(name, size))], dtype, device, parts);
        if (names.QkvByHead)
        {
            Qkv = Qkv.Rearranged(rows => Swapped(rows, config.Heads, 3));
        }

        Output = Linear.Take(checkpoint, prefix, size, bias: true, dtype, device, new LinearPart(names.Output, size));
        Inner = Linear.Take(checkpoint, prefix, size, bias: true, dtype, device, new LinearPart(names.Inner, inner));
        Outer = Linear.Take(checkpoint, prefix, inner, bias: true, dtype, device, new LinearPart(names.Outer, size));
    }

    public LayerNorm AttentionNorm { get; }

    public LayerNorm InnerNorm { get; }

    public Linear Qkv { get; }

    public Linear Output { get; }

    public Linear Inner { get; }

    public Linear Outer { get; }

    private IEnumerable<Linear> Linears => [Qkv, Output, Inner, Outer];

    /// <param name="x">[pictures, positions, hidden size].</param>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        long pictures = x.size(0),
            positions = x.size(1);
        var heads = Linear
            .Split(Qkv.Forward(AttentionNorm.Forward(x)), Enumerable.Repeat(config.HiddenSize, 3))
            .Select(y => y.reshape(pictures, positions, config.Heads, -1).transpose(1, 2))
            .ToArray();
        var attended = F.scaled_dot_product_attention(heads[0], heads[1], heads[2]);
        x = x.add(Output.Forward(attended.transpose(1, 2).reshape(pictures, positions, config.HiddenSize)), Scalars.One);
        var inner = Inner.Forward(InnerNorm.Forward(x));
        inner = config.Activation == "gelu" ? F.gelu(inner) : inner * sigmoid(inner.mul(Scalars.Of(1.702)));
        return x.add(Outer.Forward(inner), Scalars.One).MoveToOuterDisposeScope();
    }

    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            .. AttentionNorm.Named($"{prefix}{names.AttentionNorm}"),
            .. InnerNorm.Named($"{prefix}{names.InnerNorm}"),
            .. Qkv.Named(prefix).Select(pair => (pair.Name, names.QkvByHead ? Swapped(pair.Tensor, 3, config.Heads) : pair.Tensor)),
            .. Linears.Skip(1).SelectMany(linear => linear.Named(prefix)),
        ];

    public IEnumerable<Tensor> Parameters() =>
        [AttentionNorm.Weight, AttentionNorm.Bias, InnerNorm.Weight, InnerNorm.Bias, .. Linears.SelectMany(linear => linear.Parameters())];

    /// <summary>Rows in groups of groups: [first, second, …] to [second, first, …].</summary>
    private static Tensor Swapped(Tensor rows, int first, int second)
    {
        using var scope = NewDisposeScope();
        return rows.reshape(first, second, -1).transpose(0, 1).reshape(rows.shape).MoveToOuterDisposeScope();
    }
}
