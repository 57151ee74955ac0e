using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>
/// A forward pass's last hidden states at labelled positions. Logits are made of them when they are wanted, some at a time: the states of
/// a batch are small, its logits are not.
/// </summary>
/// <param name="hidden">[labelled, hidden size], before the final norm; owned.</param>
internal sealed class LabelledStates(IBackend backend, DecoderModel language, Tensor hidden) : IDisposable
{
    /// <summary>Labelled positions.</summary>
    public long Count { get; } = hidden.size(0);

    /// <summary>Logits of some positions: float32 [count, vocabulary].</summary>
    public Tensor Logits(long first, long count)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return backend.Logits(language, hidden.narrow(0, first, count)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Dispose() => hidden.Dispose();
}
