using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Adapters.MoeLora;

/// <summary>What a <see cref="MoeLoraLinear"/> has of one expert of one part, as views.</summary>
/// <param name="Name">The part's.</param>
/// <param name="A">[r / E, inputs].</param>
/// <param name="B">[outputs, r / E].</param>
internal sealed record Expert(string Name, int Number, Tensor A, Tensor B);

/// <summary>
/// A mixture of low-rank updates for each part of one <see cref="Linear"/> (MoELoRA, Chen et al. 2024): y += α/r · Σ_e w_e B_e A_e x with
/// w = softmax(R x) for each position. As the experts of a part together have rank r, the sum is one product with a gate on the rank:
/// [B_1 … B_E] (gate ⊙ [A_1; …; A_E] x). Held in float32 whatever the base's dtype.
/// </summary>
internal sealed class MoeLoraLinear : IDisposable
{
    private (double Factor, Tensor[] Transposed)? ready;

    private MoeLoraLinear(Linear linear, IReadOnlyList<int> places, int rank, int experts, Tensor inner, Tensor[] b)
    {
        Whole = linear.Parts;
        Places = places;
        Parts = [.. places.Select(place => linear.Parts[place])];
        Rank = rank;
        Experts = experts;
        Inner = inner;
        B = b;
    }

    /// <summary>All parts of the map.</summary>
    public IReadOnlyList<LinearPart> Whole { get; }

    /// <summary>Those that are adapted, by number; none where the map is left alone.</summary>
    public IReadOnlyList<int> Places { get; }

    /// <summary>The same by name.</summary>
    public IReadOnlyList<LinearPart> Parts { get; }

    /// <summary>r, of all experts of a part together.</summary>
    public int Rank { get; }

    /// <summary>E.</summary>
    public int Experts { get; }

    /// <summary>r / E.</summary>
    public int ExpertRank => Rank / Experts;

    /// <summary>
    /// [parts · (r + E), inputs], all that is multiplied with the input: every part's A, of its first expert first, then every part's
    /// router.
    /// </summary>
    public Tensor Inner { get; }

    /// <summary>[outputs, r] for each part: its experts' B side by side.</summary>
    public IReadOnlyList<Tensor> B { get; }

    /// <summary>Rows of <see cref="Inner"/> that are low-rank matrices: parts · r.</summary>
    public int LowRows => Parts.Count * Rank;

    /// <summary>Rows of <see cref="Inner"/> that are routers: parts · E.</summary>
    public int RouterRows => Parts.Count * Experts;

    /// <summary>
    /// CoIN's initialization: A normal with standard deviation 0.01, B zero, the router uniform in ±1/√inputs (torch's Linear).
    /// </summary>
    /// <param name="places">The parts that are adapted; null for all.</param>
    public static MoeLoraLinear Initialize(
        Linear linear,
        int rank,
        int experts,
        Device device,
        Generator generator,
        IReadOnlyList<int>? places = null
    )
    {
        if ((places ??= All(linear)).Count == 0)
        {
            return Empty(linear, rank, experts, device, places);
        }

        using var scope = NewDisposeScope();
        var bound = 1 / Math.Sqrt(linear.In);
        var low = randn(places.Count * rank, linear.In, generator: generator).mul(Scalars.Of(0.01));
        var router = rand(places.Count * experts, linear.In, generator: generator)
            .mul(Scalars.Of(2L))
            .sub(Scalars.Of(1L))
            .mul(Scalars.Of(bound));
        var b = places.Select(place => zeros(linear.Parts[place].Out, rank, device: device).DetachFromDisposeScope()).ToArray();
        return new MoeLoraLinear(linear, places, rank, experts, cat([low, router], 0).to(device).DetachFromDisposeScope(), b);
    }

    /// <summary>Of matrices that are yet to be filled.</summary>
    /// <param name="places">As for <see cref="Initialize"/>.</param>
    public static MoeLoraLinear Empty(Linear linear, int rank, int experts, Device device, IReadOnlyList<int>? places = null)
    {
        places ??= All(linear);
        return new(
            linear,
            places,
            rank,
            experts,
            empty([(long)places.Count * (rank + experts), linear.In], ScalarType.Float32, device).DetachFromDisposeScope(),
            [.. places.Select(place => empty([linear.Parts[place].Out, rank], ScalarType.Float32, device).DetachFromDisposeScope())]
        );
    }

    /// <summary>Each part's experts.</summary>
    public IEnumerable<Expert> ExpertSlices(Func<Tensor, Tensor>? of = null)
    {
        var inner = of is null ? Inner : of(Inner);
        for (var part = 0; part < Parts.Count; part++)
        {
            var b = of is null ? B[part] : of(B[part]);
            for (var expert = 0; expert < Experts; expert++)
            {
                yield return new Expert(
                    Parts[part].Name,
                    expert,
                    inner.narrow(0, ((long)part * Rank) + (expert * ExpertRank), ExpertRank),
                    b.narrow(1, (long)expert * ExpertRank, ExpertRank)
                );
            }
        }
    }

