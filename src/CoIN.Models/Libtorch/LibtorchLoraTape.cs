using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Libtorch;

/// <summary>
/// LoRA's updates of a linear map, y += α/r · B A x, forward and backward by libtorch without a graph. It keeps what lies between A and B
/// and a byte for each number that may have been dropped. Matrices that are held fixed beside it only pass gradients on.
/// </summary>
internal sealed class LibtorchLoraTape : LibtorchLinearTape
{
    private readonly LoraUpdate update;
    private readonly float factor;
    private readonly float lowFactor;
    private readonly Tensor low;
    private readonly DropMask? mask;

    /// <param name="factor">α/r and what dropped inputs are multiplied with.</param>
    /// <param name="lowFactor">What of that <paramref name="low"/> has yet to be multiplied with.</param>
    private LibtorchLoraTape(Linear linear, LoraUpdate update, float factor, float lowFactor, Tensor low, DropMask? mask)
        : base(linear)
    {
        this.update = update;
        this.factor = factor;
        this.lowFactor = lowFactor;
        this.low = low;
        this.mask = mask;
    }

    /// <inheritdoc/>
    public override bool NeedsInput => true;

    /// <summary>The forward pass.</summary>
    /// <param name="y">[N, outputs], to which the updates are added; null where nobody wants them.</param>
    /// <param name="x">[N, inputs].</param>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    /// <returns>What it needs.</returns>
    public static LibtorchLinearTape AddTo(Tensor? y, Linear linear, LoraUpdate update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        var (lora, scaling, dropout) = update;
        var factor = (float)(dropout is null ? scaling : scaling * dropout.Scale);
        var dropped = dropout?.Inputs(x, lora.Parts.Count);
        Tensor Low(LoraLinear one)
        {
            // Without dropout all parts have one input, and one product serves them.
            var a = update.Typed(one.A, x.dtype);
            return dropped is null ? F.linear(x, a) : dropped.Values.bmm(ByPart(one, a).transpose(1, 2));
        }

        var lowFactor = (float)(dropped is null ? scaling : scaling * dropped.Scale);
        var tape = new LibtorchLoraTape(linear, update, factor, lowFactor, Low(lora), dropped?.Mask);
        if (y is not null)
        {
            tape.AddOuter(y, lora, tape.low);
        }

        if (y is not null && update.Frozen is { } frozen)
        {
            tape.AddOuter(y, frozen, Low(frozen));
        }

        if (!keeps)
        {
            return new LibtorchLinearTape(linear);
        }

        tape.low.DetachFromDisposeScope();
        tape.mask?.Flags.DetachFromDisposeScope();
        return tape;
    }

    public override void Dispose()
    {
        low.Dispose();
        mask?.Flags.Dispose();
        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor? x, Tensor gradient, Tensor? sum)
    {
        var (lora, dtype) = (update.Lora, gradient.dtype);
        var between = BackwardOfOuter(lora, gradient);
        for (var part = 0; part < lora.Parts.Count; part++)
        {
            Accumulate(Gradients.Of(lora.B[part]), Outputs(gradient, lora.Places[part]).t(), Of(low, lora, part), lowFactor);
        }

        if (mask is null)
        {
            Accumulate(Gradients.Of(lora.A), between.t(), x!);
        }
        else
        {
            AccumulateAll(ByPart(lora, Gradients.Of(lora.A)), between.transpose(1, 2), mask.Drop(x!));
        }

        if (sum is not null)
        {
            AddInput(sum, lora, between, dtype);
            if (update.Frozen is { } frozen)
            {
                AddInput(sum, frozen, BackwardOfOuter(frozen, gradient), dtype);
            }
        }
    }

    private static Tensor ByPart(LoraLinear lora, Tensor a) => a.view(lora.Parts.Count, lora.Rank, a.size(1));

    /// <summary>What lies between A and B of one part, [N, r], as a view: of [N, parts · r], or with dropout of [parts, N, r].</summary>
    private Tensor Of(Tensor all, LoraLinear lora, int part) =>
        mask is null ? all.narrow(1, (long)part * lora.Rank, lora.Rank) : all.select(0, part);

    private void AddOuter(Tensor y, LoraLinear lora, Tensor between)
    {
        for (var part = 0; part < lora.Parts.Count; part++)
        {
            Outputs(y, lora.Places[part]).addmm_(Of(between, lora, part), update.Typed(lora.B[part], y.dtype).t(), 1, lowFactor);
        }
    }

    /// <summary>The gradient of what lies between A and B.</summary>
    private Tensor BackwardOfOuter(LoraLinear lora, Tensor gradient)
    {
        long rows = gradient.size(0),
            parts = lora.Parts.Count;
        var between = empty(mask is null ? [rows, parts * lora.Rank] : [parts, rows, lora.Rank], gradient.dtype, gradient.device);
        for (var part = 0; part < parts; part++)
        {
            Product(Of(between, lora, part), Outputs(gradient, lora.Places[part]), update.Typed(lora.B[part], gradient.dtype), factor);
        }

        return between;
    }

    private void AddInput(Tensor sum, LoraLinear lora, Tensor between, ScalarType dtype)
    {
        var a = update.Typed(lora.A, dtype);
        if (mask is null)
        {
            sum.addmm_(between, a);
        }
        else
        {
            mask.AddDropped(sum, between.bmm(ByPart(lora, a)));
        }
    }
}
