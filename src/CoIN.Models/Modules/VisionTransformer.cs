using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// A vision transformer (Dosovitskiy et al. 2021), CLIP's (Radford et al. 2021) above all: the hidden state of one of its layers is the
/// picture's features. Layers above that one are not loaded.
/// </summary>
internal sealed class VisionTransformer : IDisposable
{
    private readonly VisionNames names;

    /// <summary>Takes the transformer out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>vision_tower.vision_model.</c>.</param>
    /// <param name="layers">Layers up to the features.</param>
    /// <param name="keepClassToken">Whether the class token's position belongs to the features.</param>
    /// <param name="names">What follows the prefix; null for CLIP's names.</param>
    public VisionTransformer(
        CheckpointFolder checkpoint,
        string prefix,
        VisionConfig config,
        int layers,
        bool keepClassToken,
        ScalarType dtype,
        Device device,
        VisionNames? names = null
    )
    {
        Config = config;
        KeepClassToken = keepClassToken;
        this.names = names ??= VisionNames.Clip;
        int size = config.HiddenSize;
        using var scope = NewDisposeScope();
        Tensor Take(string name, params long[] shape) => checkpoint.Take($"{prefix}{name}", dtype, device, shape).DetachFromDisposeScope();
        ClassEmbedding = config.ClassToken
            ? Without(names.LeadingOnes.ClassToken, ones =>
                    checkpoint.Take($"{prefix}{names.ClassEmbedding}", dtype, device, [.. ones, size])
                )
                .DetachFromDisposeScope()
            : null;
        PatchEmbedding = Take($"{names.PatchEmbedding}.weight", size, 3, config.PatchSize, config.PatchSize);
        PatchBias = config.PatchBias ? Take($"{names.PatchEmbedding}.bias", size) : null;
        PositionEmbedding = Positions(checkpoint, $"{prefix}{names.PositionEmbedding}", config, names, dtype, device)
            .DetachFromDisposeScope();
        InputNorm = config.InputNorm
            ? new LayerNorm(checkpoint, $"{prefix}{names.InputNorm}", size, config.LayerNormEps, dtype, device)
            : null;
        Layers =
        [
            .. Enumerable
                .Range(0, layers)
                .Select(i => new VisionLayer(checkpoint, $"{prefix}{names.Layers}.{i}.", config, names, dtype, device)),
        ];
        var unused = names
            .Unused.Concat(Enumerable.Range(layers, config.Layers - layers).Select(i => $"{names.Layers}.{i}."))
            .Select(name => prefix + name)
            .ToList();
        checkpoint.Ignore(name => unused.Any(start => name.StartsWith(start, StringComparison.Ordinal)));
    }

    public VisionConfig Config { get; }

    public bool KeepClassToken { get; }

    /// <summary>[hidden size], or null where there is no class token.</summary>
    public Tensor? ClassEmbedding { get; }

    /// <summary>[hidden size, 3, patch, patch].</summary>
    public Tensor PatchEmbedding { get; }

    /// <summary>[hidden size], or null.</summary>
    public Tensor? PatchBias { get; }

    /// <summary>[positions, hidden size].</summary>
    public Tensor PositionEmbedding { get; }

    /// <summary>The norm in front of the first layer, or null.</summary>
    public LayerNorm? InputNorm { get; }

    public IReadOnlyList<VisionLayer> Layers { get; }

    /// <summary>Positions of a picture of another size: those of its patches resized (bicubic), the class token's as it is.</summary>
    /// <param name="positions">[positions, hidden size], of a square of patches.</param>
    /// <param name="leading">Positions in front of the patches'.</param>
    /// <param name="across">Patches of a side that are wanted.</param>
    /// <returns>[<paramref name="leading"/> + <paramref name="across"/>², hidden size].</returns>
    public static Tensor Resized(Tensor positions, int leading, int across)
    {
        using var scope = NewDisposeScope();
        var side = (long)Math.Sqrt(positions.size(0) - leading);
        var square = positions.narrow(0, leading, side * side).reshape(1, side, side, -1).permute(0, 3, 1, 2);
        var resized = F.interpolate(square, [across, across], mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([positions.narrow(0, 0, leading), resized.permute(0, 2, 3, 1).reshape((long)across * across, -1)], 0)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Features of pictures.</summary>
    /// <param name="pixels">[pictures, 3, size, size], normalized.</param>
    /// <returns>[pictures, image tokens, hidden size].</returns>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var x = Embed(pixels);
        foreach (var layer in Layers)
        {
            // Without a graph, nothing but the latest state is needed any more.
            using var below = x;
            x = layer.Forward(below);
        }

        return Features(x).MoveToOuterDisposeScope();
    }

    /// <summary>Embeddings of the patches with their positions, before the norm in front of the first layer.</summary>
    /// <param name="patches">[pictures, patches, hidden size].</param>
    public Tensor WithPositions(Tensor patches)
    {
        using var scope = NewDisposeScope();
        var x = ClassEmbedding is null ? patches : cat([ClassEmbedding.expand(patches.size(0), 1, -1), patches], 1);
        return x.add(PositionEmbedding, Scalars.One).MoveToOuterDisposeScope();
    }

    /// <summary>What of the last layer's output are features, as a view.</summary>
    public Tensor Features(Tensor x) => KeepClassToken || ClassEmbedding is null ? x : x.narrow(1, 1, Config.Patches);

    /// <summary>What the first layer gets.</summary>
    public Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var x = WithPositions(Patches(pixels.to(PatchEmbedding.dtype)));
        return (InputNorm?.Forward(x) ?? x).MoveToOuterDisposeScope();
    }

