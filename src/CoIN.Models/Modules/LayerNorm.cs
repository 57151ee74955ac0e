using CoIN.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>Layer normalization (Ba et al. 2016) over the last dimension.</summary>
/// <param name="weight">[size], detached from dispose scopes; so is <paramref name="bias"/>.</param>
internal sealed class LayerNorm(Tensor weight, Tensor bias, double eps)
{
    /// <summary>Takes it out of a checkpoint.</summary>
    /// <param name="name">The checkpoint's, without <c>.weight</c> and <c>.bias</c>.</param>
    public LayerNorm(CheckpointFolder checkpoint, string name, int size, double eps, ScalarType dtype, Device device)
        : this(
            checkpoint.Take($"{name}.weight", dtype, device, size).DetachFromDisposeScope(),
            checkpoint.Take($"{name}.bias", dtype, device, size).DetachFromDisposeScope(),
            eps
        ) { }

    public Tensor Weight { get; } = weight;

    public Tensor Bias { get; } = bias;

    public double Eps { get; } = eps;

    public Tensor Forward(Tensor x) => F.layer_norm(x, [Weight.numel()], Weight, Bias, Eps);

    public IEnumerable<(string Name, Tensor Tensor)> Named(string name) => [($"{name}.weight", Weight), ($"{name}.bias", Bias)];
}
