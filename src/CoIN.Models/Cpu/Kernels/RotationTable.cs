using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu.Kernels;

/// <summary>Rotary cosines and sines.</summary>
/// <param name="Cos">float32 [rows, size of a head].</param>
/// <param name="Sin">Likewise.</param>
/// <param name="OfRows">
/// Whether each row of queries and keys has a row of its own here; else a position has the row of its place in its sequence, behind
/// <see cref="KeyValueSpan.Rotations"/>.
/// </param>
internal readonly record struct RotationTable(Tensor Cos, Tensor Sin, bool OfRows = false)
{
    /// <summary>Those of a decoder, for all positions or for some positions of several axes.</summary>
    /// <param name="axes">int64 [N, 3]; null for all positions.</param>
    public static RotationTable Of(Modules.DecoderModel language, Tensor? axes)
    {
        if (axes is null)
        {
            return new RotationTable(language.Rotations.Cos, language.Rotations.Sin);
        }

        var (cos, sin) = language.Rotation(axes);
        return new RotationTable(cos.squeeze(1).contiguous(), sin.squeeze(1).contiguous(), OfRows: true);
    }
}
