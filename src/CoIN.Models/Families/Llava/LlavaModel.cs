using CoIN.Models.Adapters;
using CoIN.Models.Backends;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Families.Llava;

/// <summary>
/// LLaVA-1.5 (Liu et al. 2023): CLIP features of a picture go through a projector into the language model's sequence.
/// The weights are the base model's; an adapter is passed to every call that may use one.
/// </summary>
internal sealed class LlavaModel(LlavaConfig config, VisionTransformer vision, Projector projector, DecoderModel language) : IPictureModel
{
    public LlavaConfig Config { get; } = config;

    public VisionTransformer Vision { get; } = vision;

    /// <inheritdoc/>
    public Projector Projector { get; } = projector;

    /// <inheritdoc/>
    public DecoderModel Language { get; } = language;

    /// <inheritdoc/>
    public IBackend Backend { get; } = Backends.Backend.For(language.Dtype, language.Device);

    /// <inheritdoc/>
    public int ImageTokens => Config.ImageTokens;

    /// <inheritdoc/>
    public int PicturesTogether => Backend.PicturesTogether(Vision.Config, Language.Device.type);

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels) => Backend.Vision(Vision, pixels);

    /// <inheritdoc/>
    public IPictureModel Merged(IAdapter adapter) =>
        new LlavaModel(Config, Vision, adapter.Projector ?? Projector, Language.Merged(adapter.Updates()));

    /// <inheritdoc/>
    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var text = Language.Embed(batch.TextIds);
        if (batch.Pictures == 0)
        {
            return text.MoveToOuterDisposeScope();
        }

        var pictures = Backend
            .Project(projector ?? Projector, features!.to(Language.Dtype), Language.Dtype)
            .reshape(-1, Config.Text.HiddenSize);
        return cat([text, pictures], 0).index_select(0, batch.Order).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Vision.Dispose();
        Projector.Dispose();
        Language.Dispose();
    }
}
