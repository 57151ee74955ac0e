using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Cpu;

/// <summary>The pass of a vision transformer for pictures of any size by kernels, without gradients.</summary>
internal static class CpuGridVision
{
    /// <inheritdoc cref="GridVision.Forward"/>
    public static Tensor Forward(GridVision tower, Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using var grid = new VisionGrid(tower.Config, pictures);
        var x = tower.Embed(pictures, grid, (patches, weight) => MatrixProduct.Linear(patches, weight, null));
        if (!CpuKernels.Serve(x))
        {
            return tower.Forward(pictures).MoveToOuterDisposeScope();
        }

        var count = (int)pictures.size(0);
        var rotation = new RotationTable(grid.Cos.repeat(count, 1), grid.Sin.repeat(count, 1), OfRows: true);
        IReadOnlyList<int> Each(IReadOnlyList<int> stretches) => [.. Enumerable.Repeat(stretches, count).SelectMany(one => one)];
        var (whole, windows) = (Each(grid.Whole), Each(grid.Windows));
        for (var i = 0; i < tower.Layers.Count; i++)
        {
            x = Layer(tower.Layers[i], tower.Config, x, rotation, tower.Config.WholeLayers.Contains(i) ? whole : windows);
        }

        var joined = RowKernels.RmsNorm(x, tower.MergerNorm, GridVisionConfig.Eps).view(-1, tower.MergerInner.In);
        var merged = CpuLinear.Apply(tower.MergerOuter, F.gelu(CpuLinear.Apply(tower.MergerInner, joined)));
        return grid.InReadingOrder(merged).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="GridVisionLayer.Forward"/>
    /// <remarks>The memory of <paramref name="x"/> is used for the result.</remarks>
    private static Tensor Layer(
        GridVisionLayer layer,
        GridVisionConfig config,
        Tensor x,
        RotationTable rotation,
        IReadOnlyList<int> stretches
    )
    {
        using var scope = NewDisposeScope();
        var layout = new HeadLayout(config.Heads, config.Heads, config.HeadSize);
        var rows = CpuLinear.Apply(layer.Qkv, RowKernels.RmsNorm(x, layer.AttentionNorm, GridVisionConfig.Eps));
        var all = new List<NewPositions>(stretches.Count);
        var from = 0;
        foreach (var count in stretches)
        {
            var span = new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, count, before: null);
            all.Add(new NewPositions(from, count, span, span.Extend(count)));
            from += count;
        }

        Attention.Store(rows, layout, all, layer: 0, rotation);
        var attended = Attention.Attend(rows, layout, all, layer: 0, causal: false);
        all.ForEach(one => one.Span.Dispose());
        x = CpuLinear.Add(layer.Output, x, attended);
        var inner = RowKernels.SwiGlu(CpuLinear.Apply(layer.GateUp, RowKernels.RmsNorm(x, layer.InnerNorm, GridVisionConfig.Eps)));
        return CpuLinear.Add(layer.Down, x, inner).MoveToOuterDisposeScope();
    }
}
