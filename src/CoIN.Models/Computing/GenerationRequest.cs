using CoIN.Models.Sequences;
using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>A batch of prompts to answer.</summary>
/// <param name="Prompts">Prompts, pictures as placeholders.</param>
/// <param name="Features">Vision features of the pictures, or null without.</param>
/// <param name="MaxNewTokens">Longest answer.</param>
internal sealed record GenerationRequest(IReadOnlyList<TokenSequence> Prompts, PictureFeatures? Features, int MaxNewTokens)
{
    /// <summary>
    /// The row of <see cref="Features"/> of every placeholder, in order: prompts with the same row share their picture's work. Null for a
    /// row each.
    /// </summary>
    public IReadOnlyList<int>? Pictures { get; init; }

    /// <summary>The id that ends an answer; null to go on to the longest.</summary>
    public int? EndOfSequence { get; init; }

    /// <summary>Other ids that end an answer too.</summary>
    public IReadOnlyCollection<int> FurtherEnds { get; init; } = [];

    /// <summary>Tokens after which each answer ends in any case, for measurements; null for <see cref="MaxNewTokens"/>.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>Sees each step's logits [sequences, vocabulary] and the prompts they belong to, if given.</summary>
    public Action<Tensor, IReadOnlyList<int>>? Logits { get; init; }

    /// <summary>
    /// Chooses each step's tokens in place of the most probable, if given: from logits [sequences, vocabulary], which it may change, and
    /// the prompts they belong to. A sequence that has ended may still be among them; its token is not used.
    /// </summary>
    public Func<Tensor, IReadOnlyList<int>, long[]>? Choose { get; init; }
}
