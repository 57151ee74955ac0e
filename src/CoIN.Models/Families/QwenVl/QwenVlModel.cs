using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>
/// Qwen-VL (Bai et al. 2023): patches of a picture become, by a resampler, as many places of the language model's sequence as the tokenizer
/// leaves for it. The weights are the base model's; an adapter is passed to every call that may use one.
/// </summary>
internal sealed class QwenVlModel(QwenVlConfig config, VisionTransformer vision, Resampler resampler, DecoderModel language) : IPictureModel
{
    public QwenVlConfig Config { get; } = config;

    public VisionTransformer Vision { get; } = vision;

    public Resampler Resampler { get; } = resampler;

    /// <inheritdoc/>
    public DecoderModel Language { get; } = language;

    /// <summary>None: the resampler ends in the language model's embeddings, and is not trained.</summary>
    public Projector Projector { get; } = new([], ProjectorForm.None);

    /// <inheritdoc/>
    public IBackend Backend { get; } = Backends.Backend.For(language.Dtype, language.Device);

    /// <inheritdoc/>
    public int ImageTokens => QwenVlConfig.Queries;

    /// <inheritdoc/>
    public int PicturesTogether => Backend.PicturesTogether(Vision.Config, Language.Device.type);

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Backend.Resample(Resampler, Backend.Vision(Vision, pixels)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IPictureModel Merged(IAdapter adapter) => new QwenVlModel(Config, Vision, Resampler, Language.Merged(adapter.Updates()));

    /// <inheritdoc/>
    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var text = Language.Embed(batch.TextIds);
        var all = batch.Pictures == 0 ? text : cat([text, features!.to(Language.Dtype).reshape(-1, Config.Features)], 0);
        return all.index_select(0, batch.Order).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Vision.Dispose();
        Resampler.Dispose();
        Language.Dispose();
    }
}
