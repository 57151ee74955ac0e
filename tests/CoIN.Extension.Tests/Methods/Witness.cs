using CoIN.Benchmark.Data;
using CoIN.Models.Computing;
using CoIN.Models.Methods;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Writes down what it is called for and what it sees, and changes nothing unless it is told to.</summary>
/// <param name="calls">Receives a word for every call.</param>
internal sealed class Witness(List<string> calls) : TrainingMethod
{
    /// <summary>Values and gradients of every step before the optimizer's part, by name.</summary>
    public List<Dictionary<string, (Tensor Value, Tensor Gradient)>> Steps { get; } = [];

    /// <summary>Samples that are taken of those offered.</summary>
    public int Wanted { get; init; } = int.MaxValue;

    /// <summary>Samples whose gradient is wanted at the end.</summary>
    public int AtEnd { get; init; }

    /// <summary>What is added to the gradient of the logits.</summary>
    public Func<MethodBatch, LabelledLogits, Tensor?> Further { get; init; } = (_, _) => null;

    public override IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples)
    {
        calls.Add($"samples {samples.Count}");
        return [.. samples.Take(Wanted)];
    }

    public override void BeginStage() => calls.Add($"begin {Stage.Number} {Parameters.Count > 0}");

    public override Tensor? LogitsGradient(MethodBatch batch, LabelledLogits rows)
    {
        calls.Add($"logits {string.Join('+', batch.Samples.Select(sample => sample.Id))}{(batch.Rehearsed ? " rehearsed" : "")}");
        Assert.Equal((rows.Total, rows.Logits.size(0)), (batch.Labelled.Sum(), rows.Targets.size(0)));
        return Further(batch, rows);
    }

    public override void AddGradients()
    {
        calls.Add("gradients");
        Steps.Add(
            Parameters.ToDictionary(
                one => one.Name,
                one => (one.Value.clone().DetachFromDisposeScope(), one.Gradient.clone().DetachFromDisposeScope())
            )
        );
    }

    public override void AfterStep(int step) => calls.Add($"step {step}");

    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        calls.Add($"end {samples.Count}");
        for (var i = 0; i < AtEnd; i++)
        {
            yield return new SamplePass(samples[i], i + 1, AtEnd);
            calls.Add($"gradient of {samples[i].Id}");
        }
    }
}
