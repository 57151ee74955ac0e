using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>Gradients of parameters.</summary>
internal static class Gradients
{
    /// <summary>A parameter's gradient. One that took no part in the loss has none yet: it counts as zero, in memory of its own.</summary>
    public static Tensor Of(Tensor parameter)
    {
        if (parameter.grad is null)
        {
            parameter.grad = zeros_like(parameter).DetachFromDisposeScope();
        }

        return parameter.grad!;
    }
}
