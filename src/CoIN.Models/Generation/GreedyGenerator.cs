using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Decoding of a batch of prompts of unequal lengths, greedy unless the request chooses otherwise, without padding but in attention.
/// Sequences that have ended leave the batch as soon as that is worth while, and prompts that there was no room for begin then.
/// </summary>
internal static class GreedyGenerator
{
    /// <summary>Answers a batch.</summary>
    /// <returns>New ids for each prompt, without the id that ended it.</returns>
    public static IReadOnlyList<IReadOnlyList<int>> Generate(IPromptedModel model, GenerationRequest request, IAdapter? adapter)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = model.Backend.Decoding(model, request, adapter);
        return Generate(batch, request);
    }

    /// <summary>Answers a batch of which nothing has been computed. Gradients are off, and a dispose scope is open.</summary>
    internal static IReadOnlyList<IReadOnlyList<int>> Generate(IDecodingBatch batch, GenerationRequest request)
    {
        var answers = request.Prompts.Select(_ => new List<int>()).ToList();
        long[] next = [];
        while (true)
        {
            if (batch.HasRoom)
            {
                var begun = next.Length;
                next = [.. next, .. batch.Prefill()];
                next = Accept(batch, next, begun, answers, request);
            }
            else if (next.Length > 0)
            {
                next = Accept(batch, batch.Decode(next), 0, answers, request);
            }
            else
            {
                return answers;
            }
        }
    }

    /// <summary>Appends the chosen tokens to the answers that are still open, from a row on.</summary>
    /// <returns>The tokens of the rows that go on; none where every row has ended.</returns>
    private static long[] Accept(IDecodingBatch batch, long[] next, int from, List<List<int>> answers, GenerationRequest request)
    {
        for (var row = from; row < next.Length; row++)
        {
            if (!batch.IsOpen(row))
            {
                continue;
            }

            var prompt = batch.Prompts[row];
            var ended = next[row] == request.EndOfSequence || request.FurtherEnds.Contains((int)next[row]);
            if (!ended)
            {
                answers[prompt].Add((int)next[row]);
            }

            if (ended || answers[prompt].Count >= (request.Lengths?[prompt] ?? request.MaxNewTokens) || batch.IsFull(row))
            {
                batch.Close(row);
            }
        }

        var open = Enumerable.Range(0, next.Length).Where(batch.IsOpen).ToList();
        if (!batch.ShouldShrink(open.Count))
        {
            return next;
        }

        batch.Keep(open);
        return [.. open.Select(row => next[row])];
    }
}
