using System.Collections.Concurrent;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// A matrix in four bits (<see cref="Nf4"/>), with a scale for each block of its numbers, row after row, as bitsandbytes holds it.
/// </summary>
internal sealed unsafe class Nf4Weight : IDisposable
{
    /// <summary>Scales that share a scale of their own in double quantization.</summary>
    public const int BlockOfScales = 256;

    /// <summary>What dequantizing by libtorch takes besides the result: of each byte its code as int32 and two float32.</summary>
    public const long PassingBytes = 12L * BytesAtATime;

    private const int BytesAtATime = 1 << 22;

    private static readonly ConcurrentDictionary<string, Tensor> Pairs = new(StringComparer.Ordinal);

    private readonly byte* codesAt;

    /// <summary>Of what bitsandbytes saves.</summary>
    /// <param name="shape">Rows and columns.</param>
    /// <param name="codes">uint8, two numbers a byte.</param>
    /// <param name="scales">The blocks', or what stands for them in double quantization.</param>
    /// <param name="blockSize">Numbers of a block; even.</param>
    /// <param name="dtype">The type to which products of number and scale are rounded: that of the weights before.</param>
    public Nf4Weight((long Rows, long Columns) shape, Tensor codes, Nf4Scales scales, int blockSize, ScalarType dtype)
    {
        (Rows, Columns) = ((int)shape.Rows, (int)shape.Columns);
        (Codes, Scales, BlockSize, Dtype) = (codes, scales, blockSize, dtype);
        codesAt = codes.device_type == DeviceType.CPU ? TensorMemory.Bytes(codes) : null;
    }

    public int Rows { get; }

    public int Columns { get; }

    public int BlockSize { get; }

    public ScalarType Dtype { get; }

    /// <summary>uint8 [half of the numbers]: two codes a byte, the first in the upper half.</summary>
    public Tensor Codes { get; }

    public Nf4Scales Scales { get; }

    /// <summary>How it is held.</summary>
    public Nf4Settings Settings => new(BlockSize, Scales.Larger is not null);

    /// <summary>The tensors as they are held.</summary>
    public IEnumerable<Tensor> Parameters => [Codes, .. Scales.Parameters];

    private long Count => (long)Rows * Columns;

    /// <summary>Bytes that a matrix takes.</summary>
    public static long BytesOf(long numbers, Nf4Settings settings)
    {
        var blocks = (numbers + settings.BlockSize - 1) / settings.BlockSize;
        var scales = settings.DoubleQuantization
            ? blocks + (((blocks + BlockOfScales - 1) / BlockOfScales) * sizeof(float))
            : blocks * sizeof(float);
        return ((numbers + 1) / 2) + scales;
    }

