using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// Orthogonal subspace learning (O-LoRA, Wang et al. 2023, by its official code): every task has LoRA of its own beside that of all earlier
/// ones, which stays as it is (see <see cref="Adapters.OLora.OLoraAdapter"/>). The loss gains
/// λ₁ Σ |A_earlier Aᵀ| over all elements and linear maps, and λ₂ Σ ‖·‖₂ over the new A and B, norms that are not squared.
/// </summary>
internal sealed class OLora(OLoraOptions options) : TrainingMethod
{
    /// <inheritdoc/>
    public override void AddGradients()
    {
        foreach (var parameter in Parameters)
        {
            using var scope = NewDisposeScope();
            if (options.Lambda1 > 0 && PeftFolder.IsA(parameter.Name) && Frozen.TryGetValue(parameter.Name, out var earlier))
            {
                // d/dA of the sum of |A_earlier Aᵀ|: [r, earlier ranks] · [earlier ranks, inputs].
                var directions = parameter.Value.matmul(earlier.t()).sign_();
                parameter.Gradient.add_(directions.matmul(earlier), Scalars.Of(options.Lambda1));
            }

            if (options.Lambda2 > 0 && (PeftFolder.IsA(parameter.Name) || PeftFolder.IsB(parameter.Name)))
            {
                // Where all is zero, as B is at first, the norm has no direction: 0, as in torch.
                var direction = parameter.Value.div(parameter.Value.norm()).nan_to_num(0);
                parameter.Gradient.add_(direction, Scalars.Of(options.Lambda2));
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        State.Values["Tasks"] = ((int?)State.Values["Tasks"] ?? 0) + 1;
        return [];
    }
}
