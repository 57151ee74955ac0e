using CoIN.Benchmark.Data;
using CoIN.Models.Methods;
using CoIN.Models.Torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>The empirical Fisher information's diagonal at the end of a stage: the mean of the samples' squared gradients.</summary>
internal sealed class FisherDiagonal : TrainingMethod
{
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        using var sums = new NamedTensors();
        for (var i = 0; i < samples.Count; i++)
        {
            yield return new SamplePass(samples[i], i + 1, samples.Count);
            foreach (var parameter in Parameters)
            {
                var square = parameter.Gradient * parameter.Gradient;
                sums[parameter.Name] = sums.Has(parameter.Name) ? sums[parameter.Name].add(square, Scalars.One) : square;
            }
        }

        foreach (var (name, sum) in sums)
        {
            State.Tensors[$"fisher.{name}"] = sum.div(Scalars.Of((double)samples.Count));
        }
    }
}