    /// <summary>Quantizes a matrix.</summary>
    /// <param name="weight">[rows, columns] of float32, bfloat16 or float16, in main memory.</param>
    /// <param name="device">Where the result lies.</param>
    public static Nf4Weight Quantize(Tensor weight, Nf4Settings settings, Device device)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var plain = weight.to(ScalarType.Float32).contiguous();
        var (count, size) = (plain.numel(), settings.BlockSize);
        var blocks = (int)((count + size - 1) / size);
        var (codes, scales) = (empty([(count + 1) / 2], ScalarType.Byte), empty([blocks], ScalarType.Float32));
        float* from = TensorMemory.Address(plain),
            scaleAt = TensorMemory.Address(scales);
        var to = TensorMemory.Bytes(codes);
        var together = Math.Max(1, 65536 / size);
        ComputeTeam.Run((blocks + together - 1) / together, piece =>
        {
            Span<byte> room = stackalloc byte[size];
            for (var block = piece * together; block < Math.Min(blocks, (piece + 1) * together); block++)
            {
                var first = (long)block * size;
                var numbers = new ReadOnlySpan<float>(from + first, (int)Math.Min(size, count - first));
                scaleAt[block] = Nf4.Quantize(numbers, room, new Span<byte>(to + (first / 2), (numbers.Length + 1) / 2));
            }
        });
        GC.KeepAlive(plain);
        var held = settings.DoubleQuantization
            ? Nf4Scales.Quantize(scales.data<float>().ToArray())
            : new Nf4Scales(scales.DetachFromDisposeScope());
        return new Nf4Weight((weight.size(0), weight.size(1)), codes.DetachFromDisposeScope(), held, size, weight.dtype).MovedTo(device);
    }

    /// <summary>Writes the numbers.</summary>
    /// <param name="target">[rows, columns], contiguous, on this weight's device; of any type.</param>
    public void Into(Tensor target)
    {
        if (target.device_type == DeviceType.CPU)
        {
            OnHost(target);
        }
        else if (target.device_type != DeviceType.META)
        {
            ByTorch(target);
        }
    }

    /// <summary>Writes the numbers of some rows, in float32, on the caller's thread alone.</summary>
    /// <param name="to">Room for them in main memory, where this weight is too.</param>
    public void RowsInto(float* to, int row, int rows)
    {
        var (first, count) = ((long)row * Columns, (long)rows * Columns);
        for (var at = first; at < first + count; )
        {
            var block = at / BlockSize;
            var length = (int)Math.Min(((block + 1) * BlockSize) - at, first + count - at);
            Nf4.Dequantize(codesAt + (at / 2), at % 2 != 0, Scales.Of((int)block), to, length);
            Round(to, length);
            to += length;
            at += length;
        }

        GC.KeepAlive(this);
    }

    /// <summary>The same by libtorch, on any device.</summary>
    public void ByTorch(Tensor target)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var pairs = Pairs.GetOrAdd($"{Codes.device}", _ => PairsOf(Codes.device));
        var (scales, flat) = (Scales.All(), target.view(-1));
        var whole = Count / BlockSize * BlockSize / 2;
        var step = Math.Max(1, BytesAtATime / (BlockSize / 2)) * (BlockSize / 2);
        for (long at = 0; at < whole; at += step)
        {
            Write(at, Math.Min(step, whole - at));
        }

        if (whole < Codes.numel())
        {
            Write(whole, Codes.numel() - whole);
        }

        void Write(long at, long bytes)
        {
            using var inner = NewDisposeScope();
            var blocks = Math.Max(1, bytes * 2 / BlockSize);
            var numbers = pairs.index_select(0, Codes.narrow(0, at, bytes).to(ScalarType.Int32)).view(blocks, -1);
            var scale = scales.narrow(0, at * 2 / BlockSize, blocks).unsqueeze(1);
            var wanted = Math.Min(bytes * 2, Count - (at * 2));
            var to = flat.narrow(0, at * 2, wanted);
            if (wanted == bytes * 2 && (Dtype == ScalarType.Float32 || Dtype == target.dtype))
            {
                // One operator multiplies in float32, rounds and writes.
                Operators.Multiply(numbers, scale, to.view(blocks, -1));
                return;
            }

            numbers = numbers.mul_(scale).view(-1);
            to.copy_((Dtype == ScalarType.Float32 ? numbers : numbers.to(Dtype)).narrow(0, 0, wanted));
        }
    }

    public void Dispose()
    {
        foreach (var tensor in Parameters)
        {
            tensor.Dispose();
        }
    }

    /// <summary>Both numbers of every byte: float32 [256, 2].</summary>
    private static Tensor PairsOf(Device device) =>
        tensor([.. Enumerable.Range(0, 256).SelectMany(code => new[] { Nf4.Numbers[code >> 4], Nf4.Numbers[code & 15] })], 256, 2)
            .to(device)
            .DetachFromDisposeScope();

    private Nf4Weight MovedTo(Device device) =>
        device.type == DeviceType.CPU
            ? this
            : new Nf4Weight((Rows, Columns), Moved(Codes, device), Scales.MovedTo(device), BlockSize, Dtype);

    private static Tensor Moved(Tensor tensor, Device device)
    {
        using var own = tensor;
        return own.to(device).DetachFromDisposeScope();
    }

    private void OnHost(Tensor target)
    {
        const int Numbers = 1 << 16;
        var rows = Math.Max(1, Numbers / Columns);
        var direct = target.dtype == ScalarType.Float32;
        var to = TensorMemory.Bytes(target);
        ComputeTeam.Run((Rows + rows - 1) / rows, piece =>
        {
            var (row, count) = (piece * rows, Math.Min(rows, Rows - (piece * rows)));
            if (direct)
            {
                RowsInto((float*)to + ((long)row * Columns), row, count);
                return;
            }

            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var room = empty([count, Columns], ScalarType.Float32);
            RowsInto(TensorMemory.Address(room), row, count);
            target.narrow(0, row, count).copy_(room);
        });
        GC.KeepAlive(target);
    }

    /// <summary>Rounds products to the type that the weights had.</summary>
    private void Round(float* numbers, int count)
    {
        if (Dtype == ScalarType.BFloat16)
        {
            for (var i = 0; i < count; i++)
            {
                var bits = ((uint*)numbers)[i];
                ((uint*)numbers)[i] = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000;
            }
        }
        else if (Dtype == ScalarType.Float16)
        {
            for (var i = 0; i < count; i++)
            {
                numbers[i] = (float)(Half)numbers[i];
            }
        }
    }
}

