using CoIN.Models.Checkpoints;
using CoIN.Models.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>One of the linear maps that a <see cref="Linear"/> fuses.</summary>
/// <param name="Name">The checkpoint's name without prefix and <c>.weight</c>, e.g. <c>self_attn.q_proj</c>.</param>
/// <param name="Out">Output features.</param>
internal sealed record LinearPart(string Name, int Out);

/// <summary>
/// One or several linear maps of the same input, with their weights stacked so that one matrix product serves them all
/// (query, key and value; gate and up).
/// </summary>
internal sealed class Linear : IDisposable
{
    private Linear(Tensor weight, Tensor? bias, IReadOnlyList<LinearPart> parts)
    {
        Weight = weight;
        Bias = bias;
        Parts = parts;
    }

    /// <summary>[sum of outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <summary>[sum of outputs], or null.</summary>
    public Tensor? Bias { get; }

    public IReadOnlyList<LinearPart> Parts { get; }

    /// <summary>Input features.</summary>
    public int In => (int)Weight.size(1);

    /// <summary>Takes the parts' weights out of a checkpoint and stacks them.</summary>
    /// <param name="prefix">What stands before the parts' names, e.g. <c>model.layers.0.</c>.</param>
    public static Linear Take(
        CheckpointFolder checkpoint, string prefix, int inputs, bool bias, ScalarType dtype, Device device, params LinearPart[] parts)
    {
        using var scope = NewDisposeScope();
        var weight = Stack("weight", inputs);
        return new Linear(weight, bias ? Stack("bias") : null, parts);

        // Each part is read to where it belongs, so that nothing is there twice.
        Tensor Stack(string kind, params long[] rest)
        {
            var stacked = CheckpointFolder.Room([parts.Sum(part => (long)part.Out), .. rest], dtype, device).DetachFromDisposeScope();
            long row = 0;
            foreach (var part in parts)
            {
                checkpoint.TakeInto($"{prefix}{part.Name}.{kind}", stacked.narrow(0, row, part.Out));
                row += part.Out;
            }

            return stacked;
        }
    }

    /// <summary>The same map with other weights of the same shapes.</summary>
    public Linear With(Tensor weight) => new(weight, Bias?.alias().DetachFromDisposeScope(), Parts);

    /// <summary>Each part's rows of the weight and of the bias, as views, by the parts' names.</summary>
    public IEnumerable<(string Name, Tensor Weight, Tensor? Bias)> Slices()
    {
        long row = 0;
        foreach (var part in Parts)
        {
            yield return (part.Name, Weight.narrow(0, row, part.Out), Bias?.narrow(0, row, part.Out));
            row += part.Out;
        }
    }

    /// <summary>Applies all parts.</summary>
    /// <param name="x">[…, inputs].</param>
    /// <returns>[…, sum of outputs].</returns>
    public Tensor Forward(Tensor x) => F.linear(x, Weight, Bias);

    /// <summary>Applies all parts where no gradient is wanted; the same to float32's rounding.</summary>
    public Tensor Infer(Tensor x) => MatrixProduct.Linear(x, Weight, Bias);

    /// <summary>Adds what <see cref="Infer"/> gives to a sum, in its place if that is possible.</summary>
    /// <param name="sum">[…, sum of outputs], contiguous. Not to be used afterwards.</param>
    public Tensor InferOnto(Tensor sum, Tensor x) => MatrixProduct.AddLinear(sum, x, Weight, Bias);

    /// <summary>Cuts what <see cref="Forward"/> gave into the parts' outputs, as views.</summary>
    public Tensor[] Split(Tensor y)
    {
        if (Parts.Count == 1)
        {
            return [y];
        }

        var pieces = new Tensor[Parts.Count];
        long at = 0;
        for (var i = 0; i < pieces.Length; i++)
        {
            pieces[i] = y.narrow(-1, at, Parts[i].Out);
            at += Parts[i].Out;
        }

        return pieces;
    }

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
    }
}
