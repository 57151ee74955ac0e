using CoIN.Models.Adapters;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>
/// What computes a model's passes: the same numbers to rounding, by other means. Chosen once for a model, by its type and device; whoever
/// has a model asks its backend and nobody else.
/// </summary>
internal interface IBackend
{
    /// <summary>
    /// Pictures that are worth looking at together: more than one only where one alone is little work, and where a picture's features are
    /// the same bits in any company, or answers depend on their company in last bits anyway, as on a GPU.
    /// </summary>
    int PicturesTogether(VisionConfig tower, DeviceType device);

    /// <summary>Features of pictures, as <see cref="VisionTransformer.Forward"/>; no gradient is wanted.</summary>
    Tensor Vision(VisionTransformer tower, Tensor pixels);

    /// <summary>As <see cref="GridVision.Forward"/>; no gradient is wanted.</summary>
    Tensor Vision(GridVision tower, Tensor picture);

    /// <summary>As <see cref="Resampler.Forward"/>; no gradient is wanted.</summary>
    Tensor Resample(Resampler resampler, Tensor features);

    /// <summary>As <see cref="Projector.Forward"/>, with a graph where the projector is trained.</summary>
    Tensor Project(Projector projector, Tensor features, ScalarType dtype);

    /// <summary>As <see cref="DecoderModel.Logits"/>; no gradient is wanted.</summary>
    Tensor Logits(DecoderModel language, Tensor hidden);

    /// <summary>
    /// The mean cross entropy of labelled positions and its gradient with respect to the hidden states; the head is frozen.
    /// </summary>
    /// <param name="hidden">[labelled, hidden size], before the final norm.</param>
    /// <param name="targets">int64 [labelled].</param>
    /// <param name="weight">Factor on the gradient.</param>
    /// <param name="further">Adds to the gradient of the logits; null for the cross entropy alone.</param>
    /// <param name="entropy">Factor on the cross entropy's own part of the gradient.</param>
    /// <param name="factors">
    /// float32 [labelled]: on the loss of each position, and on what <paramref name="further"/> adds at it; 1 on the average. Null for 1.
    /// </param>
    /// <returns>
    /// The cross entropy's mean in nats, without the factor, float64 [1], where the model is: nobody has to wait for it. And the gradient,
    /// shaped as <paramref name="hidden"/>.
    /// </returns>
    (Tensor Loss, Tensor Gradient) Loss(
        DecoderModel language,
        Tensor hidden,
        Tensor targets,
        double weight,
        LogitsGradient? further = null,
        double entropy = 1,
        Tensor? factors = null
    );

    /// <summary>Forward and backward of an adapter's micro-batches.</summary>
    /// <param name="dropout">Drops inputs of the adapter; null for none.</param>
    /// <param name="checkpointing">Whether layers are computed a second time instead of being kept.</param>
    ITrainingPass Training(IPromptedModel model, IAdapter adapter, Dropout? dropout, bool checkpointing);

    /// <summary>A batch of prompts to answer.</summary>
    /// <param name="adapter">What is beside the weights; null for nothing.</param>
    IDecodingBatch Decoding(IPromptedModel model, GenerationRequest request, IAdapter? adapter);
}