/// <summary>
/// The scales of a matrix' blocks: one by one, or by double quantization, in eight bits with a scale for each 256 of them and a mean that
/// all have in common.
/// </summary>
internal sealed unsafe class Nf4Scales : IDisposable
{
    private readonly Tensor? numbers;
    private readonly Tensor? means;
    private readonly int blockSize;

    // Where the tensors lie in main memory, to ask for a scale without asking libtorch.
    private readonly float* heldAt;
    private readonly byte* codesAt;
    private readonly float* largerAt;
    private readonly float* numbersAt;

    /// <summary>As they are.</summary>
    /// <param name="scales">float32 [blocks].</param>
    public Nf4Scales(Tensor scales)
    {
        Held = scales;
        heldAt = At(scales);
    }

    /// <summary>By double quantization.</summary>
    /// <param name="codes">uint8 [blocks].</param>
    /// <param name="larger">float32: a scale for each <paramref name="blockSize"/> codes.</param>
    /// <param name="numbers">float32 [256]: the codes' numbers.</param>
    /// <param name="mean">Added to every product.</param>
    public Nf4Scales(Tensor codes, Tensor larger, Tensor numbers, float mean, int blockSize)
    {
        (Held, Larger, this.numbers, Mean, this.blockSize) = (codes, larger, numbers, mean, blockSize);
        means = tensor(new[] { mean }).to(codes.device).DetachFromDisposeScope();
        codesAt = (byte*)At(codes);
        largerAt = At(larger);
        numbersAt = At(numbers);
    }

    /// <summary>float32 [blocks], or uint8 in double quantization.</summary>
    public Tensor Held { get; }

    /// <summary>float32, of double quantization; null without.</summary>
    public Tensor? Larger { get; }

    /// <summary>What all scales have in common in double quantization.</summary>
    public float Mean { get; }

    public IEnumerable<Tensor> Parameters => new[] { Held, Larger, numbers, means }.OfType<Tensor>();

    /// <summary>Double quantization of scales.</summary>
    public static Nf4Scales Quantize(float[] scales)
    {
        var mean = (float)(scales.Sum(scale => (double)scale) / scales.Length);
        var codes = new byte[scales.Length];
        var larger = new float[(scales.Length + Nf4Weight.BlockOfScales - 1) / Nf4Weight.BlockOfScales];
        for (var block = 0; block < larger.Length; block++)
        {
            var (first, end) = (block * Nf4Weight.BlockOfScales, Math.Min(scales.Length, (block + 1) * Nf4Weight.BlockOfScales));
            for (var i = first; i < end; i++)
            {
                larger[block] = Math.Max(larger[block], Math.Abs(scales[i] - mean));
            }

            var inverse = 1 / larger[block];
            for (var i = first; i < end; i++)
            {
                codes[i] = DynamicCode.Nearest((scales[i] - mean) * inverse);
            }
        }

        using var scope = NewDisposeScope();
        return new Nf4Scales(
            tensor(codes).DetachFromDisposeScope(),
            tensor(larger).DetachFromDisposeScope(),
            tensor(DynamicCode.Numbers.ToArray()).DetachFromDisposeScope(),
            mean,
            Nf4Weight.BlockOfScales
        );
    }

    /// <summary>A block's scale, of scales in main memory.</summary>
    public float Of(int block)
    {
        if (Larger is null)
        {
            return heldAt[block];
        }

        // Two roundings, as bitsandbytes has: the mean is added afterwards.
        var product = numbersAt[codesAt[block]] * largerAt[block / blockSize];
        return product + Mean;
    }

    /// <summary>All of them: float32 [blocks] on their device.</summary>
    public Tensor All()
    {
        if (Larger is null)
        {
            return Held.alias();
        }

        using var scope = NewDisposeScope();
        var all = numbers!.index_select(0, Held.to(ScalarType.Int32));
        var larger = Larger.unsqueeze(1);
        if (Held.numel() % blockSize == 0)
        {
            all.view(-1, blockSize).mul_(larger);
        }
        else
        {
            all.mul_(larger.expand(-1, blockSize).reshape(-1).narrow(0, 0, Held.numel()));
        }

        return all.add_(means!, Scalars.One).MoveToOuterDisposeScope();
    }

    /// <summary>The same on another device, in place of this one.</summary>
    public Nf4Scales MovedTo(Device device)
    {
        using var own = this;
        Tensor To(Tensor tensor) => tensor.to(device).DetachFromDisposeScope();
        return Larger is null ? new(To(Held)) : new(To(Held), To(Larger), To(numbers!), Mean, blockSize);
    }

    public void Dispose()
    {
        foreach (var tensor in Parameters)
        {
            tensor.Dispose();
        }
    }

    private static float* At(Tensor tensor) => tensor.device_type == DeviceType.CPU ? TensorMemory.Address(tensor) : null;
}
