using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>Root-mean-square normalization (Zhang and Sennrich 2019): x / sqrt(mean(x²) + ε) · w over the last dimension, computed in float32.</summary>
internal static class RmsNorm
{
    // TorchSharp has no binding of this operator; TorchScript reaches it.
    private static readonly jit.CompilationUnit Script = jit.compile(
        """
        def rms_norm(x, weight, eps: float):
            return torch.rms_norm(x, [x.size(-1)], weight, eps)

        """);

    /// <param name="x">[…, C].</param>
    /// <param name="weight">[C].</param>
    public static Tensor Forward(Tensor x, Tensor weight, double eps) => (Tensor)Script.invoke("rms_norm", x, weight, eps);
}
