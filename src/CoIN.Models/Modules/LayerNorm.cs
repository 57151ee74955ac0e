using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>Layer normalization (Ba et al. 2016) over the last dimension.</summary>
/// <param name="name">The checkpoint's, without <c>.weight</c> and <c>.bias</c>.</param>
internal sealed class LayerNorm(CheckpointFolder checkpoint, string name, int size, double eps, ScalarType dtype, Device device)
{
    public Tensor Weight { get; } = checkpoint.Take($"{name}.weight", dtype, device, size).DetachFromDisposeScope();

    public Tensor Bias { get; } = checkpoint.Take($"{name}.bias", dtype, device, size).DetachFromDisposeScope();

    public double Eps { get; } = eps;

    public Tensor Forward(Tensor x) => F.layer_norm(x, [Weight.numel()], Weight, Bias, Eps);

    public IEnumerable<(string Name, Tensor Tensor)> Named(string name) => [($"{name}.weight", Weight), ($"{name}.bias", Bias)];
}
