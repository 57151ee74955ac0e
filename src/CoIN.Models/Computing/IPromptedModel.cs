using CoIN.Models.Adapters;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>What answers prompts: a language model, and what makes its embeddings of prompts.</summary>
internal interface IPromptedModel
{
    DecoderModel Language { get; }

    /// <summary>What computes.</summary>
    IBackend Backend { get; }

    /// <summary>Positions of a picture; 0 for a model that knows none.</summary>
    int ImageTokens { get; }

    /// <summary>Embeddings of a batch's positions.</summary>
    /// <param name="features">[…, vision size]: vision features of all positions of its pictures, in order; null without pictures.</param>
    /// <param name="projector">The trained projector, or null for the base's.</param>
    /// <returns>[sum of lengths, hidden size].</returns>
    Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null);
}

/// <summary>A language model that sees pictures through a projector.</summary>
internal interface IPictureModel : IPromptedModel, IDisposable
{
    Projector Projector { get; }

    /// <summary>
    /// Pictures that are worth looking at together, see <see cref="IBackend.PicturesTogether"/>.
    /// </summary>
    int PicturesTogether { get; }

    /// <summary>Features of pictures by the frozen tower; no gradient is wanted.</summary>
    /// <param name="pixels">Normalized pixels, a picture in each row of the first dimension.</param>
    /// <returns>[pictures, image tokens, vision size], all pictures being of one size.</returns>
    Tensor Features(Tensor pixels);

    /// <summary>
    /// The model with an adapter folded into copies of the language model's weights and with the adapter's projector; shares all else, and
    /// is disposed of by its <see cref="IPromptedModel.Language"/>.
    /// </summary>
    IPictureModel Merged(IAdapter adapter);
}

/// <summary>A language model by itself.</summary>
internal sealed class TextModel(DecoderModel language, IBackend backend) : IPromptedModel
{
    /// <inheritdoc/>
    public DecoderModel Language { get; } = language;

    /// <inheritdoc/>
    public IBackend Backend { get; } = backend;

    /// <inheritdoc/>
    public int ImageTokens => 0;

    /// <inheritdoc/>
    public Tensor Embed(SequenceBatch batch, Tensor? features, Projector? projector = null) => Language.Embed(batch.TextIds);
}
