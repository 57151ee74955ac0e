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
    private LoraLinear(Linear linear, IReadOnlyList<int> places, int rank, Tensor a, Tensor[] b)
    {
        Whole = linear.Parts;
        Places = places;
        Parts = [.. places.Select(place => linear.Parts[place])];
        Rank = rank;
        A = a;
        B = b;
    }

    /// <summary>All parts of the map.</summary>
    public IReadOnlyList<LinearPart> Whole { get; }

    /// <summary>Those that are adapted, by number; none where the map is left alone.</summary>
    public IReadOnlyList<int> Places { get; }

    /// <summary>The same by name.</summary>
    public IReadOnlyList<LinearPart> Parts { get; }

    public int Rank { get; }

    /// <summary>[parts · r, inputs].</summary>
    public Tensor A { get; }

    /// <summary>[outputs, r] for each part.</summary>
    public IReadOnlyList<Tensor> B { get; }

    /// <summary>
    /// PEFT's initialization: A uniform in ±1/√inputs (Kaiming with a = √5), B zero, so that the update starts as nothing.
    /// </summary>
    /// <param name="places">The parts that are adapted; null for all.</param>
    public static LoraLinear Initialize(Linear linear, int rank, Device device, Generator generator, IReadOnlyList<int>? places = null)
    {
        if ((places ??= All(linear)).Count == 0)
        {
            return Empty(linear, rank, device, places);
        }

        using var scope = NewDisposeScope();
        var bound = 1 / Math.Sqrt(linear.In);
        var a = places
            .Select(_ => rand(rank, linear.In, generator: generator).mul(Scalars.Of(2L)).sub(Scalars.Of(1L)).mul(Scalars.Of(bound)))
            .ToArray();
        var b = places.Select(place => zeros(linear.Parts[place].Out, rank, device: device).DetachFromDisposeScope()).ToArray();
        return new LoraLinear(linear, places, rank, cat(a, 0).to(device).DetachFromDisposeScope(), b);
    }

    /// <summary>Of matrices that are yet to be filled.</summary>
    /// <param name="places">As for <see cref="Initialize"/>.</param>
    public static LoraLinear Empty(Linear linear, int rank, Device device, IReadOnlyList<int>? places = null)
    {
        places ??= All(linear);
        return new(
            linear,
            places,
            rank,
            empty([(long)places.Count * rank, linear.In], ScalarType.Float32, device).DetachFromDisposeScope(),
            [.. places.Select(place => empty([linear.Parts[place].Out, rank], ScalarType.Float32, device).DetachFromDisposeScope())]
        );
    }

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
        Tensor[] sums = [.. outputs];
        for (var i = 0; i < Parts.Count; i++)
        {
            var input = low is null ? dropout!.Apply(x) : null;
            ref var sum = ref sums[Places[i]];
            for (var j = 0; j < all.Count; j++)
            {
                var rank = all[j].Rank;
                var part =
                    input is not null ? F.linear(input, a[j].narrow(0, (long)i * rank, rank))
                    : Parts.Count == 1 ? low![j]
                    : low![j].narrow(1, (long)i * rank, rank);
                sum = addmm(sum, part, all[j].B[i].to(x.dtype).t(), 1f, factor);
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
        var sum = linear.Weight.to(ScalarType.Float32, copy: true);
        foreach (var one in beside is null ? [this] : new[] { this, beside })
        {
            foreach (var (place, slice) in one.Places.Zip(one.Slices()))
            {
                sum.narrow(0, linear.FirstOutputOf(place), linear.Parts[place].Out)
                    .add_(slice.B.matmul(slice.A).mul(Scalars.Of(scaling)), Scalars.One);
            }
        }

        return sum.to(linear.Weight.dtype).DetachFromDisposeScope();
    }

    public IEnumerable<Tensor> Parameters() => Places.Count == 0 ? [] : [A, .. B];

    public void Dispose()
    {
        A.Dispose();
        foreach (var b in B)
        {
            b.Dispose();
        }
    }

    private static IReadOnlyList<int> All(Linear linear) => [.. Enumerable.Range(0, linear.Parts.Count)];
}
