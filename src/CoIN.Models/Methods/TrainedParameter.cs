using CoIN.Models.Adapters;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// A trained matrix by the name it has in adapter files. Both tensors are the memory that training itself uses, outside any graph, and may
/// be changed in place.
/// </summary>
/// <param name="Gradient">Of the micro-batches so far; of one sample at the end of a stage.</param>
internal sealed record TrainedParameter(string Name, Tensor Value, Tensor Gradient) : IDisposable
{
    /// <summary>All that an adapter trains.</summary>
    public static IReadOnlyList<TrainedParameter> Of(IAdapter adapter)
    {
        var gradients = adapter.Named(Gradients.Of).ToDictionary(pair => pair.Name, pair => pair.Tensor, StringComparer.Ordinal);
        return
        [
            .. adapter
                .Named()
                .Select(pair => new TrainedParameter(
                    pair.Name,
                    pair.Tensor.detach().DetachFromDisposeScope(),
                    gradients[pair.Name].detach().DetachFromDisposeScope()
                )),
        ];
    }

    public void Dispose()
    {
        Value.Dispose();
        Gradient.Dispose();
    }
}
