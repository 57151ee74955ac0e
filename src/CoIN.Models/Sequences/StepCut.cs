using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;

namespace CoIN.Models.Sequences;

/// <summary>A micro-batch of a step.</summary>
/// <param name="Number">Which one of the whole step, from 0: dropout's masks follow from it.</param>
/// <param name="Share">The share of the step that it belongs to, from 0.</param>
/// <param name="EndsShare">Whether it is its share's last one.</param>
/// <param name="Samples">Indices.</param>
/// <param name="Weight">Its part of the step's loss; null where each of <c>training.gradient-accumulation</c> weighs the same.</param>
/// <param name="Factors">
/// For each sample what the losses of its labelled tokens are multiplied with beside the mean over the micro-batch's; null where all weigh
/// the same.
/// </param>
internal sealed record MicroBatchCut(
    int Number,
    int Share,
    bool EndsShare,
    IReadOnlyList<int> Samples,
    double? Weight,
    IReadOnlyList<float>? Factors = null
);

/// <summary>
/// Cuts steps into micro-batches: into <c>training.gradient-accumulation</c> ones of <c>training.batch-size</c> samples, or, with
/// <c>training.micro-batch-tokens</c>, into as many as it takes so that none has more positions than that. What a step's samples are and
/// how their tokens weigh is the same either way: only who is computed with whom differs.
/// </summary>
/// <param name="order">Of the samples.</param>
/// <param name="sizes">Of the samples.</param>
/// <param name="training">With the stage's own accumulation.</param>
internal sealed class StepCut(DataOrder order, IReadOnlyList<SequenceSize> sizes, TrainingOptions training)
{
    /// <summary>A step's micro-batches, share after share: a function of the step alone, from any thread.</summary>
    public IReadOnlyList<MicroBatchCut> Of(int step)
    {
        var counted = Enumerable.Range(0, training.GradientAccumulation).Select(micro => order.MicroBatch(step, micro)).ToList();
        return training.MicroBatchTokens is { } tokens ? ByTokens(counted, tokens) : BySamples(counted);
    }

    /// <summary>How many of some things in a row fit into a budget; at least one.</summary>
    /// <param name="positions">Of each.</param>
    public static int Fitting(IEnumerable<int> positions, int tokens)
    {
        long sum = 0;
        return Math.Max(positions.TakeWhile(each => (sum += each) <= tokens).Count(), 1);
    }

    private List<MicroBatchCut> BySamples(List<IReadOnlyList<int>> counted)
    {
        var labelled = training.Loss == LossMean.MicroBatchMean ? null : counted.ConvertAll(Labelled);
        var all = labelled?.Sum();
        return
        [
            .. Shares()
                .SelectMany(share =>
                    share.Micros.Select(micro => new MicroBatchCut(
                        micro,
                        share.Number,
                        micro == share.Micros[^1],
                        counted[micro],
                        labelled is null ? null : labelled[micro] / (double)all!
                    ))
                ),
        ];
    }

    /// <summary>
    /// Samples of about the same length come together, the longest first: so micro-batches are full, and little is padded where attention
    /// pads. A sample that is longer than the budget is a micro-batch by itself.
    /// </summary>
    private List<MicroBatchCut> ByTokens(List<IReadOnlyList<int>> counted, int tokens)
    {
        var labelled = counted.ConvertAll(Labelled);

        // A labelled token's part of the step's loss, by the micro-batch that it would be counted in.
        var parts =
            training.Loss == LossMean.TokenMean
                ? labelled.ConvertAll(_ => 1.0 / labelled.Sum())
                : labelled.ConvertAll(count => 1.0 / (count * (double)counted.Count));
        var cuts = new List<MicroBatchCut>();
        foreach (var (share, micros) in Shares())
        {
            // A stable sort: equal lengths keep their order.
            var left = micros
                .SelectMany(micro => counted[micro].Select(sample => (Sample: sample, Part: parts[micro])))
                .OrderByDescending(one => sizes[one.Sample].Positions)
                .ToList();
            for (var at = 0; at < left.Count; )
            {
                var some = left.GetRange(at, Fitting(left.Skip(at).Select(one => sizes[one.Sample].Positions), tokens));
                at += some.Count;
                List<int> samples = [.. some.Select(one => one.Sample)];
                var weight = some.Sum(one => one.Part * sizes[one.Sample].Labelled);
                var mean = weight / Labelled(samples);
                cuts.Add(
                    new MicroBatchCut(
                        cuts.Count,
                        share,
                        at == left.Count,
                        samples,
                        weight,
                        some.TrueForAll(one => one.Part == some[0].Part) ? null : [.. some.Select(one => (float)(one.Part / mean))]
                    )
                );
            }
        }

        return cuts;
    }

    private IEnumerable<(int Number, IReadOnlyList<int> Micros)> Shares() =>
        Enumerable
            .Range(0, training.WorldSize)
            .Select(share =>
            {
                var part = TrainingTeam.Part(training.GradientAccumulation, training.WorldSize, share);
                return (share, (IReadOnlyList<int>)[.. Enumerable.Range(part.Start.Value, part.End.Value - part.Start.Value)]);
            });

    private long Labelled(IReadOnlyList<int> samples) => samples.Sum(sample => (long)sizes[sample].Labelled);
}
