using static TorchSharp.torch;

namespace CoIN.Models.Modules;

/// <summary>What is added to a decoder's linear maps in one pass. The layers do not know what it is.</summary>
internal interface IDecoderUpdates
{
    /// <summary>The updates of a layer, which begins now: what is drawn at random is drawn anew for it.</summary>
    /// <param name="layer">From 0.</param>
    ILayerUpdates Layer(int layer);

    /// <summary>
    /// Passes without a graph begin: what is converted to the base's type is converted now, unless nothing has changed since the last time,
    /// and not in every layer.
    /// </summary>
    /// <param name="dtype">The base's.</param>
    void Prepare(ScalarType dtype) { }

    /// <summary>A pass of decoding begins: for updates that keep account of what they do.</summary>
    /// <param name="prompts">How many prompts each position stands for; 0 where it is computed for nobody.</param>
    /// <param name="wanted">
    /// The same for what the last layer computes behind its attention; 0 there too for positions whose output nobody wants.
    /// </param>
    void Begin(IReadOnlyList<int> prompts, IReadOnlyList<int> wanted) { }
}

/// <summary>The updates of one layer's maps; null for a map that is left alone.</summary>
internal interface ILayerUpdates
{
    ILinearUpdate? Qkv { get; }

    ILinearUpdate? Output { get; }

    ILinearUpdate? GateUp { get; }

    ILinearUpdate? Down { get; }
}

/// <summary>What is added to the result of one <see cref="Linear"/>.</summary>
internal interface ILinearUpdate
{
    /// <summary>Adds it.</summary>
    /// <param name="outputs">The parts' outputs, each [N, outputs].</param>
    /// <param name="x">[N, inputs].</param>
    Tensor[] AddTo(Tensor[] outputs, Tensor x);

    /// <summary>The map's weight with the update folded in, as new memory.</summary>
    /// <exception cref="NotSupportedException">The update depends on its input: nothing can stand for it.</exception>
    Tensor Merge(Linear linear);
}
