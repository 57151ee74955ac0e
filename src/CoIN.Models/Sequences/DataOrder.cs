using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;

namespace CoIN.Models.Sequences;

/// <summary>
/// Which samples each micro-batch takes: every epoch is a new permutation, a function of seed, stage and epoch alone. A resumed stage
/// therefore needs to know its step and nothing else.
/// </summary>
/// <param name="group">
/// Arranges an epoch's permutation further, if given (see <see cref="LengthGroups"/>); draws from the epoch's own random numbers.
/// </param>
internal sealed class DataOrder(int samples, int batchSize, int accumulation, long seed, Func<int[], SeededRandom, int[]>? group = null)
{
    private readonly int stepsPerEpoch = Math.Max((int)Math.Ceiling(samples / (double)batchSize) / accumulation, 1);
    private readonly Lock gate = new();
    private (int Epoch, int[] Order)? cached;

    /// <summary>The order of a stage.</summary>
    /// <param name="sizes">Of its samples.</param>
    public static DataOrder For(ExperimentOptions options, int stage, int batchSize, IReadOnlyList<SequenceSize> sizes)
    {
        var accumulation = options.Training.GradientAccumulation;
        return new DataOrder(
            sizes.Count,
            batchSize,
            accumulation,
            SeededRandom.Combine(options.Seed, stage, 1),
            options.Training.GroupByLength
                ? (shuffled, random) => LengthGroups.Arrange(shuffled, sizes, batchSize, accumulation, random)
                : null
        );
    }

    /// <summary>The sample indices of one micro-batch; from any thread.</summary>
    /// <param name="step">Optimizer step, from 0.</param>
    /// <param name="micro">Micro-batch within the step, from 0.</param>
    public IReadOnlyList<int> MicroBatch(int step, int micro)
    {
        var order = Epoch(step / stepsPerEpoch);
        var first = (((step % stepsPerEpoch) * accumulation) + micro) * batchSize;

        // A data set smaller than one step is gone round again.
        return first < samples
            ? order[first..Math.Min(first + batchSize, samples)]
            : [.. Enumerable.Range(first, Math.Min(batchSize, samples)).Select(i => order[i % samples])];
    }

    private int[] Epoch(int epoch)
    {
        lock (gate)
        {
            if (cached?.Epoch == epoch)
            {
                return cached.Value.Order;
            }

            var order = Enumerable.Range(0, samples).ToArray();
            var random = new SeededRandom(SeededRandom.Combine(seed, epoch));
            for (var i = samples - 1; i > 0; i--)
            {
                var j = random.Next(i + 1);
                (order[i], order[j]) = (order[j], order[i]);
            }

            order = group is null ? order : group(order, random);
            cached = (epoch, order);
            return order;
        }
    }
}
