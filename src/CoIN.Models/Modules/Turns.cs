using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>
/// The rotations of a pass's positions, for queries and keys together and in their place: see <see cref="Rotary"/>, which gives the same
/// numbers. A rotation's derivative is its adjoint, the rotation by the negative angle.
/// </summary>
internal sealed class Turns
{
    private readonly Tensor cos;
    private readonly Tensor sin;

    /// <param name="rotation">
    /// [N, 1, head size] each, as <see cref="Rotary.At"/> gives them. The dispose scope that is open has the result.
    /// </param>
    public Turns((Tensor Cos, Tensor Sin) rotation)
    {
        using var scope = NewDisposeScope();
        var half = rotation.Sin.size(-1) / 2;
        cos = rotation.Cos;

        // The first half of a head becomes x₁ cos − x₂ sin, the second x₂ cos + x₁ sin.
        sin = cat([rotation.Sin.narrow(-1, 0, half).neg(), rotation.Sin.narrow(-1, half, half)], -1).MoveToOuterDisposeScope();
    }

    /// <summary>Rotates.</summary>
    /// <param name="x">[N, heads, head size], as a view of what is changed.</param>
    public void Apply(Tensor x) => Turn(x, 1);

    /// <summary>Applies the adjoint.</summary>
    /// <param name="x">As for <see cref="Apply"/>.</param>
    public void ApplyAdjoint(Tensor x) => Turn(x, -1);

    private void Turn(Tensor x, long direction)
    {
        using var scope = NewDisposeScope();
        var half = x.size(-1) / 2;
        var swapped = cat([x.narrow(-1, half, half), x.narrow(-1, 0, half)], -1);
        x.mul_(cos).addcmul_(swapped, sin, Scalars.Of(direction));
    }
}
