using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Adapters.Lora;

/// <summary>
/// Low-rank updates of the parts of one <see cref="Linear"/> (Hu et al. 2021): y += α/r · B A x. The A matrices, which share their input,
/// are stacked. Held in float32 whatever the base's dtype.
/// </summary>
internal sealed class LoraLinear : IDisposable
{
    private LoraLinear(IReadOnlyList<LinearPart> parts, int rank, Tensor a, Tensor[] b)
    {
        Parts = parts;
        Rank = rank;
        A = a;
        B = b;
    }

    public IReadOnlyList<LinearPart> Parts { get; }

    public int Rank { get; }

    /// <summary>[parts · r, inputs].</summary>
    public Tensor A { get; }

    /// <summary>[outputs, r] for each part.</summary>
    public IReadOnlyList<Tensor> B { get; }

    /// <summary>
    /// PEFT's initialization: A uniform in ±1/√inputs (Kaiming with a = √5), B zero, so that the update starts as nothing.
    /// </summary>
    public static LoraLinear Initialize(Linear linear, int rank, Device device, Generator generator)
    {
        using var scope = NewDisposeScope();
        var bound = 1 / Math.Sqrt(linear.In);
        var a = linear.Parts.Select(_ => rand(rank, linear.In, generator: generator).mul(Scalars.Of(2L)).sub(Scalars.Of(1L)).mul(Scalars.Of(bound))).ToArray();
        var b = linear.Parts.Select(part => zeros(part.Out, rank, device: device).DetachFromDisposeScope()).ToArray();
        return new LoraLinear(linear.Parts, rank, cat(a, 0).to(device).DetachFromDisposeScope(), b);
    }

    /// <summary>Of matrices that are yet to be filled.</summary>
    public static LoraLinear Empty(Linear linear, int rank, Device device) => new(
        linear.Parts, rank, empty([(long)linear.Parts.Count * rank, linear.In], ScalarType.Float32, device).DetachFromDisposeScope(),
        [.. linear.Parts.Select(part => empty([part.Out, rank], ScalarType.Float32, device).DetachFromDisposeScope())]);

    /// <summary>Each part's A and B (A as a view), by the part's name.</summary>
    public IEnumerable<(string Name, Tensor A, Tensor B)> Slices(Func<Tensor, Tensor>? of = null)
    {
        var a = of is null ? A : of(A);
        for (var i = 0; i < Parts.Count; i++)
        {
            yield return (Parts[i].Name, a.narrow(0, (long)i * Rank, Rank), of is null ? B[i] : of(B[i]));
        }
    }

    /// <summary>Adds the updates to the base's outputs.</summary>
    /// <param name="outputs">The parts' outputs, each [N, outputs].</param>
    /// <param name="x">[N, inputs].</param>
    /// <param name="scaling">α / r.</param>
    /// <param name="dropout">Drops inputs of the low-rank paths, independently for each part; null for none.</param>
    /// <param name="beside">More matrices of the same parts, for which the same inputs are dropped; null for none.</param>
    public Tensor[] AddTo(Tensor[] outputs, Tensor x, double scaling, Dropout? dropout, LoraLinear? beside = null)
    {
        IReadOnlyList<LoraLinear> all = beside is null ? [this] : [beside, this];
        var a = all.Select(one => one.A.to(x.dtype)).ToArray();
        var low = dropout is null ? a.Select(one => F.linear(x, one)).ToArray() : null;
        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        var sums = new Tensor[outputs.Length];
        for (var i = 0; i < outputs.Length; i++)
        {
            var input = low is null ? dropout!.Apply(x) : null;
            sums[i] = outputs[i];
            for (var j = 0; j < all.Count; j++)
            {
                var rank = all[j].Rank;
                var part = input is not null
                    ? F.linear(input, a[j].narrow(0, (long)i * rank, rank))
                    : outputs.Length == 1 ? low![j] : low![j].narrow(1, (long)i * rank, rank);
                sums[i] = addmm(sums[i], part, all[j].B[i].to(x.dtype).t(), 1f, factor);
            }
        }

        return sums;
    }

    /// <summary>The base's weight with the updates added, as new memory.</summary>
    /// <param name="beside">As for <see cref="AddTo"/>.</param>
    public Tensor Merge(Linear linear, double scaling, LoraLinear? beside = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor Updates(LoraLinear of) => cat([.. of.Slices().Select(slice => slice.B.matmul(slice.A))], 0).mul(Scalars.Of(scaling));
        var sum = linear.Weight.to(ScalarType.Float32).add(Updates(this), Scalars.One);
        if (beside is not null)
        {
            sum.add_(Updates(beside), Scalars.One);
        }

        return sum.to(linear.Weight.dtype).DetachFromDisposeScope();
    }

    public IEnumerable<Tensor> Parameters() => [A, .. B];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }
}
