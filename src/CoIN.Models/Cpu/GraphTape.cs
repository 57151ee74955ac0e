using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// An update of which the kernels know nothing: libtorch computes it, and a graph of its own finds its gradients. So an adapter of any kind
/// trains and decodes beside the kernels; one that should do so as fast as LoRA gets a tape of its own.
/// </summary>
internal sealed class GraphTape : LinearTape
{
    private readonly Tensor input;
    private readonly Tensor added;

    private GraphTape(Linear linear, Tensor input, Tensor added)
        : base(linear)
    {
        this.input = input;
        this.added = added;
    }

    /// <inheritdoc cref="LoraTape.AddTo"/>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    public static GraphTape AddTo(Tensor y, Linear linear, ILinearUpdate update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        var input = x.detach().requires_grad_(keeps);
        Tensor added;
        using (set_grad_enabled(keeps))
        {
            added = cat(update.AddTo([.. linear.Parts.Select(part => zeros(x.size(0), part.Out))], input), 1);
        }

        using var result = added.detach();
        y.add_(result, Torch.Scalars.One);
        return new GraphTape(linear, input.DetachFromDisposeScope(), added.DetachFromDisposeScope());
    }

    public override void Dispose()
    {
        input.Dispose();
        added.Dispose();
        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor x, Tensor gradient, Tensor? sum)
    {
        added.backward([gradient]);
        sum?.add_(input.grad!, Torch.Scalars.One);
    }
}
