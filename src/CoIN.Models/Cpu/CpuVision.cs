using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Cpu;

/// <summary>A vision transformer's pass by kernels, without gradients.</summary>
internal static class CpuVision
{
    private const int PositionsTogether = 1024;

    /// <summary>Pictures that are worth computing together.</summary>
    public static int PicturesTogether(VisionConfig config) => Math.Max(1, PositionsTogether / config.Positions);

    /// <inheritdoc cref="VisionTransformer.Forward"/>
    public static Tensor Forward(VisionTransformer tower, Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var x = Embed(tower, pixels);
        foreach (var layer in tower.Layers)
        {
            using var below = x;
            x = Forward(layer, tower.Config, below);
        }

        return tower.Features(x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="VisionTransformer.Embed"/>
    public static Tensor Embed(VisionTransformer tower, Tensor pixels)
    {
        var config = tower.Config;
        if (config.ImageSize % config.PatchSize != 0)
        {
            return tower.Embed(pixels);
        }

        // A convolution whose patches do not overlap is a product.
        using var scope = NewDisposeScope();
        long side = config.PatchSize,
            across = config.ImageSize / side;
        var patches = pixels
            .reshape(-1, 3, across, side, across, side)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(pixels.size(0), across * across, -1);
        var x = tower.WithPositions(MatrixProduct.Linear(patches, tower.PatchEmbedding.view(config.HiddenSize, -1), tower.PatchBias));
        return (tower.InputNorm is null ? x : Normalize(tower.InputNorm, x)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="VisionLayer.Forward"/>
    public static Tensor Forward(VisionLayer layer, VisionConfig config, Tensor x)
    {
        if (!CpuKernels.Serve(x))
        {
            return layer.Forward(x);
        }

        using var scope = NewDisposeScope();
        int pictures = (int)x.size(0),
            positions = (int)x.size(1);
        var layout = new HeadLayout(config.Heads, config.Heads, config.HeadSize);
        var rows = CpuLinear.Apply(layer.Qkv, Normalize(layer.AttentionNorm, x)).view(-1, layout.RowSize);
        var spans = Enumerable
            .Range(0, pictures)
            .Select(_ => new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, positions, before: null))
            .ToList();
        var all = spans.Select((span, i) => new NewPositions(i * positions, positions, span, span.Extend(positions))).ToList();
        Attention.Store(rows, layout, all, layer: 0, rotation: null);
        var attended = Attention.Attend(rows, layout, all, layer: 0, causal: false);
        spans.ForEach(span => span.Dispose());
        x = CpuLinear.Add(layer.Output, x.clone(), attended.view(x.shape));
        var inner = CpuLinear.Apply(layer.Inner, Normalize(layer.InnerNorm, x));
        if (config.Activation == "gelu")
        {
            inner = F.gelu(inner);
        }
        else
        {
            RowKernels.QuickGelu(inner);
        }

        return CpuLinear.Add(layer.Outer, x, inner).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="Resampler.Forward"/>
    public static Tensor Resample(Resampler resampler, Tensor x)
    {
        if (!CpuKernels.Serve(x))
        {
            return resampler.Forward(x);
        }

        using var scope = NewDisposeScope();
        var config = resampler.Config;
        int pictures = (int)x.size(0),
            patches = (int)x.size(1),
            queries = config.Queries,
            stride = Math.Max(patches, queries);
        x = Normalize(resampler.KeyNorm, resampler.Map is null ? x : MatrixProduct.Linear(x, resampler.Map, null));
        Tensor Part(Tensor of, int part) => MatrixProduct.Linear(of, resampler.MapOf(part).Weight, resampler.MapOf(part).Bias);

        // Every picture's queries stand beside the first of its keys and values, as attention wants them.
        var rows = zeros([pictures, stride, 3L * config.Out], ScalarType.Float32);
        rows.narrow(1, 0, queries)
            .narrow(2, 0, config.Out)
            .copy_(Part(Normalize(resampler.QueryNorm, resampler.Query).add(resampler.Positions, Scalars.One), 0).expand(pictures, -1, -1));
        rows.narrow(1, 0, patches).narrow(2, config.Out, config.Out).copy_(Part(x.add(resampler.KeyPositions, Scalars.One), 1));
        rows.narrow(1, 0, patches).narrow(2, 2L * config.Out, config.Out).copy_(Part(x, 2));
        var layout = new HeadLayout(config.Heads, config.Heads, config.HeadSize);
        var flat = rows.view(-1, layout.RowSize);
        var spans = Enumerable
            .Range(0, pictures)
            .Select(_ => new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, patches, before: null))
            .ToList();
        var keys = spans.Select((span, i) => new NewPositions(i * stride, patches, span, span.Extend(patches))).ToList();
        Attention.Store(flat, layout, keys, layer: 0, rotation: null);
        var attended = Attention.Attend(flat, layout, [.. keys.Select(one => one with { Count = queries })], layer: 0, causal: false);
        spans.ForEach(span => span.Dispose());
        var output = MatrixProduct.Linear(attended.view(pictures, queries, config.Out), resampler.Output, resampler.OutputBias);
        return MatrixProduct.Linear(Normalize(resampler.LastNorm, output), resampler.Last, null).MoveToOuterDisposeScope();
    }

    private static Tensor Normalize(LayerNorm norm, Tensor x) => RowKernels.LayerNorm(x, norm.Weight, norm.Bias, norm.Eps);
}