    private Tensor Patches(Tensor pixels)
    {
        if (PatchEmbedding.dtype != ScalarType.BFloat16)
        {
            return F.conv2d(pixels, PatchEmbedding, PatchBias, strides: [Config.PatchSize, Config.PatchSize]).flatten(2).transpose(1, 2);
        }

        // A product of the patches is the same sum. oneDNN's convolution in bfloat16 is off by a quarter on CPUs where the hidden size is
        // no multiple of 16 (24 and 88 were seen, with AVX-512).
        long pictures = pixels.size(0),
            channels = pixels.size(1),
            patch = Config.PatchSize;
        long rows = pixels.size(2) / patch,
            columns = pixels.size(3) / patch;
        var patches = pixels
            .narrow(2, 0, rows * patch)
            .narrow(3, 0, columns * patch)
            .reshape(pictures, channels, rows, patch, columns, patch)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(pictures, rows * columns, channels * patch * patch);
        return F.linear(patches, PatchEmbedding.reshape(PatchEmbedding.size(0), -1), PatchBias);
    }

    /// <summary>Every weight by its name in the checkpoint, and of the shape that it has there.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            .. ClassEmbedding is null
                ? Array.Empty<(string, Tensor)>()
                :
                [
                    (
                        $"{prefix}{names.ClassEmbedding}",
                        ClassEmbedding.view([.. Ones(names.LeadingOnes.ClassToken), .. ClassEmbedding.shape])
                    ),
                ],
            ($"{prefix}{names.PatchEmbedding}.weight", PatchEmbedding),
            .. PatchBias is null ? Array.Empty<(string, Tensor)>() : [($"{prefix}{names.PatchEmbedding}.bias", PatchBias)],
            (
                $"{prefix}{names.PositionEmbedding}",
                PositionEmbedding.view([.. Ones(names.LeadingOnes.Positions), .. PositionEmbedding.shape])
            ),
            .. InputNorm?.Named($"{prefix}{names.InputNorm}") ?? [],
            .. Layers.SelectMany((layer, i) => layer.Named($"{prefix}{names.Layers}.{i}.")),
        ];

    /// <summary>The tensors as they are held (fused ones once): what an optimizer of the whole transformer updates.</summary>
    public IEnumerable<Tensor> Parameters() =>
        [
            .. new[] { ClassEmbedding, PatchEmbedding, PatchBias, PositionEmbedding, InputNorm?.Weight, InputNorm?.Bias }.OfType<Tensor>(),
            .. Layers.SelectMany(layer => layer.Parameters()),
        ];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }

    private static IEnumerable<long> Ones(int count) => Enumerable.Repeat(1L, count);

    /// <summary>What is taken with dimensions of one in front, without them.</summary>
    private static Tensor Without(int count, Func<IEnumerable<long>, Tensor> take)
    {
        var taken = take(Ones(count));
        return count == 0 ? taken : taken.view([.. taken.shape.Skip(count)]);
    }

    /// <summary>The positions, of a picture of the configuration's size whatever their number in the file.</summary>
    private static Tensor Positions(
        CheckpointFolder checkpoint,
        string name,
        VisionConfig config,
        VisionNames names,
        ScalarType dtype,
        Device device
    )
    {
        var leading = config.ClassToken ? 1 : 0;
        var stored = checkpoint.Has(name) && checkpoint.Describe(name).Shape is { Count: >= 2 } shape ? shape[^2] : config.Positions;
        var side = (long)Math.Sqrt(Math.Max(stored - leading, 0));
        if (!names.ResizesPositions || stored == config.Positions || side < 1 || (side * side) + leading != stored)
        {
            return Without(names.LeadingOnes.Positions, ones =>
                checkpoint.Take(name, dtype, device, [.. ones, config.Positions, config.HiddenSize])
            );
        }

        // In float32, whatever the type: once, before the model's own type rounds it.
        var own = checkpoint.Take(name, ScalarType.Float32, device, [.. Ones(names.LeadingOnes.Positions), stored, config.HiddenSize]);
        return device.type == DeviceType.META
            ? empty([config.Positions, config.HiddenSize], dtype, device)
            : Resized(own.view(stored, config.HiddenSize), leading, config.ImageSize / config.PatchSize).to(dtype);
    }
}
