using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Libtorch;

/// <summary>The modules as they are, by libtorch: on GPUs, in short types, and on processors that nothing else is for.</summary>
/// <param name="lossRows">Labelled positions whose logits exist together; null for <see cref="LossChunks.Rows"/>.</param>
/// <param name="graph">Whether a graph of libtorch's finds the language model's gradients, for comparison.</param>
internal sealed class LibtorchBackend(int? lossRows = null, bool graph = false) : IBackend
{
    /// <summary>The environment variable that leaves the language model's gradients to libtorch's graph if it is <c>graph</c>.</summary>
    public const string Variable = "COIN_BACKWARD";

    // On a GPU one picture is too little work, and a picture's numbers depend on its company in their last bits anyway, as a prompt's do.
    private const int PicturesOnGpu = 16;

    /// <inheritdoc/>
    public int PicturesTogether(VisionConfig tower, DeviceType device) => device == DeviceType.CUDA ? PicturesOnGpu : 1;

    /// <inheritdoc/>
    public Tensor Vision(VisionTransformer tower, Tensor pixels) => tower.Forward(pixels);

    /// <inheritdoc/>
    public Tensor Vision(GridVision tower, Tensor picture) => tower.Forward(picture);

    /// <inheritdoc/>
    public Tensor Resample(Resampler resampler, Tensor features) => resampler.Forward(features);

    /// <inheritdoc/>
    public Tensor Project(Projector projector, Tensor features, ScalarType dtype) => projector.Forward(features, dtype);

    /// <inheritdoc/>
    public Tensor Logits(DecoderModel language, Tensor hidden) => language.Logits(hidden);

    /// <inheritdoc/>
    public (Tensor Loss, Tensor Gradient) Loss(
        DecoderModel language,
        Tensor hidden,
        Tensor targets,
        double weight,
        LogitsGradient? further = null,
        double entropy = 1,
        Tensor? factors = null
    )
    {
        var total = hidden.size(0);
        var gradient = empty_like(hidden);
        using var graph = enable_grad();
        using var detached = hidden.detach();
        var loss = zeros([1], ScalarType.Float64, hidden.device);
        foreach (var (first, count) in LossChunks.Of(total, lossRows ?? LossChunks.Rows(language.Config.VocabularySize)))
        {
            using var scope = NewDisposeScope();
            var chunk = detached.narrow(0, first, count).requires_grad_(true);
            var (logits, wanted) = (language.Logits(chunk), targets.narrow(0, first, count));
            var weighed = factors?.narrow(0, first, count);
            var mean = weighed is null
                ? F.cross_entropy(logits, wanted)
                : F.cross_entropy(logits, wanted, reduction: nn.Reduction.None).mul(weighed).mean();
            loss.add_(mean.detach().to(ScalarType.Float64), Scalars.Of(count));
            var factor = count / (double)total * weight * entropy;
            var sum = factor == 1 ? mean : Scalars.With(factor, mean.mul);
            if (further?.Invoke(new LabelledLogits(logits.detach(), wanted, first, total)) is { } more)
            {
                more = weighed is null ? more : more.mul(weighed.unsqueeze(1));

                // A sum whose gradient with respect to the logits is what was given.
                sum = sum.add(logits.mul(Scalars.With(weight, more.mul)).sum(), Scalars.One);
            }

            sum.backward();
            gradient.narrow(0, first, count).copy_(chunk.grad!);
        }

        return (loss.div_(Scalars.Of(total)), gradient);
    }

    /// <inheritdoc/>
    public ITrainingPass Training(IPromptedModel model, IAdapter adapter, Dropout? dropout, bool checkpointing) =>
        graph
            ? new GraphTrainingPass(model, this, adapter, dropout, checkpointing)
            : new LibtorchTrainingPass(model, this, adapter, dropout, checkpointing);

    /// <inheritdoc/>
    public IDecodingBatch Decoding(IPromptedModel model, GenerationRequest request, IAdapter? adapter) =>
        new TorchDecodingBatch(model, request, adapter);
}
