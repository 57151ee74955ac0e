using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Libtorch;

/// <summary>
/// A decoder layer by libtorch without a graph, for training as for answers: what <see cref="DecoderLayer.Forward"/> computes, in place
/// where that is possible.
/// </summary>
internal static class LibtorchLayer
{
    /// <summary>The forward pass.</summary>
    /// <param name="x">[N, hidden size]; not changed.</param>
    /// <param name="rows">int64: the only positions whose output is wanted; null for all.</param>
    /// <param name="tape">Receives what the backward pass needs; null where there will be none.</param>
    /// <returns>[N or <paramref name="rows"/>, hidden size].</returns>
    public static Tensor Forward(
        DecoderModel language,
        int number,
        ILayerUpdates? updates,
        Tensor x,
        Turns turns,
        ILayerAttention attention,
        Tensor? rows,
        LibtorchLayerTape? tape = null
    ) => Run(language, number, updates, x, turns, attention, rows, tape, wanted: true)!;

    /// <summary>The same for the tape alone: the layer's last product is left out.</summary>
    public static void Again(
        DecoderModel language,
        int number,
        ILayerUpdates? updates,
        Tensor x,
        Turns turns,
        ILayerAttention attention,
        Tensor? rows,
        LibtorchLayerTape tape
    ) => Run(language, number, updates, x, turns, attention, rows, tape, wanted: false);

    private static Tensor? Run(
        DecoderModel language,
        int number,
        ILayerUpdates? updates,
        Tensor x,
        Turns turns,
        ILayerAttention attention,
        Tensor? rows,
        LibtorchLayerTape? tape,
        bool wanted
    )
    {
        using var scope = NewDisposeScope();
        var (layer, config, keeps) = (language.Layers[number], language.Config, tape is not null);
        var (normalized, factors) = RmsNorm.ForwardWithFactors(x, layer.InputNorm, config.RmsNormEps);
        var qkv = LibtorchLinearTape.Forward(layer.Qkv, updates?.Qkv, normalized, keeps, out var qkvTape);
        normalized.Dispose();
        var byHead = qkv.view(x.size(0), config.Heads + (2 * config.KeyValueHeads), config.HeadSize);
        turns.Apply(byHead.narrow(1, 0, config.Heads + config.KeyValueHeads));
        var attended = attention.Attend(number, byHead, out var attentionTape);
        var residual = x;
        if (rows is not null)
        {
            (residual, attended) = (x.index_select(0, rows), attended.index_select(0, rows));
        }

        var middle = LibtorchLinearTape
            .Forward(layer.Output, updates?.Output, attended, keeps, out var outputTape)
            .add_(residual, Scalars.One);
        var (second, secondFactors) = RmsNorm.ForwardWithFactors(middle, layer.PostNorm, config.RmsNormEps);
        var gateUp = LibtorchLinearTape.Forward(layer.GateUp, updates?.GateUp, second, keeps, out var gateUpTape);
        second.Dispose();
        var (gate, up) = LibtorchLayerTape.Halves(gateUp);
        using var inner = F.silu(gate).mul_(up);
        LibtorchLinearTape downTape;
        Tensor? output = null;
        if (wanted)
        {
            output = LibtorchLinearTape.Forward(layer.Down, updates?.Down, inner, keeps, out downTape).add_(middle, Scalars.One);
        }
        else
        {
            downTape = LibtorchLinearTape.Again(layer.Down, updates?.Down, inner);
        }

        tape?.Keep([factors, attended, middle, secondFactors, gateUp], attentionTape!, [qkvTape, outputTape, gateUpTape, downTape]);
        return output?.MoveToOuterDisposeScope();
    }
}

