using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>
/// Forward and backward of a micro-batch with little memory. With checkpointing (Chen et al. 2016) a layer's activations exist only while
/// its own gradients are computed: the forward pass keeps each layer's input alone, the backward pass computes the layer again. The
/// gradients are the same bits either way.
/// </summary>
internal interface ITrainingPass
{
    /// <summary>Adds a micro-batch's gradients to those of the adapter.</summary>
    /// <param name="features">[pictures, image tokens, vision size] of the frozen vision tower; null without pictures.</param>
    /// <param name="weight">The micro-batch's part of its step: 1 / micro-batches.</param>
    /// <param name="further">A further term of the loss; null for the cross entropy alone.</param>
    /// <param name="entropy">Factor on the cross entropy's own gradients: 0 for the further term's alone.</param>
    /// <returns>
    /// Mean cross entropy over its labelled tokens, in nats: float64 [1] on the model's device, which may still be computing it. The
    /// caller's dispose scope has it.
    /// </returns>
    Tensor Run(SequenceBatch batch, Tensor? features, double weight, LogitsGradient? further = null, double entropy = 1);

    /// <summary>The forward pass alone, without a graph.</summary>
    /// <returns>What the labelled positions' logits are made of; outside every dispose scope.</returns>
    LabelledStates Forward(SequenceBatch batch, Tensor? features);
}
