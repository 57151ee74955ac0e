using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// Dropout (Srivastava et al. 2014) whose masks follow from a seed and the number of the layer alone. So a resumed step drops what the
/// uninterrupted one dropped, and a layer that is computed again for its gradients drops what it dropped the first time, whatever other
/// threads draw meanwhile.
/// </summary>
internal sealed class Dropout
{
    /// <summary>Bytes that a thread draws at a time.</summary>
    private const int PieceBytes = 1024 * RandomBits.Block;

    private static readonly ConcurrentDictionary<(ScalarType Dtype, DeviceType Type, int Index), Tensor> Zeros = new();

    private static readonly Lock Generator = new();

    private readonly Device device;
    private readonly ushort threshold;
    private long seed;
    private long stream;
    private long drawn;

    /// <param name="probability">At least 0, less than 1; taken as the nearest multiple of 1/65,536.</param>
    public Dropout(double probability, Device device)
    {
        this.device = device;
        threshold = (ushort)Math.Min(Math.Round(probability * (ushort.MaxValue + 1)), ushort.MaxValue);
    }

    /// <summary>Part of the elements that is kept.</summary>
    private double Kept => 1 - (threshold / (ushort.MaxValue + 1.0));

    /// <summary>What the kept elements have to be multiplied with, so that the expectation stays: 1 / (1 − p).</summary>
    public double Scale => 1 / Kept;

    /// <summary>Starts the masks of one micro-batch, at its first layer.</summary>
    public void Seed(long microBatch)
    {
        seed = microBatch;
        BeginLayer(0);
    }

    /// <summary>Starts the masks of a layer.</summary>
    /// <param name="layer">From 0.</param>
    public void BeginLayer(int layer)
    {
        stream = SeededRandom.Combine(seed, layer);
        drawn = 0;
    }

    /// <summary>Zeroes each element with the given probability; the others still have to be multiplied with <see cref="Scale"/>.</summary>
    public Tensor Apply(Tensor x)
    {
        using var mask = Mask(x.shape);
        return Drop(x, mask);
    }

    /// <summary>Zeroes what a mask says.</summary>
    /// <param name="x">Of the mask's shape, or without its first dimension.</param>
    public static Tensor Drop(Tensor x, Tensor mask) => where(mask, Zero(x), x);

    /// <summary>Adds what terms amount to with their masked elements zeroed.</summary>
    /// <param name="sum">[N, features].</param>
    /// <param name="terms">[terms, N, features]. Its memory is used.</param>
    /// <param name="mask">Shaped as <paramref name="terms"/>.</param>
    public static void AddDropped(Tensor sum, Tensor terms, Tensor mask)
    {
        using var scope = NewDisposeScope();
        terms.masked_fill_(mask, Scalars.Of(0L));
        sum.add_(terms.size(0) == 1 ? terms.select(0, 0) : terms.sum(0L), Scalars.One);
    }

    /// <summary>
    /// Draws the next mask: true where an element is dropped. A byte for each, which is all that is kept of it for the gradients.
    /// </summary>
    public Tensor Mask(params long[] shape)
    {
        var mask = empty(shape, ScalarType.Bool, device);
        if (device.type == DeviceType.CUDA)
        {
            return DrawThere(mask);
        }

        Draw(mask, SeededRandom.Combine(stream, drawn++));
        return mask;
    }

    /// <summary>Draws the next masks: on a CPU the same as one after the other.</summary>
    /// <returns>[count, …].</returns>
    public Tensor Masks(int count, params long[] shape)
    {
        var masks = empty([count, .. shape], ScalarType.Bool, device);
        if (device.type == DeviceType.CUDA)
        {
            return DrawThere(masks);
        }

        for (var i = 0; i < count; i++)
        {
            using var mask = masks.select(0, i);
            Draw(mask, SeededRandom.Combine(stream, drawn++));
        }

        return masks;
    }

