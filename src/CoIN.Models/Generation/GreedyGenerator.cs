using CoIN.Models.Adapters;
using CoIN.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>A batch of prompts to answer.</summary>
/// <param name="Prompts">Prompts, pictures as placeholders.</param>
/// <param name="Features">Vision features [pictures, image tokens, vision size], or null without pictures.</param>
/// <param name="MaxNewTokens">Longest answer.</param>
internal sealed record GenerationRequest(IReadOnlyList<LlavaSequence> Prompts, Tensor? Features, int MaxNewTokens)
{
    /// <summary>The row of <see cref="Features"/> of every placeholder, in order: prompts with the same row share their picture's work. Null for a row each.</summary>
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
    /// Chooses each step's tokens in place of the most probable, if given: from logits [sequences, vocabulary], which it may change, and the prompts they belong to.
    /// A sequence that has ended may still be among them; its token is not used.
    /// </summary>
    public Func<Tensor, IReadOnlyList<int>, long[]>? Choose { get; init; }
}

/// <summary>
/// Decoding of a batch of prompts of unequal lengths, greedy unless the request chooses otherwise, without padding but in attention. Sequences that have ended leave the batch as soon as half of it has.
/// </summary>
internal static class GreedyGenerator
{
    /// <summary>Answers a batch.</summary>
    /// <returns>New ids for each prompt, without the id that ended it.</returns>
    public static IReadOnlyList<IReadOnlyList<int>> Generate(IPromptedModel model, GenerationRequest request, LoraAdapter? adapter)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = new DecodingBatch(model, request, adapter);
        var next = batch.Prefill();
        var answers = request.Prompts.Select(_ => new List<int>()).ToList();
        while (true)
        {
            var open = Accept(batch, next, answers, request);
            if (open.Count == 0)
            {
                return answers;
            }

            if (open.Count * 2 <= batch.Prompts.Count)
            {
                next = [.. open.Select(row => next[row])];
                batch.Keep(open);
            }

            next = batch.Decode(next);
        }
    }

    /// <summary>Appends the chosen tokens to the answers that are still open.</summary>
    /// <returns>The rows that go on.</returns>
    private static List<int> Accept(DecodingBatch batch, long[] next, List<List<int>> answers, GenerationRequest request)
    {
        var open = new List<int>();
        for (var row = 0; row < next.Length; row++)
        {
            var prompt = batch.Prompts[row];
            if (!batch.IsOpen(row))
            {
                continue;
            }

            var ended = next[row] == request.EndOfSequence || request.FurtherEnds.Contains((int)next[row]);
            if (!ended)
            {
                answers[prompt].Add((int)next[row]);
            }

            if (ended || answers[prompt].Count >= (request.Lengths?[prompt] ?? request.MaxNewTokens) || batch.IsFull(row))
            {
                batch.Close(row);
            }
            else
            {
                open.Add(row);
            }
        }

        return open;
    }
}
