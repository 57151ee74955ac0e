using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>Shape of a vision transformer for pictures of any size (Qwen2.5-VL's).</summary>
/// <param name="PatchSize">Pixels of a patch's side.</param>
/// <param name="Merge">Patches of a side that become one position of the language model.</param>
/// <param name="Window">Pixels of the side of a window; most layers attend within windows.</param>
/// <param name="WholeLayers">Layers, from 0, that attend to the whole picture.</param>
/// <param name="OutSize">Features of a merged position.</param>
internal sealed record GridVisionConfig(
    int HiddenSize,
    int IntermediateSize,
    int Layers,
    int Heads,
    int PatchSize,
    int Merge,
    int Window,
    IReadOnlyList<int> WholeLayers,
    int OutSize
)
{
    /// <summary>Frames of a patch: a still picture counts as as many equal ones.</summary>
    public const int Frames = 2;

    public const double Eps = 1e-6;

    public int HeadSize => HiddenSize / Heads;

    /// <summary>Pixels of the side of a merged position.</summary>
    public int MergedSize => PatchSize * Merge;

    /// <summary>Merged positions of a window's side.</summary>
    public int WindowSide => Window / Merge / PatchSize;

    public long Parameters
    {
        get
        {
            long h = HiddenSize,
                i = IntermediateSize,
                joined = h * Merge * Merge;
            var layer = (4 * h * h) + (4 * h) + (3 * h * i) + (2 * i) + h + (2 * h);
            return (3 * Frames * PatchSize * PatchSize * h)
                + (Layers * layer)
                + h
                + (joined * joined)
                + joined
                + (joined * OutSize)
                + OutSize;
        }
    }
}

/// <summary>
/// The vision transformer of Qwen2.5-VL (Bai et al. 2025): rotary positions of row and column, attention within windows in most layers, and
/// squares of patches joined at the end.
/// </summary>
internal sealed class GridVision : IDisposable
{
    private readonly string prefix;

    /// <summary>Takes the transformer out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>visual.</c>.</param>
    public GridVision(CheckpointFolder checkpoint, string prefix, GridVisionConfig config, ScalarType dtype, Device device)
    {
        this.prefix = prefix;
        Config = config;
        int size = config.HiddenSize,
            joined = size * config.Merge * config.Merge;
        Patches = checkpoint
            .Take($"{prefix}patch_embed.proj.weight", dtype, device, size, 3, GridVisionConfig.Frames, config.PatchSize, config.PatchSize)
            .DetachFromDisposeScope();
        using (var scope = NewDisposeScope())
        {
            using var noGrad = no_grad();

            // All frames of a still picture are equal.
            Still = Patches.sum(2).reshape(size, -1).DetachFromDisposeScope();
        }

        Layers =
        [
            .. Enumerable
                .Range(0, config.Layers)
                .Select(i => new GridVisionLayer(checkpoint, $"{prefix}blocks.{i}.", config, dtype, device)),
        ];
        MergerNorm = checkpoint.Take($"{prefix}merger.ln_q.weight", dtype, device, size).DetachFromDisposeScope();
        MergerInner = Linear.Take(checkpoint, prefix, joined, bias: true, dtype, device, new LinearPart("merger.mlp.0", joined));
        MergerOuter = Linear.Take(checkpoint, prefix, joined, bias: true, dtype, device, new LinearPart("merger.mlp.2", config.OutSize));
    }

    public GridVisionConfig Config { get; }

    /// <summary>[hidden size, 3, frames, patch, patch].</summary>
    public Tensor Patches { get; }

    /// <summary>[hidden size, 3 · patch · patch]: the same for a still picture.</summary>
    public Tensor Still { get; }

    public IReadOnlyList<GridVisionLayer> Layers { get; }

    /// <summary>[hidden size].</summary>
    public Tensor MergerNorm { get; }

    public Linear MergerInner { get; }

    public Linear MergerOuter { get; }

    private IEnumerable<Tensor> Own => [Patches, MergerNorm, .. MergerInner.Parameters(), .. MergerOuter.Parameters()];

    /// <summary>Features of pictures of one size.</summary>
    /// <param name="pictures">
    /// [pictures, 3, height, width], normalized; both sides are multiples of <see cref="GridVisionConfig.MergedSize"/>.
    /// </param>
    /// <returns>[pictures, merged positions, <see cref="GridVisionConfig.OutSize"/>], row by row.</returns>
    public Tensor Forward(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using var grid = new VisionGrid(Config, pictures);
        var x = Embed(pictures, grid, (patches, weight) => F.linear(patches, weight));
        for (var i = 0; i < Layers.Count; i++)
        {
            using var below = x;
            x = Layers[i].Forward(below, grid, Config.WholeLayers.Contains(i) ? grid.Whole : grid.Windows);
        }

        var joined = RmsNorm.Forward(x, MergerNorm, GridVisionConfig.Eps).view(-1, MergerInner.In);
        var merged = MergerOuter.Forward(F.gelu(MergerInner.Forward(joined)));
        return grid.InReadingOrder(merged).MoveToOuterDisposeScope();
    }

    /// <summary>What the first layer gets: [pictures · patches, hidden size], each picture window by window.</summary>
    /// <param name="product">Patches times a weight's transpose.</param>
    public Tensor Embed(Tensor pictures, VisionGrid grid, Func<Tensor, Tensor, Tensor> product)
    {
        using var scope = NewDisposeScope();
        long side = Config.PatchSize,
            merge = Config.Merge,
            rows = grid.Rows,
            columns = grid.Columns;

        // Squares of patches that will be joined lie together: [pictures, merged rows, merged columns, rows within, columns within, 3,
        // side, side].
        var patches = pictures
            .to(Still.dtype)
            .reshape(-1, 3, rows, merge, side, columns, merge, side)
            .permute(0, 2, 5, 3, 6, 1, 4, 7)
            .reshape(-1, rows * columns, merge * merge * 3 * side * side)
            .index_select(1, grid.Order)
            .view(-1, 3 * side * side);

        // Where all weights are trained, the sum of the frames is not the one that was loaded.
        return product(patches, Patches.requires_grad ? Patches.sum(2).reshape(Still.shape) : Still).MoveToOuterDisposeScope();
    }

    /// <summary>Every weight by its name in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named() =>
        [
            ($"{prefix}patch_embed.proj.weight", Patches),
            .. Layers.SelectMany((layer, i) => layer.Named($"{prefix}blocks.{i}.")),
            ($"{prefix}merger.ln_q.weight", MergerNorm),
            .. MergerInner.Named(prefix),
            .. MergerOuter.Named(prefix),
        ];

    public IEnumerable<Tensor> Parameters() => [.. Own, .. Layers.SelectMany(layer => layer.Parameters())];

    public void Dispose()
    {
        foreach (var tensor in Parameters().Append(Still))
        {
            tensor.Dispose();
        }
    }
}

/// <summary>One layer: attention, then a gated feed-forward network, each behind its norm.</summary>
internal sealed class GridVisionLayer
{
    private readonly GridVisionConfig config;

    public GridVisionLayer(CheckpointFolder checkpoint, string prefix, GridVisionConfig config, ScalarType dtype, Device device)
    {
        this.config = config;
        int size = config.HiddenSize,
            inner = config.IntermediateSize;
        Tensor Norm(string name) => checkpoint.Take($"{prefix}{name}.weight", dtype, device, size).DetachFromDisposeScope();
        AttentionNorm = Norm("norm1");
        InnerNorm = Norm("norm2");
        Qkv = Linear.Take(checkpoint, prefix, size, bias: true, dtype, device, new LinearPart("attn.qkv", 3 * size));
        Output = Linear.Take(checkpoint, prefix, size, bias: true, dtype, device, new LinearPart("attn.proj", size));
        GateUp = Linear.Take(
            checkpoint,
            prefix,
            size,
            bias: true,
            dtype,
            device,
            new LinearPart("mlp.gate_proj", inner),
            new LinearPart("mlp.up_proj", inner)
        );
        Down = Linear.Take(checkpoint, prefix, inner, bias: true, dtype, device, new LinearPart("mlp.down_proj", size));
    }

    /// <summary>[hidden size].</summary>
    public Tensor AttentionNorm { get; }

    /// <summary>[hidden size].</summary>
    public Tensor InnerNorm { get; }

    public Linear Qkv { get; }

    public Linear Output { get; }

    public Linear GateUp { get; }

    public Linear Down { get; }

    private IEnumerable<Linear> Linears => [Qkv, Output, GateUp, Down];

    /// <param name="x">[pictures · patches, hidden size].</param>
    /// <param name="stretches">Numbers of a picture's patches that follow one another and attend to each other.</param>
    public Tensor Forward(Tensor x, VisionGrid grid, IReadOnlyList<int> stretches)
    {
        using var scope = NewDisposeScope();
        var heads = Linear
            .Split(Qkv.Forward(RmsNorm.Forward(x, AttentionNorm, GridVisionConfig.Eps)), Enumerable.Repeat(config.HiddenSize, 3))
            .Select(y => y.view(-1, grid.Patches, config.Heads, config.HeadSize))
            .ToArray();
        Tensor Turned(Tensor y) =>
            Rotary.Apply(y.to(ScalarType.Float32), (grid.Cos.unsqueeze(1), grid.Sin.unsqueeze(1))).to(y.dtype).transpose(1, 2);
        Tensor q = Turned(heads[0]),
            k = Turned(heads[1]),
            v = heads[2].transpose(1, 2);
        var attended = new List<Tensor>(stretches.Count);
        var from = 0;
        foreach (var count in stretches)
        {
            Tensor Part(Tensor y) => y.narrow(2, from, count);
            attended.Add(F.scaled_dot_product_attention(Part(q), Part(k), Part(v)).transpose(1, 2).reshape(-1, count, config.HiddenSize));
            from += count;
        }

        x = x.add(Output.Forward(cat(attended, 1).view(-1, config.HiddenSize)), Scalars.One);
        var parts = GateUp.Split(GateUp.Forward(RmsNorm.Forward(x, InnerNorm, GridVisionConfig.Eps)));
        return x.add(Down.Forward(F.silu(parts[0]).mul(parts[1])), Scalars.One).MoveToOuterDisposeScope();
    }

    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            ($"{prefix}norm1.weight", AttentionNorm),
            ($"{prefix}norm2.weight", InnerNorm),
            .. Linears.SelectMany(linear => linear.Named(prefix)),
        ];

    public IEnumerable<Tensor> Parameters() => [AttentionNorm, InnerNorm, .. Linears.SelectMany(linear => linear.Parameters())];
}

