using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>
/// Qwen2.5-VL (Bai et al. 2025): pictures keep their size, and the language model's rotary positions have a time, a height and a width. The
/// weights are the base model's; an adapter is passed to every call that may use one.
/// </summary>
internal sealed class Qwen25VlModel(Qwen25VlConfig config, GridVision vision, DecoderModel language) : IPictureModel
{
    public Qwen25VlConfig Config { get; } = config;

    public GridVision Vision { get; } = vision;

    /// <inheritdoc/>
    public DecoderModel Language { get; } = language;

    /// <summary>None: the tower's merger ends in the language model's embeddings, and is not trained.</summary>
    public Projector Projector { get; } = new([], ProjectorForm.None);

    /// <inheritdoc/>
    public IBackend Backend { get; } = Backends.Backend.For(language.Dtype, language.Device);

    /// <summary>Of no picture: each has as many as its size asks for.</summary>
    public int ImageTokens => 0;

    /// <inheritdoc/>
    public int PicturesTogether => 1;

    /// <inheritdoc/>
    public Tensor Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var each = Enumerable
            .Range(0, (int)pixels.size(0))
            .Select(picture => Backend.Vision(Vision, pixels.narrow(0, picture, 1)))
            .ToList();
        return (each.Count == 1 ? each[0] : cat(each, 0)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IPictureModel Merged(IAdapter adapter) => new Qwen25VlModel(Config, Vision, Language.Merged(adapter.Updates()));

    /// <inheritdoc/>
    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var text = Language.Embed(batch.TextIds);
        var all = batch.Pictures == 0 ? text : cat([text, features!.to(Language.Dtype).reshape(-1, Config.Text.HiddenSize)], 0);
        return all.index_select(0, batch.Order).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Vision.Dispose();
        Language.Dispose();
    }
}
