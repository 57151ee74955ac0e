using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>
/// MiniGPT-v2 (Chen et al. 2023): EVA-CLIP-g's features of a picture go through a norm; some neighbours each, end to end, through one
/// linear map into the language model's sequence. The weights are the base model's; an adapter is passed to every call that may use one.
/// </summary>
internal sealed class MiniGptModel(
    MiniGptConfig config,
    VisionTransformer vision,
    LayerNorm norm,
    Projector projector,
    DecoderModel language
) : IPictureModel
{
    public MiniGptConfig Config { get; } = config;

    public VisionTransformer Vision { get; } = vision;

    /// <summary><c>ln_vision</c>, of all the tower's positions.</summary>
    public LayerNorm Norm { get; } = norm;

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
    public Tensor Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Joined(Backend.Vision(Vision, pixels)).MoveToOuterDisposeScope();
    }

    /// <summary>The tower's features behind the norm, neighbours joined.</summary>
    /// <param name="features">[pictures, patches, vision size].</param>
    /// <returns>[pictures, image tokens, joined · vision size].</returns>
    public Tensor Joined(Tensor features)
    {
        using var scope = NewDisposeScope();
        return Norm.Forward(features).reshape(features.size(0), ImageTokens, -1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IPictureModel Merged(IAdapter adapter) =>
        new MiniGptModel(Config, Vision, Norm, adapter.Projector ?? Projector, Language.Merged(adapter.Updates()));

    /// <inheritdoc/>
    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var text = Language.Embed(batch.TextIds);
        if (batch.Pictures == 0)
        {
            return text.MoveToOuterDisposeScope();
        }

        var pictures = Backend.Project(projector ?? Projector, features!.to(Language.Dtype), Language.Dtype);
        pictures = pictures.reshape(-1, Config.Text.HiddenSize);
        return cat([text, pictures], 0).index_select(0, batch.Order).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Vision.Dispose();
        Norm.Weight.Dispose();
        Norm.Bias.Dispose();
        Projector.Dispose();
        Language.Dispose();
    }
}