    /// <summary>A matrix several times, each time with other elements zeroed: for passes without a graph.</summary>
    /// <param name="x">[N, features].</param>
    public DroppedInput Inputs(Tensor x, int count)
    {
        if (Fused is null && !ServesFused(x))
        {
            var mask = Masks(count, x.shape);
            return new DroppedInput(Drop(x, mask), new DropMask(mask, MarksKept: false), Scale);
        }

        var copies = x.expand([count, .. x.shape]);
        var (values, kept) = Fused?.Invoke(this, copies) ?? DrawFused(copies);
        return new DroppedInput(values, new DropMask(kept, MarksKept: true), 1);
    }

    /// <summary>How values are drawn and dropped in one, for tests; null to ask the device.</summary>
    internal Func<Dropout, Tensor, (Tensor Values, Tensor Kept)>? Fused { get; init; }

    /// <summary>
    /// Has a GPU draw on its own: masks from here would take longer on their way than the layer does. Its generator is one for the process,
    /// whose other trainers draw too, so each draw has its own seed, and nobody sets another one before it has begun.
    /// </summary>
    private Tensor DrawThere(Tensor masks)
    {
        lock (Generator)
        {
            cuda.manual_seed_all(SeededRandom.Combine(stream, drawn++));
            return masks.bernoulli_(1 - Kept);
        }
    }

    private static bool ServesFused(Tensor x)
    {
        if (x.device_type != DeviceType.CUDA)
        {
            return false;
        }

        // The example draws from the process's generator.
        lock (Generator)
        {
            return FusedDropout.Serves(x, static seed => cuda.manual_seed_all(seed));
        }
    }

    private (Tensor Values, Tensor Kept) DrawFused(Tensor copies)
    {
        lock (Generator)
        {
            cuda.manual_seed_all(SeededRandom.Combine(stream, drawn++));
            return FusedDropout.Draw(copies, 1 - Kept);
        }
    }

    /// <summary>A zero beside a tensor, made once and kept.</summary>
    internal static Tensor Zero(Tensor x) =>
        Zeros.GetOrAdd(
            (x.dtype, x.device_type, x.device_index),
            static (_, like) => zeros([], like.dtype, like.device).DetachFromDisposeScope(),
            x
        );

    /// <summary>All threads draw, each some of the bytes.</summary>
    private unsafe void Draw(Tensor mask, long seedOfMask)
    {
        var flags = TensorMemory.Bytes(mask);
        var count = mask.numel();
        ComputeTeam.Run((int)((count + PieceBytes - 1) / PieceBytes), piece =>
        {
            var from = (long)piece * PieceBytes;
            RandomBits.Below(new Span<byte>(flags + from, (int)Math.Min(PieceBytes, count - from)), seedOfMask, threshold, from);
        });
        GC.KeepAlive(mask);
    }
}

/// <summary>A matrix several times, each time with other elements zeroed.</summary>
/// <param name="Values">[count, N, features].</param>
/// <param name="Mask">Which elements are zeroed.</param>
/// <param name="Scale">What the values still have to be multiplied with, so that the expectation stays.</param>
internal sealed record DroppedInput(Tensor Values, DropMask Mask, double Scale);

/// <summary>Which elements are dropped.</summary>
/// <param name="Flags">bool.</param>
/// <param name="MarksKept">Whether true stands for those that are kept.</param>
internal sealed record DropMask(Tensor Flags, bool MarksKept)
{
    /// <summary>Zeroes the same elements again.</summary>
    /// <param name="x">Of the mask's shape, or without its first dimension.</param>
    public Tensor Drop(Tensor x) => MarksKept ? where(Flags, x, Dropout.Zero(x)) : Dropout.Drop(x, Flags);

    /// <summary>Adds what terms amount to with their masked elements zeroed.</summary>
    /// <param name="sum">[N, features].</param>
    /// <param name="terms">[terms, N, features]. Its memory is used.</param>
    public void AddDropped(Tensor sum, Tensor terms)
    {
        if (!MarksKept)
        {
            Dropout.AddDropped(sum, terms, Flags);
            return;
        }

        using var scope = NewDisposeScope();
        terms.mul_(Flags);
        sum.add_(terms.size(0) == 1 ? terms.select(0, 0) : terms.sum(0L), Scalars.One);
    }
}
