using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Libtorch;

/// <summary>
/// What the backward pass of a linear map by libtorch needs besides its input, which the layer can compute again. The weight is frozen and
/// takes part in two products alone: <see cref="Linear.Forward"/> and <see cref="Linear.Backward"/>.
/// </summary>
internal class LibtorchLinearTape(Linear linear) : IDisposable
{
    /// <summary>Whether <see cref="Backward"/> needs the input.</summary>
    public virtual bool NeedsInput => false;

    protected Linear Linear { get; } = linear;

    /// <summary>The forward pass with an update.</summary>
    /// <param name="x">[N, inputs].</param>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    /// <param name="tape">What it needs.</param>
    /// <returns>[N, sum of the parts' outputs].</returns>
    public static Tensor Forward(Linear linear, ILinearUpdate? update, Tensor x, bool keeps, out LibtorchLinearTape tape)
    {
        using var scope = NewDisposeScope();
        var y = linear.Forward(x);
        tape = AddTo(y, linear, update, x, keeps);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>The same for the tape alone: nothing is multiplied with the weight.</summary>
    public static LibtorchLinearTape Again(Linear linear, ILinearUpdate? update, Tensor x) => AddTo(null, linear, update, x, keeps: true);

    /// <summary>The backward pass: adds to the gradients of what is trained.</summary>
    /// <param name="x">The input; null where it is not needed.</param>
    /// <param name="gradient">[N, outputs], of the output.</param>
    /// <param name="wanted">Whether the input's gradient is.</param>
    /// <returns>[N, inputs], or null.</returns>
    public Tensor? Backward(Tensor? x, Tensor gradient, bool wanted = true)
    {
        using var scope = NewDisposeScope();
        var result = wanted ? Linear.Backward(gradient) : null;
        BackwardOfUpdate(x, gradient, result);
        return result?.MoveToOuterDisposeScope();
    }

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>The update's part.</summary>
    /// <param name="sum">The input's gradient, to which the update's is added; null where none is wanted.</param>
    protected virtual void BackwardOfUpdate(Tensor? x, Tensor gradient, Tensor? sum) { }

    /// <summary>The outputs of one part, as a view.</summary>
    protected Tensor Outputs(Tensor y, int part) => y.narrow(1, Linear.FirstOutputOf(part), Linear.Parts[part].Out);

    private static LibtorchLinearTape AddTo(Tensor? y, Linear linear, ILinearUpdate? update, Tensor x, bool keeps)
    {
        using var scope = NewDisposeScope();
        return update switch
        {
            null => new LibtorchLinearTape(linear),
            LoraUpdate lora => LibtorchLoraTape.AddTo(y, linear, lora, x, keeps),
            MoeLoraUpdate mixture => LibtorchMoeLoraTape.AddTo(y, linear, mixture, x, keeps),
            _ => new LibtorchGraphTape(
                linear,
                GraphedUpdate.AddTo(
                    y ?? zeros([x.size(0), linear.Parts.Sum(part => part.Out)], x.dtype, x.device),
                    linear,
                    update,
                    x,
                    keeps
                )
            ),
        };
    }

    /// <summary>factor · a b, added to a float32 gradient.</summary>
    protected static void Accumulate(Tensor gradient, Tensor a, Tensor b, float factor = 1)
    {
        if (a.dtype == gradient.dtype)
        {
            gradient.addmm_(a, b, 1, factor);
        }
        else if (WideProduct.Serves(a))
        {
            WideProduct.Add(gradient, a, b, factor);
        }
        else
        {
            gradient.add_(a.mm(b), Scalars.Of(factor));
        }
    }

    /// <summary>a b of several products, added to float32 gradients.</summary>
    protected static void AccumulateAll(Tensor gradients, Tensor a, Tensor b)
    {
        if (WideProduct.Serves(a))
        {
            WideProduct.Add(gradients, a, b);
        }
        else
        {
            gradients.add_(a.bmm(b), Scalars.One);
        }
    }

    /// <summary>factor · a b as a product's only term, in memory that is there.</summary>
    protected static void Product(Tensor to, Tensor a, Tensor b, float factor) => to.addmm_(a, b, 0, factor);
}

/// <summary>An update of any kind, by a graph of its own.</summary>
internal sealed class LibtorchGraphTape(Linear linear, GraphedUpdate update) : LibtorchLinearTape(linear)
{
    public override void Dispose()
    {
        update.Dispose();
        base.Dispose();
    }

    protected override void BackwardOfUpdate(Tensor? x, Tensor gradient, Tensor? sum) => update.Backward(gradient, sum);
}
