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

    private Linear(Tensor weight, Tensor? bias, IReadOnlyList<LinearPart> parts, IReadOnlyList<BiasPart> biases)
    {
        Weight = weight;
        Bias = bias;
        Parts = parts;
        this.biases = biases;
    }

    /// <summary>[sum of outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <summary>[sum of outputs], or null.</summary>
    public Tensor? Bias { get; }

    public IReadOnlyList<LinearPart> Parts { get; }

    /// <summary>The first output of a part.</summary>
    public int FirstOutputOf(int part) => Parts.Take(part).Sum(one => one.Out);

    /// <summary>Input features.</summary>
    public int In => (int)Weight.size(1);

    /// <summary>Takes the parts' weights out of a checkpoint and stacks them.</summary>
    /// <param name="prefix">What stands before the parts' names, e.g. <c>model.layers.0.</c>.</param>
    /// <param name="bias">Whether each part has a bias of its own.</param>
    public static Linear Take(
        CheckpointFolder checkpoint, string prefix, int inputs, bool bias, ScalarType dtype, Device device, params LinearPart[] parts) =>
        Take(checkpoint, prefix, inputs, bias ? [.. parts.Select(part => new BiasPart($"{part.Name}.bias", part.Out))] : [], dtype, device, parts);

    /// <summary>The same where biases are not named as weights are.</summary>
    /// <param name="biases">In the order of the outputs; none for a map without.</param>
    public static Linear Take(
        CheckpointFolder checkpoint, string prefix, int inputs, IReadOnlyList<BiasPart> biases, ScalarType dtype, Device device, params LinearPart[] parts)
    {
        using var scope = NewDisposeScope();
        var weight = Stack([.. parts.Select(part => new BiasPart($"{part.Name}.weight", part.Out))], inputs);
        return new Linear(weight, biases.Count > 0 ? Stack(biases) : null, parts, biases);

        // Each part is read to where it belongs, so that nothing is there twice.
        Tensor Stack(IReadOnlyList<BiasPart> rows, params long[] rest)
        {
            var stacked = CheckpointFolder.Room([parts.Sum(part => (long)part.Out), .. rest], dtype, device).DetachFromDisposeScope();
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
    public Tensor Forward(Tensor x) => F.linear(x, Weight, Bias);

    /// <summary>
    /// The backward pass of <see cref="Forward"/>: the weight is frozen, and only the input has a gradient. Training without a graph multiplies
    /// with the weight in these two alone; a weight that is held in another form is made dense in them.
    /// </summary>
    /// <param name="gradient">[N, sum of outputs].</param>
    /// <returns>[N, inputs].</returns>
    public Tensor Backward(Tensor gradient) => gradient.mm(Weight);

    /// <summary>Cuts what <see cref="Forward"/> gave into the parts' outputs, as views.</summary>
    public Tensor[] Split(Tensor y) => Parts.Count == 1 ? [y] : Split(y, Parts.Select(part => part.Out));

    /// <summary>Cuts a last dimension into stretches, as views.</summary>
    public static Tensor[] Split(Tensor y, IEnumerable<int> sizes)
    {
        long at = 0;
        return [.. sizes.Select(size =>
        {
            at += size;
            return y.narrow(-1, at - size, size);
        })];
    }

    public IEnumerable<Tensor> Parameters() => Bias is null ? [Weight] : [Weight, Bias];

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
    }
}
