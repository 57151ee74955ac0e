using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// Exponential moving average of everything that is trained: θ̄ ← d θ̄ + (1 − d) θ after every step, from the stage's beginning. The stage
/// ends as its average: that is the adapter that is tested and trained further.
/// </summary>
internal sealed class Ema(EmaOptions options) : TrainingMethod
{
    /// <inheritdoc/>
    public override void BeginStage()
    {
        foreach (var parameter in Parameters)
        {
            State.Tensors[parameter.Name] = parameter.Value;
        }
    }

    /// <inheritdoc/>
    public override void AfterStep(int step)
    {
        foreach (var parameter in Parameters)
        {
            State.Tensors[parameter.Name].mul_(Scalars.Of(options.Decay)).add_(parameter.Value, Scalars.Of(1 - options.Decay));
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        foreach (var parameter in Parameters)
        {
            parameter.Value.copy_(State.Tensors[parameter.Name]);
        }

        // The adapter is the average; nobody needs it twice.
        State.Tensors.Clear();
        return [];
    }
}
