using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>One of the linear maps that a <see cref="Linear"/> fuses.</summary>
/// <param name="Name">The checkpoint's name without prefix and <c>.weight</c>, e.g. <c>self_attn.q_proj</c>.</param>
/// <param name="Out">Output features.</param>
internal sealed record LinearPart(string Name, int Out)
{
    /// <summary>A part for each size; one part of all sizes where a checkpoint has one name for them.</summary>
    public static LinearPart[] Of(IReadOnlyList<string> names, IReadOnlyList<int> sizes) =>
        names.Count == 1 ? [new(names[0], sizes.Sum())] : [.. names.Zip(sizes, (name, size) => new LinearPart(name, size))];
}

/// <summary>A stretch of a bias.</summary>
/// <param name="Name">The checkpoint's whole name without prefix; null for zeros.</param>
internal sealed record BiasPart(string? Name, int Out);

/// <summary>
/// One or several linear maps of the same input, with their weights stacked so that one matrix product serves them all
/// (query, key and value; gate and up).
/// </summary>
internal sealed class Linear : IDisposable
{
    private readonly IReadOnlyList<BiasPart> biases;
    private readonly Tensor? weight;

    private Linear(Tensor weight, Tensor? bias, IReadOnlyList<LinearPart> parts, IReadOnlyList<BiasPart> biases)
    {
        this.weight = weight;
        (In, Out) = ((int)weight.size(1), (int)weight.size(0));
        (Dtype, Device) = (weight.dtype, weight.device);
        Bias = bias;
        Parts = parts;
        this.biases = biases;
    }

    private Linear(
        IReadOnlyList<Nf4Weight> packed,
        Tensor? bias,
        IReadOnlyList<LinearPart> parts,
        IReadOnlyList<BiasPart> biases,
        ScalarType dtype,
        Device device
    )
    {
        Packed = packed;
        (In, Out) = (packed[0].Columns, packed.Sum(part => part.Rows));
        (Dtype, Device) = (dtype, device);
        Bias = bias;
        Parts = parts;
        this.biases = biases;
    }

    /// <summary>[sum of outputs, inputs], of a map that is not <see cref="Packed"/>.</summary>
    /// <exception cref="InvalidOperationException">It is: <see cref="Open"/> serves both.</exception>
    public Tensor Weight => weight ?? throw new InvalidOperationException("The weight is held in four bits.");

    /// <summary>Each part's weight in four bits; null where the weight is held as it is.</summary>
    public IReadOnlyList<Nf4Weight>? Packed { get; }

    /// <summary>The type in which the map is computed.</summary>
    public ScalarType Dtype { get; }

    public Device Device { get; }

    /// <summary>[sum of outputs], or null.</summary>
    public Tensor? Bias { get; }

    public IReadOnlyList<LinearPart> Parts { get; }

    /// <summary>The first output of a part.</summary>
    public int FirstOutputOf(int part) => Parts.Take(part).Sum(one => one.Out);

    /// <summary>Input features.</summary>
    public int In { get; }

    /// <summary>Output features of all parts.</summary>
    public int Out { get; }

    /// <summary>Takes the parts' weights out of a checkpoint and stacks them.</summary>
    /// <param name="prefix">What stands before the parts' names, e.g. <c>model.layers.0.</c>.</param>
    /// <param name="bias">Whether each part has a bias of its own.</param>
    public static Linear Take(
        CheckpointFolder checkpoint,
        string prefix,
        int inputs,
        bool bias,
        ScalarType dtype,
        Device device,
        params LinearPart[] parts
    ) =>
        Take(
            checkpoint,
            prefix,
            inputs,
            bias ? [.. parts.Select(part => new BiasPart($"{part.Name}.bias", part.Out))] : [],
            dtype,
            device,
            parts
        );

    /// <summary>The same for weights that may be held in four bits: each part is quantized by itself, as soon as it is read.</summary>
    /// <param name="nf4">How; null where they are held as they are.</param>
    public static Linear Take(
        CheckpointFolder checkpoint,
        string prefix,
        int inputs,
        bool bias,
        ScalarType dtype,
        Device device,
        Nf4Settings? nf4,
        params LinearPart[] parts
    )
    {
        var names = parts.Select(part => $"{prefix}{part.Name}.weight").ToList();
        if (nf4 is null && names.FirstOrDefault(checkpoint.IsPacked) is { } held)
        {
            throw new CoinException(Checkpoints.Quantization.InFourBits(checkpoint.Path, held));
        }

        foreach (var (part, name) in parts.Zip(names).Where(pair => nf4 is not null && checkpoint.IsPacked(pair.Second)))
        {
            if (checkpoint.TakeState(name, part.Out, inputs).Settings is var saved && saved != nf4)
            {
                throw new CoinException(
                    $"{checkpoint.Path} holds '{name}' in blocks of {saved.BlockSize}, {(saved.DoubleQuantization ? "with" : "without")} "
                        + $"double quantization. Set model.quantization-block-size = {saved.BlockSize} and "
                        + $"model.double-quantization = {(saved.DoubleQuantization ? "true" : "false")}."
                );
            }
        }

        // Without values there is nothing to quantize.
        if (nf4 is null || device.type == DeviceType.META)
        {
            return Take(checkpoint, prefix, inputs, bias, dtype, device, parts);
        }

        using var scope = NewDisposeScope();
        BiasPart[] biases = bias ? [.. parts.Select(part => new BiasPart($"{part.Name}.bias", part.Out))] : [];
        var packed = new List<Nf4Weight>();
        foreach (var (part, name) in parts.Zip(names))
        {
            if (checkpoint.IsPacked(name))
            {
                packed.Add(checkpoint.TakePacked(name, device, part.Out, inputs));
                continue;
            }

            using var read = checkpoint.Take(name, dtype, CPU, part.Out, inputs);
            packed.Add(Nf4Weight.Quantize(read, nf4, device));
        }

        var stacked = biases.Length > 0 ? Stack(checkpoint, prefix, biases, dtype, device) : null;
        return new Linear(packed, stacked, parts, biases, dtype, device);
    }

