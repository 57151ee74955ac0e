using CoIN.Models.Adapters;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>
/// Forward and backward of a micro-batch with little memory. With checkpointing (Chen et al. 2016) a layer's activations exist only while its own gradients are computed: the
/// way up keeps each layer's input alone, the way down computes the layer again. The gradients are the same bits either way.
/// </summary>
internal interface ITrainingPass
{
    /// <summary>The way that suits the model's device and type.</summary>
    static ITrainingPass For(LlavaModel model, LoraAdapter adapter, Dropout? dropout, bool checkpointing) =>
        CpuKernels.Serve(model.Language.Dtype, model.Language.Device)
            ? new KernelTrainingPass(model, adapter, dropout, checkpointing) : new GraphTrainingPass(model, adapter, dropout, checkpointing);

    /// <summary>Adds a micro-batch's gradients to those of the adapter.</summary>
    /// <param name="features">[pictures, image tokens, vision size] of the frozen vision tower; null without pictures.</param>
    /// <param name="weight">The micro-batch's part of its step: 1 / micro-batches.</param>
    /// <returns>Mean cross entropy over its labelled tokens, in nats.</returns>
    double Run(LlavaBatch batch, Tensor? features, double weight);
}
