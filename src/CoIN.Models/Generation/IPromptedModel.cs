using CoIN.Models.Llava;
using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>What answers prompts: a language model, and what makes its embeddings of prompts.</summary>
internal interface IPromptedModel
{
    LlamaModel Language { get; }

    /// <summary>Positions of a picture; 0 for a model that knows none.</summary>
    int ImageTokens { get; }

    /// <summary>Embeddings of a batch's positions.</summary>
    /// <param name="features">Vision features of its pictures; null without pictures.</param>
    /// <param name="projector">The trained projector, or null for the base's.</param>
    /// <returns>[sum of lengths, hidden size].</returns>
    Tensor Embed(LlavaBatch batch, Tensor? features, Projector? projector = null);
}
