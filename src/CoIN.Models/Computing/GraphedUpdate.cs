using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>
/// An update of which a backend knows nothing but that libtorch can compute it: a graph of its own, beside passes that have none, finds its
/// gradients.
/// </summary>
internal sealed class GraphedUpdate : IDisposable
{
    private readonly Tensor input;
    private readonly Tensor added;

    private GraphedUpdate(Tensor input, Tensor added) => (this.input, this.added) = (input, added);

    /// <summary>The forward pass.</summary>
    /// <param name="y">[N, outputs], to which the update is added.</param>
    /// <param name="x">[N, inputs].</param>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    public static GraphedUpdate AddTo(Tensor y, Linear linear, ILinearUpdate update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        var input = x.detach().requires_grad_(keeps);
        Tensor added;
        using (set_grad_enabled(keeps))
        {
            added = cat(update.AddTo([.. linear.Parts.Select(part => zeros([x.size(0), part.Out], x.dtype, x.device))], input), 1);
        }

        using var result = added.detach();
        y.add_(result, Scalars.One);
        return new GraphedUpdate(input.DetachFromDisposeScope(), added.DetachFromDisposeScope());
    }

    /// <summary>The backward pass: adds to the gradients of what is trained, and to that of the input if it is wanted.</summary>
    public void Backward(Tensor gradient, Tensor? sum)
    {
        added.backward([gradient]);
        sum?.add_(input.grad!, Scalars.One);
    }

    public void Dispose()
    {
        input.Dispose();
        added.Dispose();
    }
}