    /// <summary>The same where biases are not named as weights are.</summary>
    /// <param name="biases">In the order of the outputs; none for a map without.</param>
    public static Linear Take(
        CheckpointFolder checkpoint,
        string prefix,
        int inputs,
        IReadOnlyList<BiasPart> biases,
        ScalarType dtype,
        Device device,
        params LinearPart[] parts
    )
    {
        using var scope = NewDisposeScope();
        BiasPart[] rows = [.. parts.Select(part => new BiasPart($"{part.Name}.weight", part.Out))];
        var weight = Stack(checkpoint, prefix, rows, dtype, device, inputs);
        return new Linear(weight, biases.Count > 0 ? Stack(checkpoint, prefix, biases, dtype, device) : null, parts, biases);
    }

    /// <summary>Each part is read to where it belongs, so that nothing is there twice.</summary>
    private static Tensor Stack(
        CheckpointFolder checkpoint,
        string prefix,
        IReadOnlyList<BiasPart> rows,
        ScalarType dtype,
        Device device,
        params long[] rest
    )
    {
        var stacked = CheckpointFolder.Room([rows.Sum(part => (long)part.Out), .. rest], dtype, device).DetachFromDisposeScope();
        long row = 0;
        foreach (var (name, count) in rows)
        {
            var target = stacked.narrow(0, row, count);
            if (name is null)
            {
                target.zero_();
            }
            else
            {
                checkpoint.TakeInto($"{prefix}{name}", target);
            }

            row += count;
        }

        return stacked;
    }

    /// <summary>The weight for as long as it is needed: as it is held, or dequantized to memory of its own.</summary>
    public OpenWeight Open()
    {
        if (Packed is null)
        {
            return new OpenWeight(Weight, passing: false);
        }

        var dense = empty([Out, In], Dtype, Device);
        long row = 0;
        foreach (var part in Packed)
        {
            using var rows = dense.narrow(0, row, part.Rows);
            part.Into(rows);
            row += part.Rows;
        }

        return new OpenWeight(dense, passing: true);
    }

    /// <summary>The same map with other weights of the same shapes.</summary>
    public Linear With(Tensor weight) => new(weight, Bias?.alias().DetachFromDisposeScope(), Parts, biases);

    /// <summary>The same map with its outputs in another order, in place of this one.</summary>
    /// <param name="order">Rows of weight and bias to the same rows in another order.</param>
    public Linear Rearranged(Func<Tensor, Tensor> order)
    {
        using var own = this;
        return new(order(Weight).DetachFromDisposeScope(), Bias is null ? null : order(Bias).DetachFromDisposeScope(), Parts, biases);
    }

    /// <summary>Each part's rows of the weight, and the bias' stretches, as views by their names in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix)
    {
        long row = 0;
        foreach (var part in Parts)
        {
            yield return ($"{prefix}{part.Name}.weight", Weight.narrow(0, row, part.Out));
            row += part.Out;
        }

        row = 0;
        foreach (var part in biases)
        {
            if (part.Name is not null)
            {
                yield return ($"{prefix}{part.Name}", Bias!.narrow(0, row, part.Out));
            }

            row += part.Out;
        }
    }

    /// <summary>Applies all parts.</summary>
    /// <param name="x">[…, inputs].</param>
    /// <returns>[…, sum of outputs].</returns>
    public Tensor Forward(Tensor x)
    {
        using var opened = Open();
        return F.linear(x, opened.Weight, Bias);
    }

    /// <summary>
    /// The backward pass of <see cref="Forward"/>: the weight is frozen, and only the input has a gradient. Training without a graph
    /// multiplies with the weight in these two alone; a weight that is held in another form is made dense in them.
    /// </summary>
    /// <param name="gradient">[N, sum of outputs].</param>
    /// <returns>[N, inputs].</returns>
    public Tensor Backward(Tensor gradient)
    {
        using var opened = Open();
        return gradient.mm(opened.Weight);
    }

    /// <summary>Cuts what <see cref="Forward"/> gave into the parts' outputs, as views.</summary>
    public Tensor[] Split(Tensor y) => Parts.Count == 1 ? [y] : Split(y, Parts.Select(part => part.Out));

    /// <summary>Cuts a last dimension into stretches, as views.</summary>
    public static Tensor[] Split(Tensor y, IEnumerable<int> sizes)
    {
        long at = 0;
        return
        [
            .. sizes.Select(size =>
            {
                at += size;
                return y.narrow(-1, at - size, size);
            }),
        ];
    }

    /// <summary>The tensors as they are held.</summary>
    public IEnumerable<Tensor> Parameters() =>
        [.. Packed?.SelectMany(part => part.Parameters) ?? [Weight], .. Bias is null ? Array.Empty<Tensor>() : [Bias]];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }
}

/// <summary>A weight in use.</summary>
/// <param name="weight">[sum of outputs, inputs].</param>
/// <param name="passing">Whether it is there for this use only.</param>
internal readonly struct OpenWeight(Tensor weight, bool passing) : IDisposable
{
    public Tensor Weight => weight;

    public void Dispose()
    {
        if (passing)
        {
            weight.Dispose();
        }
    }
}
