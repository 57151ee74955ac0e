using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Llava;

/// <summary>
/// LLaVA-1.5 (Liu et al. 2023): CLIP features of a picture go through a projector into the language model's sequence.
/// The weights are the base model's; an adapter is passed to every call that may use one.
/// </summary>
internal sealed class LlavaModel(LlavaConfig config, ClipVisionTower vision, Projector projector, LlamaModel language) : IPromptedModel, IDisposable
{
    public LlavaConfig Config { get; } = config;

    public ClipVisionTower Vision { get; } = vision;

    public Projector Projector { get; } = projector;

    public LlamaModel Language { get; } = language;

    /// <inheritdoc/>
    public int ImageTokens => Config.ImageTokens;

    public Device Device => Language.Device;

    /// <summary>The model with an adapter folded into copies of the language model's weights and with the adapter's projector.</summary>
    public LlavaModel Merged(LoraAdapter adapter) => new(Config, Vision, adapter.Projector ?? Projector, Language.Merged(adapter));

    /// <summary>Embeddings of a batch's positions.</summary>
    /// <param name="features">[pictures, image tokens, vision size] of the vision tower; null without pictures.</param>
    /// <param name="projector">The trained projector, or null for the base's.</param>
    /// <returns>[sum of lengths, hidden size].</returns>
    public Tensor Embed(LlavaBatch batch, Tensor? features, Projector? projector = null)
    {
        using var scope = NewDisposeScope();
        var text = Language.Embed(batch.TextIds);
        if (batch.Pictures == 0)
        {
            return text.MoveToOuterDisposeScope();
        }

        var pictures = (projector ?? Projector).Forward(features!.to(Language.Dtype), Language.Dtype).reshape(-1, Config.Text.HiddenSize);
        return cat([text, pictures], 0).index_select(0, batch.Order).MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross entropy over the labelled tokens of a batch; logits exist at labelled positions only.</summary>
    /// <param name="features">As for <see cref="Embed"/>.</param>
    public Tensor Loss(LlavaBatch batch, Tensor? features, LoraAdapter? adapter = null, Dropout? dropout = null)
    {
        using var scope = NewDisposeScope();
        var hidden = Language.Forward(Embed(batch, features, adapter?.Projector), batch.Sequences, adapter, dropout, rows: batch.LabelledRows);
        return F.cross_entropy(Language.Logits(hidden), batch.Targets).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Vision.Dispose();
        Projector.Dispose();
        Language.Dispose();
    }
}