    /// <summary>Each part's router [E, inputs], as a view.</summary>
    public IEnumerable<(string Name, Tensor Router)> Routers(Func<Tensor, Tensor>? of = null)
    {
        var inner = of is null ? Inner : of(Inner);
        for (var part = 0; part < Parts.Count; part++)
        {
            yield return (Parts[part].Name, inner.narrow(0, LowRows + ((long)part * Experts), Experts));
        }
    }

    /// <summary>Adds the updates to the base's outputs.</summary>
    /// <param name="outputs">The parts' outputs, each [N, outputs].</param>
    /// <param name="x">[N, inputs].</param>
    /// <param name="scaling">α / r.</param>
    /// <param name="dropout">
    /// Drops inputs of the low-rank paths, independently for each part and expert; the routers see all. Null for none.
    /// </param>
    /// <param name="routed">Receives the routing weights [N, parts, E]; null for nobody.</param>
    public Tensor[] AddTo(Tensor[] outputs, Tensor x, double scaling, Dropout? dropout, Action<Tensor>? routed)
    {
        var inner = Inner.to(x.dtype);
        var one = Experts == 1;
        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);

        // A single expert has all the weight, whatever its router says: it is LoRA.
        var product = dropout is null ? F.linear(x, one ? inner.narrow(0, 0, LowRows) : inner) : null;
        Tensor? gates = null;
        if (!one)
        {
            var scores = product?.narrow(1, LowRows, RouterRows) ?? F.linear(x, inner.narrow(0, LowRows, RouterRows));
            gates = scores.reshape(-1, Parts.Count, Experts).to(ScalarType.Float32).softmax(-1);
            routed?.Invoke(gates);
        }
        else if (routed is not null)
        {
            routed(ones([x.size(0), Parts.Count, 1], device: x.device));
        }

        Tensor[] sums = [.. outputs];
        for (var i = 0; i < Parts.Count; i++)
        {
            var low = product is not null
                ? Parts.Count == 1 && one
                    ? product
                    : product.narrow(1, (long)i * Rank, Rank)
                : Dropped(x, inner.narrow(0, (long)i * Rank, Rank), dropout!);
            if (gates is not null)
            {
                low = (low.reshape(-1, Experts, ExpertRank) * gates.select(1, i).to(x.dtype).unsqueeze(-1)).reshape(-1, Rank);
            }

            ref var sum = ref sums[Places[i]];
            sum = addmm(sum, low, B[i].to(x.dtype).t(), 1f, factor);
        }

        return sums;
    }

    /// <summary>
    /// factor · Bᵀ [r, outputs] of each part, kept until the linear is disposed of: for adapters that answer and are not trained, of which
    /// every step of every answer needs them.
    /// </summary>
    public IReadOnlyList<Tensor> Transposed(double factor)
    {
        lock (B)
        {
            if (ready?.Factor != factor)
            {
                Forget();
                ready = (factor, [.. B.Select(b => Transpose(b, factor).DetachFromDisposeScope())]);
            }

            return ready!.Value.Transposed;
        }
    }

    /// <summary>factor · Bᵀ of a part, as new memory.</summary>
    public static Tensor Transpose(Tensor b, double factor)
    {
        using var noGrad = no_grad();
        return b.t().contiguous().mul_(Scalars.Of((float)factor));
    }

    public IEnumerable<Tensor> Parameters() => Places.Count == 0 ? [] : [Inner, .. B];

    public void Dispose()
    {
        Forget();
        Inner.Dispose();
        foreach (var b in B)
        {
            b.Dispose();
        }
    }

    private static IReadOnlyList<int> All(Linear linear) => [.. Enumerable.Range(0, linear.Parts.Count)];

    /// <summary>[N, r] of inputs that are dropped anew for each expert: all of them in one product.</summary>
    private Tensor Dropped(Tensor x, Tensor a, Dropout dropout)
    {
        if (Experts == 1)
        {
            return F.linear(dropout.Apply(x), a);
        }

        var mask = dropout.Mask([Experts, .. x.shape]);
        var inputs = x.unsqueeze(0).masked_fill(mask, Scalars.Of(0L));
        var low = inputs.bmm(a.view(Experts, ExpertRank, x.size(1)).transpose(1, 2));
        return low.transpose(0, 1).reshape(x.size(0), Rank);
    }

    private void Forget()
    {
        foreach (var tensor in ready?.Transposed ?? [])
        {
            tensor.Dispose();
        }

        ready = null;
    }
}
