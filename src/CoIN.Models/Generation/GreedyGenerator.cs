using CoIN.Models.Adapters;
using CoIN.Models.Llava;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Greedy decoding of a batch of prompts of unequal lengths. Keys and values are preallocated; sequences that have ended leave the batch
/// as soon as half of it has.
/// </summary>
internal static class GreedyGenerator
{
    /// <summary>Generates.</summary>
    /// <param name="prompts">Prompts, pictures as placeholders.</param>
    /// <param name="features">Vision features of all pictures in order, or null.</param>
    /// <param name="maxNewTokens">Longest answer.</param>
    /// <param name="endOfSequence">The id that ends an answer; null to go on to the longest.</param>
    /// <param name="logits">Sees each step's logits [sequences, vocabulary] and the rows they belong to, if given.</param>
    /// <returns>New ids for each prompt, without the end-of-sequence id.</returns>
    public static IReadOnlyList<IReadOnlyList<int>> Generate(
        LlavaModel model, IReadOnlyList<LlavaSequence> prompts, Tensor? features, LoraAdapter? adapter, int maxNewTokens, int? endOfSequence,
        Action<Tensor, IReadOnlyList<int>>? logits = null, IReadOnlyList<int>? lengths = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var config = model.Config.Text;
        using var batch = LlavaBatch.Create(prompts, model.Config.ImageTokens, config.MaxPositions, model.Device);
        
        var capacity = Math.Min(batch.Sequences.Longest + maxNewTokens, config.MaxPositions);
        var caches = config.Layers.Times(() => new LayerCache(Empty(model, prompts.Count, capacity), Empty(model, prompts.Count, capacity)));
        try
        {
            var answers = prompts.Count.Times(() => new List<int>());
            var ends = batch.Sequences.Lengths.ToArray();
            IReadOnlyList<int> rows = [.. Enumerable.Range(0, prompts.Count)];
            var next = Prefill(model, batch, features, adapter, caches, rows, logits);
            while (true)
            {
                var open = Accept(rows, next, answers, ends, row => lengths?[row] ?? maxNewTokens, capacity, endOfSequence);
                if (open.Count == 0)
                {
                    return answers;
                }

                if (open.Count * 2 <= rows.Count)
                {
                    Shrink(ref caches, rows, open, model.Device);
                    next = [.. rows.Zip(next).Where(pair => open.Contains(pair.First)).Select(pair => pair.Second)];
                    rows = open;
                }

                next = Decode(model, adapter, caches, rows, next, ends, capacity, logits);
            }
        }
        finally
        {
            caches.ForEach(cache => cache.Dispose());
        }
    }

    private static List<T> Times<T>(this int count, Func<T> make) => [.. Enumerable.Range(0, count).Select(_ => make())];

    private static Tensor Empty(LlavaModel model, int rows, int capacity) =>
        zeros([rows, capacity, model.Config.Text.KeyValueHeads, model.Config.Text.HeadSize], model.Language.Dtype, model.Device).DetachFromDisposeScope();

    private static long[] Prefill(
        LlavaModel model, LlavaBatch batch, Tensor? features, LoraAdapter? adapter, List<LayerCache> caches, IReadOnlyList<int> rows,
        Action<Tensor, IReadOnlyList<int>>? logits)
    {
        using var scope = NewDisposeScope();
        var hidden = model.Language.Forward(model.Embed(batch, features, adapter?.Projector), batch.Sequences, adapter, caches: caches);
        var last = new long[rows.Count];
        long at = -1;
        for (var i = 0; i < last.Length; i++)
        {
            at += batch.Sequences.Lengths[i];
            last[i] = at;
        }

        return Choose(model, hidden.index_select(0, tensor(last, device: model.Device)), rows, logits);
    }

    /// <summary>Appends the chosen tokens to the answers that are still open.</summary>
    /// <returns>The rows that go on.</returns>
    private static List<int> Accept(
        IReadOnlyList<int> rows, long[] next, List<List<int>> answers, int[] ends, Func<int, int> longest, int capacity, int? endOfSequence)
    {
        var open = new List<int>();
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (ends[row] < 0)
            {
                continue;
            }

            var ended = next[i] == endOfSequence;
            if (!ended)
            {
                answers[row].Add((int)next[i]);
            }

            if (ended || answers[row].Count >= longest(row) || ends[row] + 1 > capacity)
            {
                // Its slot is still computed until the batch shrinks, in place of its last position.
                ends[row] = -1;
            }
            else
            {
                open.Add(row);
            }
        }

        return open;
    }

    private static void Shrink(ref List<LayerCache> caches, IReadOnlyList<int> rows, IReadOnlyList<int> open, Device device)
    {
        using var scope = NewDisposeScope();
        using var keep = tensor(rows.Select((row, i) => (row, i)).Where(pair => open.Contains(pair.row)).Select(pair => (long)pair.i).ToArray(), device: device);
        var old = caches;
        caches = [.. old.Select(cache => cache.Select(keep))];
        old.ForEach(cache => cache.Dispose());
    }

    private static long[] Decode(
        LlavaModel model, LoraAdapter? adapter, List<LayerCache> caches, IReadOnlyList<int> rows, long[] ids, int[] ends, int capacity,
        Action<Tensor, IReadOnlyList<int>>? logits)
    {
        using var scope = NewDisposeScope();
        var device = model.Device;
        var positions = rows.Select(row => (long)Math.Max(ends[row], 0)).ToArray();
        foreach (var row in rows.Where(row => ends[row] >= 0))
        {
            ends[row]++;
        }

        var covered = positions.Max() + 1;
        var at = tensor(positions, device: device);
        var slots = tensor(positions.Select((position, i) => ((long)i * capacity) + position).ToArray(), device: device);
        var mask = arange(Scalars.Of(0L), Scalars.Of(covered), Scalars.Of(1L), device: device).unsqueeze(0).le(at.unsqueeze(1)).view(rows.Count, 1, 1, covered);
        var hidden = model.Language.Decode(model.Language.Embed(tensor(ids, device: device)), at, caches, slots, mask, adapter);
        return Choose(model, hidden, rows, logits);
    }

    private static long[] Choose(LlavaModel model, Tensor hidden, IReadOnlyList<int> rows, Action<Tensor, IReadOnlyList<int>>? logits)
    {
        var scores = model.Language.Logits(hidden);
        logits?.Invoke(scores, rows);
        return scores.argmax(-1).cpu().data<long>().ToArray();
    }
}
