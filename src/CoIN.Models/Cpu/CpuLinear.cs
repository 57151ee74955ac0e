using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.MoeLora;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>Linear maps and their updates by kernels.</summary>
internal static class CpuLinear
{
    /// <summary>Applies all parts: the same as <see cref="Linear.Forward"/> to rounding.</summary>
    public static Tensor Apply(Linear linear, Tensor x) =>
        linear.Packed is null ? MatrixProduct.Linear(x, linear.Weight, linear.Bias) : PackedProduct.Linear(linear, x);

    /// <summary>Adds what <see cref="Apply"/> gives to a sum, in its place if that is possible.</summary>
    /// <param name="sum">[…, sum of outputs], contiguous. Not to be used afterwards.</param>
    public static Tensor Add(Linear linear, Tensor sum, Tensor x) =>
        linear.Packed is null ? MatrixProduct.AddLinear(sum, x, linear.Weight, linear.Bias) : PackedProduct.AddLinear(linear, sum, x);

    /// <summary>The forward pass with an update.</summary>
    /// <param name="x">[N, inputs].</param>
    /// <param name="sum">[N, outputs], contiguous, to which the result is added in its place; null for a new tensor.</param>
    /// <param name="keeps">Whether there will be a backward pass.</param>
    /// <param name="tape">What it needs.</param>
    /// <returns>[N, sum of the parts' outputs].</returns>
    public static Tensor Forward(Linear linear, ILinearUpdate? update, Tensor x, Tensor? sum, bool keeps, out LinearTape tape)
    {
        using var scope = NewDisposeScope();
        var y = sum is null ? Apply(linear, x) : Add(linear, sum, x);
        tape = AddTo(y, linear, update, x, keeps);
        return ReferenceEquals(y, sum) ? y : y.MoveToOuterDisposeScope();
    }

    /// <summary>The forward pass for the tape alone: nothing is multiplied with the weight.</summary>
    /// <param name="x">[N, inputs].</param>
    public static LinearTape Again(Linear linear, ILinearUpdate? update, Tensor x) => AddTo(null, linear, update, x, keeps: true);

    private static LinearTape AddTo(Tensor? y, Linear linear, ILinearUpdate? update, Tensor x, bool keeps) =>
        update switch
        {
            null => new LinearTape(linear),
            LoraUpdate lora => LoraTape.AddTo(y, linear, lora, x),
            MoeLoraUpdate mixture => MoeLoraTape.AddTo(y, linear, mixture, x, keeps),
            _ => GraphTape.AddTo(y, linear, update, x, keeps),
        };
}

/// <summary>What the backward pass of a linear map needs besides its input, which the layer can compute again.</summary>
internal class LinearTape(Linear linear) : IDisposable
{
    protected Linear Linear { get; } = linear;

    /// <summary>The backward pass: adds to the gradients of what is trained.</summary>
    /// <param name="x">The input.</param>
    /// <param name="gradient">[N, outputs], of the output.</param>
    /// <param name="wanted">Whether the input's gradient is.</param>
    /// <returns>[N, inputs], or null.</returns>
    public Tensor? Backward(Tensor x, Tensor gradient, bool wanted = true)
    {
        using var scope = NewDisposeScope();
        var result = wanted ? empty_like(x) : null;
        if (result is not null)
        {
            if (Linear.Packed is null)
            {
                PanelProduct.Run(MatrixView.Of(gradient), MatrixView.Of(Linear.Weight), MatrixView.Of(result), adds: false);
            }
            else
            {
                PackedProduct.Backward(Linear, gradient, result);
            }
        }

        BackwardOfUpdate(x, gradient, result);
        GC.KeepAlive(x);
        GC.KeepAlive(gradient);
        return result?.MoveToOuterDisposeScope();
    }

    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>The update's part.</summary>
    /// <param name="sum">The input's gradient, to which the update's is added; null where none is wanted.</param>
    protected virtual void BackwardOfUpdate(Tensor x, Tensor gradient, Tensor? sum) { }
}
