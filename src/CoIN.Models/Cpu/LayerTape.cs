using CoIN.Models.Computing;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// What <see cref="CpuDecoder.Layer"/> keeps of a layer's forward pass, and the backward pass from it, without a graph. What is costly to
/// compute again is kept; norms and the product of the gated units are made anew.
/// </summary>
/// <param name="input">[N, hidden size], the layer's; not changed.</param>
internal sealed class LayerTape(DecoderLayer layer, double eps, SequenceAttention attention, Tensor input) : ILayerTape
{
    private readonly Tensor input = input.alias().DetachFromDisposeScope();
    private readonly List<IDisposable> kept = [];
    private Tensor qkv = null!;
    private Tensor attended = null!;
    private Tensor logSums = null!;
    private Tensor middle = null!;
    private Tensor gateUp = null!;
    private LinearTape qkvTape = null!;
    private LinearTape outputTape = null!;
    private LinearTape gateUpTape = null!;
    private LinearTape downTape = null!;

    /// <summary>Keeps the attention's part.</summary>
    public void Keep(Tensor ofQkv, Tensor ofAttended, Tensor ofLogSums, LinearTape ofQkvTape)
    {
        (qkv, attended, logSums, qkvTape) = (
            ofQkv.DetachFromDisposeScope(),
            ofAttended.DetachFromDisposeScope(),
            ofLogSums.DetachFromDisposeScope(),
            ofQkvTape
        );
        kept.AddRange([qkv, attended, logSums, qkvTape]);
    }

    /// <summary>Keeps the part behind it.</summary>
    public void Keep(Tensor ofMiddle, Tensor ofGateUp, LinearTape ofOutputTape, LinearTape ofGateUpTape, LinearTape ofDownTape)
    {
        (middle, gateUp) = (ofMiddle.DetachFromDisposeScope(), ofGateUp.DetachFromDisposeScope());
        (outputTape, gateUpTape, downTape) = (ofOutputTape, ofGateUpTape, ofDownTape);
        kept.AddRange([middle, gateUp, outputTape, gateUpTape, downTape]);
    }

    /// <inheritdoc/>
    public Tensor? Backward(Tensor gradient, bool wanted)
    {
        using var scope = NewDisposeScope();
        var inner = RowKernels.SwiGlu(gateUp);
        var innerGradient = downTape.Backward(inner, gradient)!;
        inner.Dispose();
        RowGradients.SwiGlu(gateUp, innerGradient);
        innerGradient.Dispose();
        var normalized = RowKernels.RmsNorm(middle, layer.PostNorm, eps);
        var normalizedGradient = gateUpTape.Backward(normalized, gateUp)!;
        normalized.Dispose();
        gateUp.Dispose();
        RowGradients.AddRmsNorm(middle, layer.PostNorm, eps, normalizedGradient, gradient);
        normalizedGradient.Dispose();

        var attendedGradient = outputTape.Backward(attended, gradient)!;
        var qkvGradient = attention.Backward(qkv, attended, logSums, attendedGradient);
        attendedGradient.Dispose();
        qkv.Dispose();
        var first = RowKernels.RmsNorm(input, layer.InputNorm, eps);
        var firstGradient = qkvTape.Backward(first, qkvGradient, wanted);
        if (!wanted)
        {
            return null;
        }

        qkvGradient.Dispose();
        first.Dispose();
        var sum = attention.Rows is null ? gradient : zeros_like(input).index_copy_(0, attention.Rows, gradient).MoveToOuterDisposeScope();
        RowGradients.AddRmsNorm(input, layer.InputNorm, eps, firstGradient!, sum);
        return sum;
    }

    public void Dispose()
    {
        kept.ForEach(one => one.Dispose());
        input.Dispose();
    }
}
