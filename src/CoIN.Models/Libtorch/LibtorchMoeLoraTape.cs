using CoIN.Models.Adapters;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Libtorch;

/// <summary>
/// MoELoRA's updates of a linear map, forward and backward by libtorch without a graph: see <see cref="MoeLoraLinear"/>. It keeps what lies
/// between the matrices before its gate, the routing weights, and a byte for each number that may have been dropped.
/// </summary>
internal sealed class LibtorchMoeLoraTape : LibtorchLinearTape
{
    private readonly MoeLoraUpdate update;
    private readonly MoeLoraLinear moe;
    private readonly float factor;

    /// <summary>[N, r] of each part.</summary>
    private readonly Tensor[] low;

    /// <summary>float32 [N, parts, E]; null for a single expert, which has all the weight.</summary>
    private readonly Tensor? gates;

    /// <summary>[E, N, inputs] of each part; none without dropout.</summary>
    private readonly Tensor[] masks;

    private LibtorchMoeLoraTape(Linear linear, MoeLoraUpdate update, float factor, Tensor[] low, Tensor? gates, Tensor[] masks)
        : base(linear)
    {
        this.update = update;
        moe = update.Moe;
        this.factor = factor;
        this.low = low;
        this.gates = gates;
        this.masks = masks;
    }

    /// <inheritdoc/>
    public override bool NeedsInput => true;

    private bool Routes => moe.Experts > 1;

    /// <inheritdoc cref="LibtorchLoraTape.AddTo"/>
    public static LibtorchLinearTape AddTo(Tensor? y, Linear linear, MoeLoraUpdate update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        var (moe, scaling, dropout, routed) = update;
        int parts = moe.Parts.Count,
            experts = moe.Experts;
        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        var inner = update.Typed(moe.Inner, x.dtype);

        // A single expert has all the weight, whatever its router says.
        var product = dropout is null ? F.linear(x, experts == 1 ? inner.narrow(0, 0, moe.LowRows) : inner) : null;
        Tensor? gates = null;
        if (experts > 1)
        {
            var scores = product?.narrow(1, moe.LowRows, moe.RouterRows) ?? F.linear(x, inner.narrow(0, moe.LowRows, moe.RouterRows));
            gates = scores.reshape(-1, parts, experts).to(ScalarType.Float32).softmax(-1);
        }

        routed?.Invoke(gates ?? ones([x.size(0), parts, 1], device: x.device));
        Tensor[] masks = dropout is null ? [] : [.. Enumerable.Range(0, parts).Select(_ => dropout.Mask([experts, .. x.shape]))];
        Tensor[] low =
        [
            .. Enumerable
                .Range(0, parts)
                .Select(part =>
                    product is not null
                        ? product.narrow(1, (long)part * moe.Rank, moe.Rank)
                        : Dropout.Drop(x, masks[part]).bmm(Experts(moe, inner, part).transpose(1, 2)).transpose(0, 1).reshape(-1, moe.Rank)
                ),
        ];
        var tape = new LibtorchMoeLoraTape(linear, update, factor, low, gates, masks);
        for (var part = 0; part < parts && y is not null; part++)
        {
            tape.Outputs(y, moe.Places[part]).addmm_(tape.Gated(low[part], part), update.Typed(moe.B[part], x.dtype).t(), 1, factor);
        }

        if (!keeps)
        {
            return new LibtorchLinearTape(linear);
        }

        foreach (var tensor in tape.Kept)
        {
            tensor.DetachFromDisposeScope();
        }

        return tape;
    }

    private IEnumerable<Tensor> Kept => gates is null ? [.. low, .. masks] : [.. low, gates, .. masks];

    public override void Dispose()
    {
        foreach (var tensor in Kept)
        {
            tensor.Dispose();
        }

        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor? x, Tensor gradient, Tensor? sum)
    {
        var dtype = gradient.dtype;
        var between = new Tensor[moe.Parts.Count];
        var scores = new List<Tensor>();
        for (var part = 0; part < between.Length; part++)
        {
            var y = Outputs(gradient, moe.Places[part]);
            var gated = empty_like(low[part]);
            Product(gated, y, update.Typed(moe.B[part], dtype), factor);
            Accumulate(Gradients.Of(moe.B[part]), y.t(), Gated(low[part], part), factor);
            if (gates is not null)
            {
                // Through softmax: p ⊙ (g − Σ p g).
                var weights = gates.select(1, part);
                var weighed = ByExpert(gated).mul(ByExpert(low[part])).sum(-1, type: ScalarType.Float32).mul_(weights);
                scores.Add(weighed.addcmul_(weights, weighed.sum(-1, keepdim: true), Scalars.Of(-1L)).to(dtype));
            }

            between[part] = Gated(gated, part);
        }

        var (inner, innerGradient) = (update.Typed(moe.Inner, dtype), Gradients.Of(moe.Inner));
        if (masks.Length == 0)
        {
            Inner(cat([.. between, .. scores], 1), 0);
            return;
        }

        if (Routes)
        {
            Inner(cat(scores, 1), moe.LowRows);
        }

        for (var part = 0; part < between.Length; part++)
        {
            var experts = ByExpert(between[part]).transpose(0, 1);
            AccumulateAll(Experts(moe, innerGradient, part), experts.transpose(1, 2), Dropout.Drop(x!, masks[part]));
            if (sum is not null)
            {
                Dropout.AddDropped(sum, experts.bmm(Experts(moe, inner, part)), masks[part]);
            }
        }

        // The matrices from a row on, which see the whole input.
        void Inner(Tensor outer, long first)
        {
            Accumulate(innerGradient.narrow(0, first, outer.size(1)), outer.t(), x!);
            sum?.addmm_(outer, inner.narrow(0, first, outer.size(1)));
        }
    }

    /// <summary>A part's A, or its gradient: [E, r / E, inputs].</summary>
    private static Tensor Experts(MoeLoraLinear moe, Tensor inner, int part) =>
        inner.narrow(0, (long)part * moe.Rank, moe.Rank).view(moe.Experts, moe.ExpertRank, inner.size(1));

    private Tensor ByExpert(Tensor x) => x.reshape(-1, moe.Experts, moe.ExpertRank);

    /// <summary>[N, r] of one part with each expert's numbers multiplied with its weight.</summary>
    private Tensor Gated(Tensor x, int part) =>
        gates is null ? x : ByExpert(x).mul(gates.select(1, part).to(x.dtype).unsqueeze(-1)).reshape(-1, moe.Rank);
}
