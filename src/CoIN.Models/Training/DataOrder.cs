using CoIN.Benchmark.Learning;

namespace CoIN.Models.Training;

/// <summary>
/// Which samples each micro-batch takes: every epoch is a new permutation, a function of seed, stage and epoch alone. A resumed stage therefore needs to know
/// its step and nothing else.
/// </summary>
internal sealed class DataOrder(int samples, int batchSize, int accumulation, long seed)
{
    private readonly int stepsPerEpoch = Math.Max((int)Math.Ceiling(samples / (double)batchSize) / accumulation, 1);
    private (int Epoch, int[] Order)? cached;

    /// <summary>The sample indices of one micro-batch.</summary>
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
        if (cached?.Epoch != epoch)
        {
            var order = Enumerable.Range(0, samples).ToArray();
            var random = new SeededRandom(SeededRandom.Combine(seed, epoch));
            for (var i = samples - 1; i > 0; i--)
            {
                var j = random.Next(i + 1);
                (order[i], order[j]) = (order[j], order[i]);
            }

            cached = (epoch, order);
        }

        return cached!.Value.Order;
    }
}
