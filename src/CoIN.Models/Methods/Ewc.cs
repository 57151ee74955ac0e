using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// Elastic weight consolidation (Kirkpatrick et al. 2017). At the end of a stage F is the mean of n samples' squared gradients (the
/// empirical Fisher information's diagonal, observed labels, each sample by itself); later stages have the loss
/// λ/2 Σ F (θ − θ*)² besides, over everything that is trained.
/// <para>
/// Penalties of several tasks are one with F = ΣFₜ around θ* = ΣFₜθₜ* / ΣFₜ, and a constant: so memory does not grow with tasks. Online
/// (Schwarz et al. 2018) it is F ← γF + Fₜ around the last θₜ*.
/// </para>
/// </summary>
internal sealed class Ewc(EwcOptions options) : TrainingMethod
{
    public const string Fisher = "fisher.",
        Anchor = "anchor.";

    private readonly ScalarType dtype = TorchNames.Dtype(options.StateDtype, "ewc.state-dtype");

    /// <inheritdoc/>
    public override Device StateDevice => options.StateOn == "host" ? CPU : Stage.Device;

    /// <inheritdoc/>
    public override IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples)
    {
        KeptSamples.CheckCount(samples, options.Samples, EwcOptions.Key, Stage);
        return samples;
    }

    /// <inheritdoc/>
    public override void BeginStage()
    {
        // What is there came with an adapter, maybe of another run.
        foreach (var (key, value) in new[] { ("Mode", $"{options.Mode}"), ("Loss", $"{options.Loss}") })
        {
            if ((string?)State.Values[key] is { } former && former != value)
            {
                throw new CoinException(
                    $"The Fisher information beside the adapter with which stage {Stage.Number} ({Stage.Name}) begins was made with "
                        + $"ewc.{key.ToLowerInvariant()} = {former.ToLowerInvariant()}, but now it is {value.ToLowerInvariant()}. "
                        + $"Set it as it was, or delete the method_state files beside the adapter to begin without a penalty."
                );
            }

            State.Values[key] = value;
        }
    }

    /// <inheritdoc/>
    public override void AddGradients()
    {
        foreach (var parameter in options.Lambda == 0 ? [] : Parameters)
        {
            using var scope = NewDisposeScope();
            if (State.Tensors.Has(Fisher + parameter.Name))
            {
                var way = parameter.Value.add(Here(State.Tensors[Anchor + parameter.Name], parameter.Value.device), Scalars.Of(-1L));
                var fisher = Here(State.Tensors[Fisher + parameter.Name], parameter.Value.device);
                parameter.Gradient.addcmul_(fisher, way, Scalars.Of(options.Lambda));
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        var drawn = KeptSamples.Draw(samples, options.Samples, Stage, Draws.Fisher);
        using var sums = new NamedTensors();
        for (var i = 0; i < drawn.Count; i++)
        {
            var pass = new SamplePass(drawn[i], i + 1, drawn.Count);
            yield return pass;
            Square(sums, options.Loss == EwcLoss.Sum ? (double)pass.Labelled * pass.Labelled : 1);
        }

        foreach (var parameter in Parameters)
        {
            using var scope = NewDisposeScope();
            Consolidate(parameter, sums[parameter.Name].div_(Scalars.Of((double)drawn.Count)));
            sums.Remove(parameter.Name);
        }

        State.Values["Tasks"] = ((int?)State.Values["Tasks"] ?? 0) + 1;
    }

    private void Square(NamedTensors sums, double factor)
    {
        foreach (var parameter in Parameters)
        {
            using var scope = NewDisposeScope();
            if (!sums.Has(parameter.Name))
            {
                sums[parameter.Name] = zeros_like(parameter.Value, device: StateDevice);
            }

            var gradient = parameter.Gradient.to(StateDevice);
            sums[parameter.Name].addcmul_(gradient, gradient, Scalars.Of(factor));
        }
    }

    /// <summary>Adds a task's Fisher information and anchor to those so far.</summary>
    private void Consolidate(TrainedParameter parameter, Tensor added)
    {
        var (fisher, anchor) = (added, Here(parameter.Value, StateDevice));
        if (State.Tensors.Has(Fisher + parameter.Name))
        {
            var former = Here(State.Tensors[Fisher + parameter.Name], StateDevice);
            if (options.Mode == EwcMode.Online)
            {
                fisher = added.add(former, Scalars.Of(options.Gamma));
            }
            else
            {
                // The mean of the anchors, weighed by F. Where nothing has ever had a gradient it does not matter.
                fisher = added.add(former, Scalars.One);
                var before = Here(State.Tensors[Anchor + parameter.Name], StateDevice);
                var part = added.div(fisher).nan_to_num(1);
                anchor = before.addcmul(part, anchor.add(before, Scalars.Of(-1L)), Scalars.One);
            }
        }

        State.Tensors[Fisher + parameter.Name] = fisher.to(dtype);
        State.Tensors[Anchor + parameter.Name] = anchor.to(dtype);
    }

    private static Tensor Here(Tensor tensor, Device device) => tensor.to(ScalarType.Float32).to(device);
}
