using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// Rotary position embedding (Su et al. 2021) in the layout of Hugging Face LLaMA checkpoints: the two halves of a head form the pairs.
/// </summary>
internal sealed class Rotary : IDisposable
{
    private readonly Tensor cos;
    private readonly Tensor sin;
    private readonly IReadOnlyList<int> sections = [];

    public Rotary(DecoderConfig config, ScalarType dtype, Device device)
        : this(config.MaxPositions, config.HeadSize, config.RotaryBases, dtype, device, config.RopeScaling)
    {
        sections = config.RopeSections ?? [];
        QueryScale = config.LongContext?.QueryScale(config.MaxPositions) is { } factors
            ? tensor(factors).to(dtype).to(device).DetachFromDisposeScope()
            : null;
    }

    /// <param name="positions">Longest sequence.</param>
    /// <param name="headSize">Features of a head.</param>
    /// <param name="theta">The base of the frequencies.</param>
    /// <param name="scaling">Null for the plain rope.</param>
    public Rotary(int positions, int headSize, double theta, ScalarType dtype, Device device, RopeScaling? scaling = null)
        : this(positions, headSize, [theta], dtype, device, scaling) { }

    private Rotary(int positions, int headSize, IReadOnlyList<double> bases, ScalarType dtype, Device device, RopeScaling? scaling)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();

        // float32 as in the reference: the angles' rounding is part of what a checkpoint was trained with.
        var exponents = arange(Scalars.Of(0L), Scalars.Of((long)headSize), Scalars.Of(2L), dtype: ScalarType.Float32)
            .div(Scalars.Of((long)headSize));
        var places = arange(Scalars.Of(0L), Scalars.Of((long)positions), Scalars.Of(1L), dtype: ScalarType.Float32);
        var angles = cat([.. bases.Select(theta => outer(places, Frequencies(theta)))], 0);
        var both = cat([angles, angles], -1);
        var factor = Scalars.Of(scaling?.Factor ?? 1);
        cos = both.cos().mul(factor).to(dtype).to(device).DetachFromDisposeScope();
        sin = both.sin().mul(factor).to(dtype).to(device).DetachFromDisposeScope();

        Tensor Frequencies(double theta)
        {
            var frequencies = pow((float)theta, exponents).reciprocal();
            return scaling is null ? frequencies : tensor(scaling.Apply(frequencies.data<float>().ToArray(), theta));
        }
    }

    /// <summary>[positions]: what queries are multiplied with in evaluation, by their position; null for nothing.</summary>
    public Tensor? QueryScale { get; }

    /// <summary>Cosines and sines of every position, [bases · positions, head size]: one base's table after the other.</summary>
    public (Tensor Cos, Tensor Sin) All => (cos, sin);

    /// <summary>The rotations of some positions.</summary>
    /// <param name="positions">int64 [N], or [N, 3] for places in time, height and width.</param>
    /// <returns>cos and sin, [N, 1, head size]: one for all heads.</returns>
    public (Tensor Cos, Tensor Sin) At(Tensor positions)
    {
        return (Of(cos), Of(sin));

        Tensor Of(Tensor table)
        {
            using var scope = NewDisposeScope();
            return (positions.dim() == 1 ? table.index_select(0, positions) : ByAxes(table)).unsqueeze(1).MoveToOuterDisposeScope();
        }

        // Each frequency stands in both halves of a head.
        Tensor ByAxes(Tensor table)
        {
            var columns = new List<Tensor>();
            long from = 0;
            foreach (var (place, count) in sections.Concat(sections).Index())
            {
                columns.Add(table.narrow(1, from, count).index_select(0, positions.select(1, place % sections.Count)));
                from += count;
            }

            return cat(columns, -1);
        }
    }

    /// <summary>Rotates queries or keys.</summary>
    /// <param name="x">[N, heads, head size].</param>
    public static Tensor Apply(Tensor x, (Tensor Cos, Tensor Sin) rotation)
    {
        using var scope = NewDisposeScope();
        var half = x.size(-1) / 2;
        var turned = cat([x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)], -1);
        return (x * rotation.Cos).addcmul_(turned, rotation.Sin, Scalars.Of(1L)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        cos.Dispose();
        sin.Dispose();
        QueryScale?.Dispose();
    }
}