/// <summary>
/// What <see cref="LibtorchLayer"/> keeps of a layer's forward pass, and the backward pass from it. What is costly to compute again is
/// kept; norms and the product of the gated units are made anew.
/// </summary>
/// <param name="input">[N, hidden size], the layer's; not changed.</param>
internal sealed class LibtorchLayerTape(DecoderModel language, int number, Turns turns, Tensor? rows, Tensor input) : ILayerTape
{
    private readonly DecoderLayer layer = language.Layers[number];
    private readonly DecoderConfig config = language.Config;
    private readonly Tensor input = input.alias().DetachFromDisposeScope();
    private readonly List<IDisposable> kept = [];
    private Tensor[] tensors = [];
    private AttentionTape attention = null!;
    private LibtorchLinearTape[] linears = [];

    /// <summary>Keeps a forward pass.</summary>
    /// <param name="ofTensors">
    /// The first norm's factors, what was attended, the sum in the middle, the second norm's factors, gate and up.
    /// </param>
    /// <param name="ofLinears">Of the four maps.</param>
    public void Keep(Tensor[] ofTensors, AttentionTape ofAttention, LibtorchLinearTape[] ofLinears)
    {
        (tensors, attention, linears) = (ofTensors, ofAttention, ofLinears);
        Array.ForEach(tensors, static tensor => tensor.DetachFromDisposeScope());
        kept.AddRange([.. tensors, attention, .. linears]);
    }

    /// <inheritdoc/>
    public Tensor? Backward(Tensor gradient, bool wanted)
    {
        using var scope = NewDisposeScope();
        var (factors, attended, middle, secondFactors, gateUp) = (tensors[0], tensors[1], tensors[2], tensors[3], tensors[4]);
        var (qkvTape, outputTape, gateUpTape, downTape) = (linears[0], linears[1], linears[2], linears[3]);
        BackwardOfGatedUnits(gateUp, downTape, gradient);
        using (NewDisposeScope())
        {
            var second = gateUpTape.NeedsInput ? RmsNorm.Again(middle, layer.PostNorm, config.RmsNormEps, secondFactors) : null;
            var secondGradient = gateUpTape.Backward(second, gateUp)!;
            RmsNorm.AddBackward(gradient, middle, layer.PostNorm, secondFactors, secondGradient);
        }

        gateUp.Dispose();
        var attendedGradient = outputTape.Backward(attended, gradient)!;
        if (rows is not null)
        {
            attendedGradient = zeros_like(input).index_copy_(0, rows, attendedGradient);
        }

        var qkvGradient = attention.Backward(attendedGradient);
        turns.ApplyAdjoint(qkvGradient.narrow(1, 0, config.Heads + config.KeyValueHeads));
        var first = qkvTape.NeedsInput ? RmsNorm.Again(input, layer.InputNorm, config.RmsNormEps, factors) : null;
        var firstGradient = qkvTape.Backward(first, qkvGradient.view(input.size(0), -1), wanted);
        if (!wanted)
        {
            return null;
        }

        var sum = rows is null ? gradient : zeros_like(input).index_copy_(0, rows, gradient).MoveToOuterDisposeScope();
        RmsNorm.AddBackward(sum, input, layer.InputNorm, factors, firstGradient!);
        return sum;
    }

    public void Dispose()
    {
        kept.ForEach(one => one.Dispose());
        input.Dispose();
    }

    /// <summary>Gate and up, as views.</summary>
    public static (Tensor Gate, Tensor Up) Halves(Tensor gateUp)
    {
        var half = gateUp.size(1) / 2;
        return (gateUp.narrow(1, 0, half), gateUp.narrow(1, half, half));
    }

    /// <summary>Goes back through the last map and the gated units; the gradients of gate and up take the place of both.</summary>
    private static void BackwardOfGatedUnits(Tensor gateUp, LibtorchLinearTape down, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var (gate, up) = Halves(gateUp);
        var activated = F.silu(gate);
        Tensor innerGradient;
        using (var inner = down.NeedsInput ? activated.mul(up) : null)
        {
            innerGradient = down.Backward(inner, gradient)!;
        }

        using var gateGradient = innerGradient.mul(up);
        Operators.Multiply(innerGradient, activated, up);
        Operators.SiluBackward(gateGradient, gate, gate);
    }
}
