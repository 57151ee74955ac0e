using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>
/// Operators of libtorch that TorchSharp has no binding of, by TorchScript. Each function is a single operator: with nothing to fuse, it
/// computes the same whatever the process has run before.
/// </summary>
internal static class Operators
{
    private static readonly jit.CompilationUnit Script = jit.compile(
        """
        def multiply(a: Tensor, b: Tensor, to: Tensor):
            torch.mul(a, b, out=to)

        def silu_backward(gradient: Tensor, x: Tensor, to: Tensor):
            torch.silu_backward(gradient, x, grad_input=to)

        """
    );

    /// <summary>Writes a product of elements into memory that is there.</summary>
    public static void Multiply(Tensor a, Tensor b, Tensor to) => Scalars.Invoke(Script, "multiply", [], a, b, to);

    /// <summary>
    /// Writes the gradient with respect to x, x · sigmoid(x) having that of its result, into memory that is there; x's own will do.
    /// </summary>
    public static void SiluBackward(Tensor gradient, Tensor x, Tensor to) => Scalars.Invoke(Script, "silu_backward", [], gradient, x, to);
}
