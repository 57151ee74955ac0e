using CoIN.Benchmark;
using CoIN.Benchmark.Learning;

namespace CoIN.Models.Sequences;

/// <summary>
/// LLaVA's order of training samples, grouped by modality and length: the samples of one optimizer step all have pictures or all have none,
/// and its micro-batches get about equal numbers of positions, so that no micro-batch needs much more memory than the others. What stays
/// over at the ends of both kinds comes last.
/// </summary>
internal static class LengthGroups
{
    /// <summary>Arranges a shuffled epoch.</summary>
    /// <param name="shuffled">A permutation of the samples' indices.</param>
    /// <param name="sizes">Sizes by sample.</param>
    /// <param name="batchSize">Samples of a micro-batch.</param>
    /// <param name="accumulation">Micro-batches of a step.</param>
    /// <param name="random">Decides the order of the steps.</param>
    public static int[] Arrange(
        IReadOnlyList<int> shuffled,
        IReadOnlyList<SequenceSize> sizes,
        int batchSize,
        int accumulation,
        SeededRandom random
    )
    {
        var stepSize = batchSize * accumulation;
        var steps = new List<int[]>();
        var rest = new List<int>();
        foreach (var kind in shuffled.ToLookup(i => sizes[i].Pictures > 0).OrderByDescending(kind => kind.Key))
        {
            foreach (var samples in kind.Chunk(stepSize))
            {
                if (samples.Length == stepSize)
                {
                    steps.Add(Deal(samples, sizes, batchSize, accumulation));
                }
                else
                {
                    rest.AddRange(samples);
                }
            }
        }

        for (var i = steps.Count - 1; i > 0; i--)
        {
            var j = random.Next(i + 1);
            (steps[i], steps[j]) = (steps[j], steps[i]);
        }

        return [.. steps.SelectMany(step => step), .. rest];
    }

    /// <summary>
    /// Deals a step's samples to its micro-batches: the longest that is left goes where the fewest positions are and there is room.
    /// </summary>
    private static int[] Deal(int[] samples, IReadOnlyList<SequenceSize> sizes, int batchSize, int accumulation)
    {
        var dealt = new int[samples.Length];
        var counts = new int[accumulation];
        var positions = new long[accumulation];

        // A stable sort: equal lengths keep the order that the shuffle gave them.
        foreach (var sample in samples.OrderByDescending(i => sizes[i].Positions))
        {
            var micro = Enumerable.Range(0, accumulation).Where(m => counts[m] < batchSize).MinBy(m => positions[m]);
            dealt[(micro * batchSize) + counts[micro]++] = sample;
            positions[micro] += sizes[sample].Positions;
        }

        return dealt;
    }
}
