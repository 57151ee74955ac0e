using CoIN.Models.Computing;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// An update of which the kernels know nothing. So an adapter of any kind trains and decodes beside the kernels; one that should do so as
/// fast as LoRA gets a tape of its own.
/// </summary>
internal sealed class GraphTape(Linear linear, GraphedUpdate update) : LinearTape(linear)
{
    /// <inheritdoc cref="LoraTape.AddTo"/>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    public static GraphTape AddTo(Tensor? y, Linear linear, ILinearUpdate update, Tensor x, bool keeps) =>
        new(linear, GraphedUpdate.AddTo(y ?? zeros([x.size(0), linear.Parts.Sum(part => part.Out)]), linear, update, x, keeps));

    public override void Dispose()
    {
        update.Dispose();
        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor x, Tensor gradient, Tensor? sum) => update.Backward(gradient, sum);
}