/// <summary>Pictures of one size as grids of merged positions, and the order in which windows take them.</summary>
internal sealed class VisionGrid : IDisposable
{
    /// <param name="pictures">[pictures, 3, height, width].</param>
    public VisionGrid(GridVisionConfig config, Tensor pictures)
    {
        (Rows, Columns) = ((int)pictures.size(2) / config.MergedSize, (int)pictures.size(3) / config.MergedSize);
        if (Rows * config.MergedSize != pictures.size(2) || Columns * config.MergedSize != pictures.size(3))
        {
            throw new ArgumentException(
                $"Pictures of shape [{string.Join(", ", pictures.shape)}] are no grids of squares of {config.MergedSize} pixels.",
                nameof(pictures)
            );
        }

        var (order, windows) = Windowed(config.WindowSide);
        var patches = config.Merge * config.Merge;
        Windows = [.. windows.Select(count => count * patches)];
        Whole = [Rows * Columns * patches];
        var back = new long[order.Count];
        for (var i = 0; i < order.Count; i++)
        {
            back[order[i]] = i;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Order = tensor(order.ToArray(), device: pictures.device).DetachFromDisposeScope();
        Back = tensor(back, device: pictures.device).DetachFromDisposeScope();

        // A quarter of a head turns with the row, a quarter with the column; the other half repeats both.
        var half = config.HeadSize / 2;
        var exponents = arange(Scalars.Of(0L), Scalars.Of((long)half), Scalars.Of(2L), dtype: ScalarType.Float32)
            .div(Scalars.Of((long)half));
        var frequencies = pow(10000f, exponents).reciprocal();
        var places = order
            .SelectMany(at =>
                Enumerable
                    .Range(0, patches)
                    .SelectMany(patch =>
                        (float[])
                            [(at / Columns * config.Merge) + (patch / config.Merge), (at % Columns * config.Merge) + (patch % config.Merge)]
                    )
            )
            .ToArray();
        var angles = tensor(places, [places.Length / 2, 2, 1]).mul(frequencies).view(places.Length / 2, half);
        var both = cat([angles, angles], -1);
        Cos = both.cos().to(pictures.device).DetachFromDisposeScope();
        Sin = both.sin().to(pictures.device).DetachFromDisposeScope();
    }

    /// <summary>Merged positions from top to bottom.</summary>
    public int Rows { get; }

    /// <summary>Merged positions from left to right.</summary>
    public int Columns { get; }

    /// <summary>int64 [merged positions]: which one stands where, window by window.</summary>
    public Tensor Order { get; }

    /// <summary>int64 [merged positions]: where each one stands.</summary>
    public Tensor Back { get; }

    /// <summary>Patches of each window.</summary>
    public IReadOnlyList<int> Windows { get; }

    /// <summary>Patches of a picture.</summary>
    public int Patches => Whole[0];

    /// <summary>Patches of a picture, as one stretch.</summary>
    public IReadOnlyList<int> Whole { get; }

    /// <summary>float32 [patches, head size], window by window.</summary>
    public Tensor Cos { get; }

    /// <summary>Likewise.</summary>
    public Tensor Sin { get; }

    /// <summary>[pictures · merged positions, features], window by window, to [pictures, merged positions, features], row by row.</summary>
    public Tensor InReadingOrder(Tensor merged) => merged.view(-1, (long)Rows * Columns, merged.size(1)).index_select(1, Back);

    public void Dispose()
    {
        Order.Dispose();
        Back.Dispose();
        Cos.Dispose();
        Sin.Dispose();
    }

    private (IReadOnlyList<long> Order, IReadOnlyList<int> Counts) Windowed(int side)
    {
        var order = new List<long>(Rows * Columns);
        var counts = new List<int>();
        for (var top = 0; top < Rows; top += side)
        {
            for (var left = 0; left < Columns; left += side)
            {
                var before = order.Count;
                for (var row = top; row < Math.Min(top + side, Rows); row++)
                {
                    for (var column = left; column < Math.Min(left + side, Columns); column++)
                    {
                        order.Add(((long)row * Columns) + column);
                    }
                }

                counts.Add(order.Count - before);
            }
        }

        return (order, counts);
    }
}
