using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// MoELoRA's updates of a linear map, forward and backward: see <see cref="MoeLoraLinear"/>. All experts and routers of all parts are one
/// product with the input (with dropout, every expert has an input of its own), and all experts of a part one product with their B. It
/// keeps what lies between the two, the routing weights, and what was dropped.
/// </summary>
internal sealed class MoeLoraTape : LinearTape
{
    private readonly MoeLoraLinear moe;
    private readonly float factor;
    private readonly MixtureLayout layout;
    private readonly Tensor inner;
    private readonly Tensor?[] dropped;

    private MoeLoraTape(Linear linear, MoeLoraLinear moe, float factor, Tensor inner, Tensor?[] dropped)
        : base(linear)
    {
        this.moe = moe;
        this.factor = factor;
        this.inner = inner;
        this.dropped = dropped;
        layout = LayoutOf(moe);
    }

    /// <inheritdoc cref="LoraTape.AddTo"/>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    public static LinearTape AddTo(Tensor? y, Linear linear, MoeLoraUpdate update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        var (moe, scaling, dropout, routed) = update;
        var layout = LayoutOf(moe);
        var inner = empty([x.size(0), layout.Row], ScalarType.Float32);
        var dropped = new Tensor?[dropout is null ? 0 : layout.Parts];
        MatrixView source = MatrixView.Of(x),
            matrices = MatrixView.Of(moe.Inner),
            product = MatrixView.Of(inner);
        if (dropout is null)
        {
            MatrixProduct.Run(source, matrices, product);
        }
        else
        {
            MatrixProduct.Run(source, matrices.RowRange(layout.Low, moe.RouterRows), product.ColumnRange(layout.Low, moe.RouterRows));
            for (var part = 0; part < layout.Parts; part++)
            {
                dropped[part] = dropout.Mask([layout.Experts, .. x.shape]);
                ForExperts(layout, part, (expert, from) =>
                {
                    using var mask = dropped[part]!.select(0, expert);
                    using var input = RowKernels.Drop(x, mask);
                    MatrixProduct.Run(
                        MatrixView.Of(input),
                        matrices.RowRange(from, layout.ExpertRank),
                        product.ColumnRange(from, layout.ExpertRank)
                    );
                });
            }
        }

        MixtureKernels.Softmax(inner, layout);
        routed?.Invoke(inner.narrow(1, layout.Low, moe.RouterRows).reshape(-1, layout.Parts, layout.Experts));
        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        if (y is not null)
        {
            AddOuter(y, inner);
        }

        GC.KeepAlive(x);
        return keeps
            ? new MoeLoraTape(
                linear,
                moe,
                factor,
                inner.DetachFromDisposeScope(),
                [.. dropped.Select(mask => mask?.DetachFromDisposeScope())]
            )
            : new LinearTape(linear);

        void AddOuter(Tensor sum, Tensor between)
        {
            var gated = keeps && layout.Experts > 1 ? empty([x.size(0), layout.Low], ScalarType.Float32) : between;
            if (layout.Experts > 1)
            {
                MixtureKernels.Gate(between, layout, gated);
            }

            var ready = keeps || moe.Inner.requires_grad ? null : moe.Transposed(factor);
            for (var part = 0; part < layout.Parts; part++)
            {
                using var partScope = NewDisposeScope();
                var b = ready?[part] ?? MoeLoraLinear.Transpose(moe.B[part], factor);
                PanelProduct.Run(
                    MatrixView.Of(gated).ColumnRange(part * layout.Rank, layout.Rank),
                    MatrixView.Of(b),
                    MatrixView.Of(sum).ColumnRange(linear.FirstOutputOf(moe.Places[part]), moe.Parts[part].Out),
                    adds: true
                );
                GC.KeepAlive(b);
            }
        }
    }

    public override void Dispose()
    {
        inner.Dispose();
        foreach (var mask in dropped)
        {
            mask?.Dispose();
        }

        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor x, Tensor gradient, Tensor? sum)
    {
        var gated = inner;
        if (layout.Experts > 1)
        {
            gated = empty([inner.size(0), layout.Low], ScalarType.Float32);
            MixtureKernels.Gate(inner, layout, gated);
        }

        var innerGradient = zeros_like(inner);
        var view = MatrixView.Of(gradient);
        for (var part = 0; part < layout.Parts; part++)
        {
            using var scope = NewDisposeScope();
            var y = view.ColumnRange(Linear.FirstOutputOf(moe.Places[part]), moe.Parts[part].Out);
            var b = MoeLoraLinear.Transpose(moe.B[part], factor);
            MatrixProduct.Run(y, MatrixView.Of(b), MatrixView.Of(innerGradient).ColumnRange(part * layout.Rank, layout.Rank));
            GC.KeepAlive(b);

            // Transposed, for B's rows are short: rank × outputs.
            PanelProduct.Run(
                MatrixView.Of(gated).ColumnRange(part * layout.Rank, layout.Rank).Transposed,
                y,
                MatrixView.Of(Gradients.Of(moe.B[part])).Transposed,
                adds: true,
                factor
            );
        }

        GC.KeepAlive(gated);

        // A single expert has all the weight: nothing goes to its router.
        if (layout.Experts > 1)
        {
            MixtureKernels.Backward(inner, layout, innerGradient);
        }

        Tensor matrices = moe.Inner,
            matricesGradient = Gradients.Of(moe.Inner);
        if (dropped.Length == 0)
        {
            BackwardOfInner(0, layout.Row, null);
        }
        else
        {
            BackwardOfInner(layout.Low, moe.RouterRows, null);
            for (var part = 0; part < layout.Parts; part++)
            {
                ForExperts(layout, part, (expert, from) =>
                {
                    using var mask = dropped[part]!.select(0, expert);
                    BackwardOfInner(from, layout.ExpertRank, mask);
                });
            }
        }

        GC.KeepAlive(innerGradient);

        void BackwardOfInner(int from, int rows, Tensor? mask)
        {
            var part = MatrixView.Of(innerGradient).ColumnRange(from, rows);
            PanelProduct.Run(
                part.Transposed,
                MatrixView.Of(x),
                MatrixView.Of(matricesGradient).RowRange(from, rows),
                adds: true,
                dropsW: mask
            );
            if (sum is not null)
            {
                PanelProduct.Run(part, MatrixView.Of(matrices).RowRange(from, rows), MatrixView.Of(sum), adds: true, dropsY: mask);
            }
        }
    }

    private static MixtureLayout LayoutOf(MoeLoraLinear moe) => new(moe.Parts.Count, moe.Experts, moe.ExpertRank);

    /// <param name="action">Receives each expert of a part, and the place of its first low-rank number.</param>
    private static void ForExperts(MixtureLayout layout, int part, Action<int, int> action)
    {
        for (var expert = 0; expert < layout.Experts; expert++)
        {
            action(expert, (part * layout.Rank) + (expert * layout.ExpertRank));
        }
    }
}
