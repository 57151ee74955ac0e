using CoIN.Models.Modules;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.Lora;

/// <summary>LoRA's updates in one pass.</summary>
/// <param name="dropout">Null where nothing is dropped.</param>
/// <param name="frozen">A further adapter with the same scaling that is not trained; null for none.</param>
internal sealed class LoraUpdates(LoraAdapter adapter, Dropout? dropout, LoraAdapter? frozen = null) : IDecoderUpdates
{
    private readonly IReadOnlyList<LayerUpdates> layers =
    [
        .. adapter.Layers.Select(
            (layer, i) =>
                new LayerUpdates(layer, frozen?.Layers[i], adapter.Scaling, dropout, (matrix, dtype) =>
                    adapter.Typed.Of(matrix, dtype)
                    ?? frozen?.Typed.Of(matrix, dtype)
                    ?? throw new InvalidOperationException("Prepare comes first.")
                )
        ),
    ];

    /// <inheritdoc/>
    public void Prepare(ScalarType dtype)
    {
        adapter.Typed.Refresh(dtype);
        frozen?.Typed.Refresh(dtype);
    }

    /// <inheritdoc/>
    public ILayerUpdates Layer(int layer)
    {
        dropout?.BeginLayer(layer);
        return layers[layer];
    }

    private sealed class LayerUpdates(
        LoraLayer layer,
        LoraLayer? frozen,
        double scaling,
        Dropout? dropout,
        Func<Tensor, ScalarType, Tensor> typed
    ) : ILayerUpdates
    {
        public ILinearUpdate? Qkv { get; } = Of(layer.Qkv, frozen?.Qkv, scaling, dropout, typed);

        public ILinearUpdate? Output { get; } = Of(layer.Output, frozen?.Output, scaling, dropout, typed);

        public ILinearUpdate? GateUp { get; } = Of(layer.GateUp, frozen?.GateUp, scaling, dropout, typed);

        public ILinearUpdate? Down { get; } = Of(layer.Down, frozen?.Down, scaling, dropout, typed);

        private static LoraUpdate? Of(
            LoraLinear linear,
            LoraLinear? frozen,
            double scaling,
            Dropout? dropout,
            Func<Tensor, ScalarType, Tensor> typed
        ) => linear.Places.Count == 0 ? null : new LoraUpdate(linear, scaling, dropout) { Frozen = frozen, Typed = typed };
    }
}

/// <summary>The low-rank updates of one <see cref="Linear"/> in one pass.</summary>
/// <param name="Scaling">α / r.</param>
/// <param name="Dropout">Drops inputs, independently for each part; null for none.</param>
internal sealed record LoraUpdate(LoraLinear Lora, double Scaling, Dropout? Dropout) : ILinearUpdate
{
    /// <summary>
    /// Further matrices of the same parts, scaled alike and with the same inputs dropped, which get no gradient; null for none.
    /// </summary>
    public LoraLinear? Frozen { get; init; }

    /// <summary>A matrix in a base's type, to be used outside graphs alone: see <see cref="TypedMatrices"/>.</summary>
    public Func<Tensor, ScalarType, Tensor> Typed { get; init; } = static (matrix, dtype) => matrix.to(dtype);

    /// <inheritdoc/>
    public Tensor[] AddTo(Tensor[] outputs, Tensor x) => Lora.AddTo(outputs, x, Scaling, Dropout, Frozen);

    /// <inheritdoc/>
    public Tensor Merge(Linear linear) => Lora.Merge(linear, Scaling, Frozen);
}
