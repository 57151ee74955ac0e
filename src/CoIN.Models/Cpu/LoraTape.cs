using CoIN.Models.Adapters.Lora;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// LoRA's updates of a linear map, y += α/r · B A x, forward and backward. It keeps what lies between A and B and what was dropped.
/// </summary>
internal sealed class LoraTape : LinearTape
{
    private readonly LoraLinear lora;
    private readonly float factor;
    private readonly Tensor low;
    private readonly Tensor?[] dropped;

    private LoraTape(Linear linear, LoraLinear lora, float factor, Tensor low, Tensor?[] dropped)
        : base(linear)
    {
        this.lora = lora;
        this.factor = factor;
        this.low = low;
        this.dropped = dropped;
    }

    /// <summary>The forward pass.</summary>
    /// <param name="y">[N, outputs], contiguous, to which the updates are added.</param>
    /// <param name="x">[N, inputs].</param>
    /// <returns>What the backward pass needs.</returns>
    public static LoraTape AddTo(Tensor y, Linear linear, LoraUpdate update, Tensor x)
    {
        using var scope = NewDisposeScope();
        var (lora, scaling, dropout) = update;
        var low = empty([x.size(0), lora.A.size(0)], ScalarType.Float32);

        // Without dropout all parts have one input, and one product serves them.
        var dropped = new Tensor?[dropout is null ? 1 : lora.Parts.Count];
        var rows = (int)lora.A.size(0) / dropped.Length;
        for (var i = 0; i < dropped.Length; i++)
        {
            dropped[i] = dropout?.Mask(x.shape);
            using var input = dropped[i] is null ? x.alias() : RowKernels.Drop(x, dropped[i]!);
            MatrixProduct.Run(MatrixView.Of(input), MatrixView.Of(lora.A).RowRange(i * rows, rows), MatrixView.Of(low).ColumnRange(i * rows, rows));
        }

        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        var tape = new LoraTape(linear, lora, factor, low.DetachFromDisposeScope(), [.. dropped.Select(mask => mask?.DetachFromDisposeScope())]);
        tape.ForParts((part, from, b) =>
            PanelProduct.Run(tape.Low(part), MatrixView.Of(b), MatrixView.Of(y).ColumnRange(from, linear.Parts[part].Out), adds: true));
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
        var view = MatrixView.Of(gradient);
        var lowGradient = empty_like(low);
        ForParts((part, from, b) =>
        {
            var y = view.ColumnRange(from, Linear.Parts[part].Out);
            MatrixProduct.Run(y, MatrixView.Of(b), MatrixView.Of(lowGradient).ColumnRange(part * lora.Rank, lora.Rank));

            // Transposed, for B's rows are short: rank × outputs.
            PanelProduct.Run(Low(part).Transposed, y, MatrixView.Of(Gradients.Of(lora.B[part])).Transposed, adds: true, factor);
        });

        var rows = (int)lora.A.size(0) / dropped.Length;
        var a = MatrixView.Of(lora.A);
        var aGradient = MatrixView.Of(Gradients.Of(lora.A));
        for (var i = 0; i < dropped.Length; i++)
        {
            var part = MatrixView.Of(lowGradient).ColumnRange(i * rows, rows);
            PanelProduct.Run(part.Transposed, MatrixView.Of(x), aGradient.RowRange(i * rows, rows), adds: true, dropsW: dropped[i]);
            if (sum is not null)
            {
                PanelProduct.Run(part, a.RowRange(i * rows, rows), MatrixView.Of(sum), adds: true, dropsY: dropped[i]);
            }
        }
    }

    /// <summary>What lies between A and B of a part: [N, r].</summary>
    private MatrixView Low(int part) => MatrixView.Of(low).ColumnRange(part * lora.Rank, lora.Rank);

    /// <summary>Goes through the parts.</summary>
    /// <param name="action">Receives the part's number, its first output, and α/r · Bᵀ [r, outputs].</param>
    private void ForParts(Action<int, int, Tensor> action)
    {
        var from = 0;
        for (var part = 0; part < lora.Parts.Count; part++)
        {
            using var scope = NewDisposeScope();
            action(part, from, lora.B[part].t().contiguous().mul_(Scalars.Of(factor)));
            from += Linear.Parts[part].Out;
        }
    }
}
