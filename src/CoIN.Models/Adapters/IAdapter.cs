using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// What a run trains: updates of the language model's linear maps, of one kind or another, and (as CoIN does) the projector. A value beside
/// the base model, passed to the forward pass; the base never changes.
/// </summary>
internal interface IAdapter : IDisposable
{
    /// <summary>The trained projector in float32, or null where the base's own is used.</summary>
    Projector? Projector { get; }

    /// <summary>Whether <see cref="Updates"/> can be folded into the weights, so that nothing is left to compute beside them.</summary>
    bool CanMerge { get; }

    /// <summary>The updates of a pass.</summary>
    /// <param name="dropout">Drops inputs of the updates; null outside training.</param>
    IDecoderUpdates Updates(Dropout? dropout = null);

    /// <summary>The same matrices with another α, in the place of this adapter: only one of both is to be disposed of.</summary>
    /// <exception cref="NotSupportedException">It is of a kind that is trained and never answers: its files are another kind's.</exception>
    IAdapter WithAlpha(double alpha) => throw new NotSupportedException($"{GetType().Name} has no alpha that could be another.");

    /// <summary>What is trained of the updates, as it is held.</summary>
    IEnumerable<Tensor> UpdateParameters();

    /// <summary>All that is trained: the updates' parameters, then the projector's.</summary>
    IEnumerable<Tensor> Parameters();

    /// <summary>All that is trained by the names it has in files: the memory of <see cref="Parameters"/>, or parts of it.</summary>
    /// <param name="of">What to give in a parameter's place, shaped as it: its gradient, say; null for the parameter itself.</param>
    IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null);

    /// <summary>What is held fixed of the adapter while the rest is trained, by names of what it stands beside; mostly nothing.</summary>
    IEnumerable<(string Name, Tensor Tensor)> Frozen() => [];

    /// <summary>Writes the adapter's files into a folder, flushed to disk.</summary>
    /// <param name="dropout">The probability with which it was trained.</param>
    /// <param name="baseModel">What it was trained for, for people.</param>
    void Write(string folder, double dropout, string baseModel);
}
