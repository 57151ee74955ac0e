using CoIN.Models.Adapters.Lora;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// LoRA's updates of a linear map, y += α/r · B A x, forward and backward. It keeps what lies between A and B and what was dropped.
/// Matrices that are held fixed beside it (<see cref="LoraUpdate.Frozen"/>) only pass gradients on, and nothing is kept of them.
/// </summary>
internal sealed class LoraTape : LinearTape
{
    private readonly LoraUpdate update;
    private readonly float factor;
    private readonly Tensor low;
    private readonly Tensor?[] dropped;

    private LoraTape(Linear linear, LoraUpdate update, Tensor low, Tensor?[] dropped)
        : base(linear)
    {
        this.update = update;
        this.low = low;
        this.dropped = dropped;
        factor = (float)(update.Dropout is { } dropout ? update.Scaling * dropout.Scale : update.Scaling);
    }

    /// <summary>The forward pass.</summary>
    /// <param name="y">[N, outputs], contiguous, to which the updates are added; null where nobody wants them.</param>
    /// <param name="x">[N, inputs].</param>
    /// <returns>What the backward pass needs.</returns>
    public static LoraTape AddTo(Tensor? y, Linear linear, LoraUpdate update, Tensor x)
    {
        using var scope = NewDisposeScope();
        var (lora, _, dropout) = update;
        LoraLinear[] all = update.Frozen is { } frozen && y is not null ? [lora, frozen] : [lora];
        var low = all.Select(one => empty([x.size(0), one.A.size(0)], ScalarType.Float32)).ToArray();

        // Without dropout all parts have one input, and one product serves them.
        var dropped = new Tensor?[dropout is null ? 1 : lora.Parts.Count];
        for (var i = 0; i < dropped.Length; i++)
        {
            dropped[i] = dropout?.Mask(x.shape);
            using var input = dropped[i] is null ? x.alias() : RowKernels.Drop(x, dropped[i]!);
            foreach (var (one, result) in all.Zip(low))
            {
                var rows = (int)one.A.size(0) / dropped.Length;
                MatrixProduct.Run(
                    MatrixView.Of(input),
                    MatrixView.Of(one.A).RowRange(i * rows, rows),
                    MatrixView.Of(result).ColumnRange(i * rows, rows)
                );
            }
        }

        var tape = new LoraTape(
            linear,
            update,
            low[0].DetachFromDisposeScope(),
            [.. dropped.Select(mask => mask?.DetachFromDisposeScope())]
        );
        if (y is { } sum)
        {
            foreach (var (one, result) in all.Zip(low))
            {
                tape.ForParts(one, (part, from, b) =>
                    PanelProduct.Run(
                        MatrixView.Of(result).ColumnRange(part * one.Rank, one.Rank),
                        MatrixView.Of(b),
                        MatrixView.Of(sum).ColumnRange(from, one.Parts[part].Out),
                        adds: true
                    )
                );
            }
        }

        return tape;
    }

    public override void Dispose()
    {
        low.Dispose();
        foreach (var mask in dropped)
        {
            mask?.Dispose();
        }

        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor x, Tensor gradient, Tensor? sum)
    {
        Backward(update.Lora, low, x, gradient, sum);
        if (update.Frozen is { } frozen && sum is not null)
        {
            Backward(frozen, null, x, gradient, sum);
        }
    }

    /// <param name="between">What lies between A and B, [N, parts · r]; null where these get no gradient.</param>
    private void Backward(LoraLinear lora, Tensor? between, Tensor x, Tensor gradient, Tensor? sum)
    {
        using var scope = NewDisposeScope();
        var view = MatrixView.Of(gradient);
        var lowGradient = empty([x.size(0), lora.A.size(0)], ScalarType.Float32);
        ForParts(lora, (part, from, b) =>
        {
            var y = view.ColumnRange(from, lora.Parts[part].Out);
            MatrixProduct.Run(y, MatrixView.Of(b), MatrixView.Of(lowGradient).ColumnRange(part * lora.Rank, lora.Rank));
            if (between is not null)
            {
                // Transposed, for B's rows are short: rank × outputs.
                PanelProduct.Run(
                    MatrixView.Of(between).ColumnRange(part * lora.Rank, lora.Rank).Transposed,
                    y,
                    MatrixView.Of(Gradients.Of(lora.B[part])).Transposed,
                    adds: true,
                    factor
                );
            }
        });

        var rows = (int)lora.A.size(0) / dropped.Length;
        var a = MatrixView.Of(lora.A);
        for (var i = 0; i < dropped.Length; i++)
        {
            var part = MatrixView.Of(lowGradient).ColumnRange(i * rows, rows);
            if (between is not null)
            {
                var aGradient = MatrixView.Of(Gradients.Of(lora.A));
                PanelProduct.Run(part.Transposed, MatrixView.Of(x), aGradient.RowRange(i * rows, rows), adds: true, dropsW: dropped[i]);
            }

            if (sum is not null)
            {
                PanelProduct.Run(part, a.RowRange(i * rows, rows), MatrixView.Of(sum), adds: true, dropsY: dropped[i]);
            }
        }
    }

    /// <summary>Goes through the parts.</summary>
    /// <param name="action">Receives the part's number, its first output, and α/r · Bᵀ [r, outputs].</param>
    private void ForParts(LoraLinear lora, Action<int, int, Tensor> action)
    {
        for (var part = 0; part < lora.Parts.Count; part++)
        {
            using var scope = NewDisposeScope();
            action(part, Linear.FirstOutputOf(lora.Places[part]), lora.B[part].t().contiguous().mul_(Scalars.Of(factor)));
        }
    }
}
