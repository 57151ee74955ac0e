using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;

namespace CoIN.Models.Methods;

/// <summary>
/// Experience replay (Chaudhry et al. 2019, with a buffer of equal parts): some samples of every finished task are kept, and every later
/// stage trains on them as on its own.
/// </summary>
internal sealed class Replay(ReplayOptions options) : TrainingMethod
{
    private HashSet<TrainingSample> own = [];

    /// <inheritdoc/>
    public override IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples)
    {
        KeptSamples.CheckCount(samples, options.Samples, ReplayOptions.Key, Stage);

        // Samples of several tasks may be alike.
        own = new HashSet<TrainingSample>(samples, ReferenceEqualityComparer.Instance);
        return [.. samples, .. KeptSamples.Usable(State, Stage).SelectMany(task => task.Samples)];
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        var drawn = KeptSamples.Draw([.. samples.Where(own.Contains)], options.Samples, Stage, Draws.Kept);
        new KeptSamples(Stage.Number, Stage.Name, drawn).AddTo(State);
        return [];
    }
}
