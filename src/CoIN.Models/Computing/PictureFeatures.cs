using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>Vision features of pictures, which may have unlike numbers of positions.</summary>
internal sealed class PictureFeatures
{
    private readonly IReadOnlyList<Tensor> each;
    private readonly Tensor? dense;

    private PictureFeatures(IReadOnlyList<Tensor> each, Tensor? dense) => (this.each, this.dense) = (each, dense);

    /// <summary>Features of pictures with as many positions as one another.</summary>
    /// <param name="dense">[pictures, image tokens, vision size].</param>
    public static implicit operator PictureFeatures?(Tensor? dense) => dense is null ? null : new PictureFeatures([], dense);

    /// <summary>Features of any pictures.</summary>
    /// <param name="each">[1, its image tokens, vision size] of each.</param>
    public static PictureFeatures Of(IReadOnlyList<Tensor> each) =>
        each.All(one => one.size(1) == each[0].size(1))
            ? new PictureFeatures([], cat([.. each], 0))
            : new PictureFeatures([.. each.Select(one => one.alias())], null);

    /// <summary>Makes the tensors the outer scope's.</summary>
    public PictureFeatures MoveToOuterDisposeScope()
    {
        foreach (var tensor in dense is null ? each : [dense])
        {
            tensor.MoveToOuterDisposeScope();
        }

        return this;
    }

    /// <summary>Those of some pictures, in order.</summary>
    /// <returns>[pictures, image tokens, vision size], or [1, all positions, vision size] where pictures are unlike.</returns>
    public Tensor Select(IReadOnlyList<int> rows) =>
        dense is null
            ? cat([.. rows.Select(row => each[row])], 1)
            : dense.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: dense.device));
}
