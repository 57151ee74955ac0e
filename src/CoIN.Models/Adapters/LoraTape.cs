using CoIN.Models.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// One adapted linear map's way there and back by <see cref="CpuKernels"/>: y = W x + b + α/r · B A x. It keeps what lies between A and B and what was dropped; the input, which the layer can
/// compute again, is given a second time.
/// </summary>
internal sealed class LoraTape : IDisposable
{
    private readonly Linear linear;
    private readonly LoraLinear lora;
    private readonly float factor;
    private readonly Tensor low;
    private readonly Tensor?[] dropped;

    private LoraTape(Linear linear, LoraLinear lora, float factor, Tensor low, Tensor?[] dropped)
    {
        this.linear = linear;
        this.lora = lora;
        this.factor = factor;
        this.low = low;
        this.dropped = dropped;
    }

    /// <summary>The way there.</summary>
    /// <param name="x">[N, inputs].</param>
    /// <param name="sum">[N, outputs], contiguous, to which the result is added in its place; null for a new tensor.</param>
    /// <param name="tape">What the way back needs.</param>
    /// <returns>[N, sum of the parts' outputs].</returns>
    public static Tensor Forward(Linear linear, LoraLinear lora, Tensor x, double scaling, Dropout? dropout, Tensor? sum, out LoraTape tape)
    {
        using var scope = NewDisposeScope();
        var y = sum is null ? linear.Infer(x) : linear.InferOnto(sum, x);
        var low = empty([x.size(0), lora.A.size(0)], ScalarType.Float32);

        // Without dropout all parts have one input, and one product serves them.
        var dropped = new Tensor?[dropout is null ? 1 : lora.Parts.Count];
        var rows = (int)lora.A.size(0) / dropped.Length;
        for (var i = 0; i < dropped.Length; i++)
        {
            dropped[i] = dropout?.Mask(x.shape);
            using var input = dropped[i] is null ? x.alias() : RowKernels.Drop(x, dropped[i]!);
            MatrixProduct.Run(MatrixView.Of(input), MatrixView.Of(lora.A).Lines(i * rows, rows), MatrixView.Of(low).Part(i * rows, rows));
        }

        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        var kept = new LoraTape(linear, lora, factor, low.DetachFromDisposeScope(), [.. dropped.Select(mask => mask?.DetachFromDisposeScope())]);
        kept.ForParts((part, from, b) => PanelProduct.Run(kept.Low(part), MatrixView.Of(b), MatrixView.Of(y).Part(from, linear.Parts[part].Out), adds: true));
        tape = kept;
        return ReferenceEquals(y, sum) ? y : y.MoveToOuterDisposeScope();
    }

    /// <summary>The way back: adds to the gradients of A and B.</summary>
    /// <param name="x">The input.</param>
    /// <param name="gradient">[N, outputs], of the output.</param>
    /// <param name="wanted">Whether the input's gradient is.</param>
    /// <returns>[N, inputs], or null.</returns>
    public Tensor? Backward(Tensor x, Tensor gradient, bool wanted = true)
    {
        using var scope = NewDisposeScope();
        var view = MatrixView.Of(gradient);
        var lowGradient = empty_like(low);
        ForParts((part, from, b) =>
        {
            var y = view.Part(from, linear.Parts[part].Out);
            MatrixProduct.Run(y, MatrixView.Of(b), MatrixView.Of(lowGradient).Part(part * lora.Rank, lora.Rank));

            // Turned, for B's rows are short: rank × outputs.
            PanelProduct.Run(Low(part).Transposed, y, MatrixView.Of(Gradient(lora.B[part])).Transposed, adds: true, factor);
        });

        var result = wanted ? empty_like(x) : null;
        if (result is not null)
        {
            PanelProduct.Run(view, MatrixView.Of(linear.Weight), MatrixView.Of(result), adds: false);
        }

        var rows = (int)lora.A.size(0) / dropped.Length;
        var a = MatrixView.Of(lora.A);
        var aGradient = MatrixView.Of(Gradient(lora.A));
        for (var i = 0; i < dropped.Length; i++)
        {
            var part = MatrixView.Of(lowGradient).Part(i * rows, rows);
            PanelProduct.Run(part.Transposed, MatrixView.Of(x), aGradient.Lines(i * rows, rows), adds: true, dropsW: dropped[i]);
            if (result is not null)
            {
                PanelProduct.Run(part, a.Lines(i * rows, rows), MatrixView.Of(result), adds: true, dropsY: dropped[i]);
            }
        }

        GC.KeepAlive(x);
        GC.KeepAlive(gradient);
        return result?.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        low.Dispose();
        foreach (var mask in dropped)
        {
            mask?.Dispose();
        }
    }

    /// <summary>What lies between A and B of a part: [N, r].</summary>
    private MatrixView Low(int part) => MatrixView.Of(low).Part(part * lora.Rank, lora.Rank);

    /// <summary>Goes through the parts.</summary>
    /// <param name="action">Receives the part's number, its first output, and α/r · Bᵀ [r, outputs].</param>
    private void ForParts(Action<int, int, Tensor> action)
    {
        var from = 0;
        for (var part = 0; part < lora.Parts.Count; part++)
        {
            using var scope = NewDisposeScope();
            action(part, from, lora.B[part].t().contiguous().mul_(Torch.Scalars.Of(factor)));
            from += linear.Parts[part].Out;
        }
    }

    /// <summary>A parameter's gradient, which begins as zero.</summary>
    private static Tensor Gradient(Tensor parameter)
    {
        if (parameter.grad is null)
        {
            parameter.grad = zeros_like(parameter).DetachFromDisposeScope();
        }

        return parameter.grad!;
    }
}
